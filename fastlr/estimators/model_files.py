"""Models in skops files, which hold no code: written whole or not at all, read whole or refused."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.files import write_atomic
from ..exceptions import SavedFileError


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted model, or a pipeline or search with one, as a skops file. Needs skops.

    The file is written whole or not at all, whatever ends the process meanwhile.

    Parameters
    ----------
    model : estimator
        Of fastlr or scikit-learn, or made of both.
    path : str or path-like
        File to write; an existing one is replaced.

    Raises
    ------
    OSError
        If the file cannot be written; the old one is still there then.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from fastlr import LinearClassifier, load_model, save_model
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LinearClassifier(random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder) / "iris.skops")
    ...     again = load_model(Path(folder) / "iris.skops")
    >>> (again.predict_proba(X) == model.predict_proba(X)).all()
    np.True_
    """
    import skops.io

    write_atomic(path, skops.io.dumps(model))


def load_model(path: str | os.PathLike[str], *, trusted: Iterable[str] = ()) -> Any:
    """Read a model that `save_model` wrote. Needs skops.

    Parameters
    ----------
    path : str or path-like
        A skops file.
    trusted : iterable of str, default=()
        Names of types that the file may hold besides those of fastlr (`SKOPS_TRUSTED`) and those
        that skops trusts by itself, most of scikit-learn's. Loading one may run its code.

    Returns
    -------
    estimator
        Predicts the same numbers, and `partial_fit` goes on where it stopped.

    Raises
    ------
    SavedFileError
        If the file is damaged, cut off or of another kind, or holds types that are not trusted.
    OSError
        If it cannot be read.
    """
    import skops.io

    from . import SKOPS_TRUSTED

    data = Path(path).read_bytes()
    name = os.fspath(path)
    allowed = {*SKOPS_TRUSTED, *trusted}
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=data)) - allowed)
        if not foreign:
            return skops.io.loads(data, trusted=sorted(allowed))
    except Exception as error:  # an arbitrary zip file fails in arbitrary ways
        raise SavedFileError(f"{name!r} holds no model that can be read: {error}") from error
    raise SavedFileError(f"{name!r} holds types that are not trusted: {', '.join(foreign)}")
