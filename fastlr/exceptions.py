"""Warnings issued during training, one class per cause, and the error about saved files."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "DivergenceWarning",
    "InterruptionWarning",
    "SavedFileError",
    "ScaleWarning",
    "StuckWarning",
]


class DivergenceWarning(ConvergenceWarning):
    """Training has diverged.

    Either the loss or gradient was not finite, in which case training stops and the last finite
    weights are kept; or all epochs were finite, but ended with many times the loss of a constant
    model.

    Parameters
    ----------
    message : str
        Text of the warning.
    step : int or None
        Optimizer step whose loss or gradient was not finite, counted from 1; None if all were
        finite.
    lr : float or None
        Learning rate in use.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from fastlr import DivergenceWarning, LinearClassifier
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = LinearClassifier(lr=1e300, schedule=None).fit(np.eye(2) * 1e10, [0, 1])
    >>> caught[0].category is DivergenceWarning, caught[0].message.lr
    (True, 1e+300)
    """

    def __init__(self, message: str, step: int | None = None, lr: float | None = None) -> None:
        super().__init__(message)
        self.step, self.lr = step, lr


class InterruptionWarning(ConvergenceWarning):
    """Ctrl-C ended the training; the weights of the last finished epoch are kept."""


class StuckWarning(ConvergenceWarning):
    """The loss did not change over several epochs; see `fastlr.diagnose` for the cause.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from fastlr import LinearClassifier, StuckWarning
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = LinearClassifier(lr=1e-12).fit(np.eye(4), [0, 1, 1, 0])
    >>> caught[0].category is StuckWarning
    True
    """


class SavedFileError(ValueError):
    """A file holds no model or updater that can be read.

    It is damaged, cut off, of another kind, of a later version of fastlr, or holds types that
    are not trusted. Nothing was changed then. A file that is missing or may not be read is an
    ``OSError`` as everywhere.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from fastlr import AdamW, SavedFileError, Updater
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.safetensors"
    ...     AdamW().bind(np.zeros(3)).save(path)
    ...     _ = path.write_bytes(path.read_bytes()[:-1])  # cut off
    ...     try:
    ...         Updater.load(path, np.zeros(3))
    ...     except SavedFileError as error:
    ...         print("its checksum is wrong" in str(error))
    True
    """


class ScaleWarning(UserWarning):
    """Features differ so much in scale that no learning rate suits them all.

    Attributes
    ----------
    RATIO : float
        Ratio of the largest to the smallest size of a feature from which it is issued.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from fastlr import LinearClassifier, ScaleWarning
    >>> X = np.array([[1.0, 1e6], [0.0, 2e6], [1.0, 1e6], [0.0, 2e6]])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = LinearClassifier(lr=1e-6, standardize=False).fit(X, [0, 1, 0, 1])
    >>> caught[0].category is ScaleWarning
    True
    """

    RATIO = 1e4
