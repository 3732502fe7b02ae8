"""Every optimizer, one file each; a new file here is found automatically."""

from __future__ import annotations

from typing import Any

from ..core.discover import Folder, Registry
from ..core.suggest import did_you_mean
from .optimizer import Optimizer

_OWN = ("OPTIMIZERS", "Optimizer", "get_optimizer")
_FOLDER = Folder(__name__, __path__, Optimizer)

OPTIMIZERS = Registry(_FOLDER)
"""Registry: lower-case class name to class, imported on first access."""


__getattr__, __dir__ = _FOLDER.attributes(globals(), _OWN)


def get_optimizer(optimizer: Any) -> Optimizer:
    """Return the optimizer that a name or an object stands for.

    Parameters
    ----------
    optimizer : str or Optimizer
        A class name in any case, such as ``"adamw"``, or an object, which is returned unchanged.

    Returns
    -------
    Optimizer
        With default hyper-parameters if given by name.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no optimizer has the name.

    Examples
    --------
    >>> from fastlr.optimizers import get_optimizer
    >>> get_optimizer("adamw")
    AdamW()
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(
            f"optimizer must be a name or an Optimizer object, got {type(optimizer).__name__}"
        )
    try:
        return OPTIMIZERS[optimizer.lower()]()
    except KeyError:
        raise ValueError(
            f"optimizer must be one of {', '.join(sorted(OPTIMIZERS))}, got {optimizer!r}"
            f"{did_you_mean(optimizer, OPTIMIZERS)}"
        ) from None
