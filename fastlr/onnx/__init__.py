"""ONNX: fitted fastlr models as graphs that onnxruntime serves without Python or fastlr.

skl2onnx converts pipelines, searches and scikit-learn's estimators; `register` teaches it fastlr's.
It is imported only when `register` is called.
"""

from __future__ import annotations

__all__ = ["register"]


def register() -> None:
    """Teach skl2onnx to convert fastlr's estimators, alone, in pipelines and in searches.

    Call it once before ``skl2onnx.to_onnx``; further calls have no effect. Graphs take float32 or
    float64 rows and compute in that type. A classifier's graph returns the label (int64 or string)
    and the probabilities, one column per class. With ``options={"zipmap": False}`` the
    probabilities are a plain array; ``"raw_scores": True`` replaces them by `decision_function`
    (two columns for two classes, as skl2onnx does for scikit-learn's estimators).

    Raises
    ------
    ImportError
        If skl2onnx is not installed; ``pip install 'fastlr-optim[onnx]'`` brings it.

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
            "fastlr.onnx needs skl2onnx: pip install 'fastlr-optim[onnx]', or pip install skl2onnx"
        ) from error
    from ._converters import register_all

    register_all()
