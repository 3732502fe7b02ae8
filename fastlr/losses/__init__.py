"""Every loss, one file each. A file dropped in here is found by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._discover import discover
from .base import Loss

LOSSES: dict[str, type[Loss]] = {
    cls.__name__.lower(): cls for cls in discover(__name__, __path__, Loss).values()
}
"""Registry: lower-case class name to class."""

_BY_NAME = LOSSES | {
    alias: cls for cls in LOSSES.values() for alias in cls.__dict__.get("aliases", ())
}

globals().update({cls.__name__: cls for cls in LOSSES.values()})

if TYPE_CHECKING:  # type checkers cannot see what the folder holds

    def __getattr__(name: str) -> Any: ...


__all__ = ["LOSSES", "Loss", "get_loss"]
__all__ += [cls.__name__ for cls in LOSSES.values()]


def get_loss(loss: Any, name: str = "loss") -> Loss:
    """Return a loss object for a name or an object.

    Parameters
    ----------
    loss : str or Loss
        A class name in any case, with or without ``_``, such as ``"log_loss"``; or an object,
        which is returned as it is.
    name : str, default="loss"
        What to call the argument in messages.

    Returns
    -------
    Loss
        With its default hyper-parameters if it was named.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no loss has that name.

    Examples
    --------
    >>> from fastlr.losses import get_loss
    >>> get_loss("squared_error"), get_loss("huber")
    (SquaredError(), Huber())
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"{name} must be a name or a Loss object, got {loss!r}")
    try:
        return _BY_NAME[loss.lower().replace("_", "")]()
    except KeyError:
        raise ValueError(
            f"{name} must be one of {', '.join(sorted(_BY_NAME))}, got {loss!r}"
        ) from None
