"""Every optimizer, one file each. A file dropped in here is found by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._discover import discover
from .base import Optimizer

OPTIMIZERS: dict[str, type[Optimizer]] = {
    cls.__name__.lower(): cls for cls in discover(__name__, __path__, Optimizer).values()
}
"""Registry: lower-case class name to class."""

globals().update({cls.__name__: cls for cls in OPTIMIZERS.values()})

if TYPE_CHECKING:  # type checkers cannot see what the folder holds

    def __getattr__(name: str) -> Any: ...


__all__ = ["OPTIMIZERS", "Optimizer", "get_optimizer"]
__all__ += [cls.__name__ for cls in OPTIMIZERS.values()]


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
