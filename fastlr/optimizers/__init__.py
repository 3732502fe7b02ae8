"""Every optimizer, one file each. A file dropped in here is found by itself."""

from __future__ import annotations

from typing import Any

from ..core.discover import Folder, Registry
from .optimizer import Optimizer

_OWN = ("OPTIMIZERS", "Optimizer", "get_optimizer")
_FOLDER = Folder(__name__, __path__, Optimizer)

OPTIMIZERS = Registry(_FOLDER)
"""Registry: lower-case class name to class, a mapping that imports what it is asked for."""


__getattr__, __dir__ = _FOLDER.attributes(globals(), _OWN)


def get_optimizer(optimizer: Any) -> Optimizer:
    """Return an optimizer object for a name or an object.

    Parameters
    ----------
    optimizer : str or Optimizer
        A class name in any case, such as ``"adamw"``, or an object, which is returned as it is.

    Returns
    -------
    Optimizer
        With its default hyper-parameters if it was named.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no optimizer has that name.

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
        ) from None
