"""ONNX: fitted fastlr models as graphs that onnxruntime serves, without Python or fastlr.

skl2onnx walks pipelines and searches and knows scikit-learn's estimators; `register` tells it
about fastlr's. It is imported when that is called, and only then.
"""

from __future__ import annotations

__all__ = ["register"]


def register() -> None:
    """Teach skl2onnx to convert fastlr's estimators, alone, in pipelines and in searches.

    Call it once before ``skl2onnx.to_onnx``; calling it again does no harm. Graphs take float32
    or float64 rows and compute in the type they are given. A classifier's graph returns the label
    (int64 or string) and the probabilities, one column for each class; with
    ``options={"zipmap": False}`` these are a plain array, and ``"raw_scores": True`` puts what
    `decision_function` returns in their place (two columns if there are two classes, as skl2onnx
    does for scikit-learn's).

    Raises
    ------
    ImportError
        If skl2onnx is not installed; ``pip install 'fastlr[onnx]'`` brings it.

    Examples
    --------
    >>> import numpy as np
    >>> from skl2onnx import to_onnx
    >>> import fastlr.onnx
    >>> from fastlr import LinearClassifier
    >>> X = np.float32([[0, 1], [1, 0], [0, 2], [2, 0]])
    >>> model = LinearClassifier(random_state=0).fit(X, ["up", "right", "up", "right"])
    >>> fastlr.onnx.register()
    >>> graph = to_onnx(model, X, options={"zipmap": False})
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(graph.SerializeToString())
    >>> label, probability = session.run(None, {"X": X})
    >>> label.tolist()
    ['up', 'right', 'up', 'right']
    >>> bool(np.abs(probability - model.predict_proba(X)).max() < 1e-6)
    True
    """
    try:
        import skl2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "fastlr.onnx needs skl2onnx: pip install 'fastlr[onnx]', or pip install skl2onnx"
        ) from error
    from ._converters import register_all

    register_all()
