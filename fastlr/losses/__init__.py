"""Every loss, one file each; a new file here is found automatically."""

from __future__ import annotations

from typing import Any

from ..core.discover import Folder, Registry
from ..core.suggest import did_you_mean
from .base import Loss

_OWN = ("LOSSES", "Loss", "get_loss")
_FOLDER = Folder(__name__, __path__, Loss)

LOSSES = Registry(_FOLDER)
"""Registry: lower-case class name to class, imported on first access."""


__getattr__, __dir__ = _FOLDER.attributes(globals(), _OWN)


def get_loss(loss: Any, name: str = "loss") -> Loss:
    """Return the loss that a name or an object stands for.

    Parameters
    ----------
    loss : str or Loss
        A class name in any case, with or without ``_``, such as ``"log_loss"``; or an object, which
        is returned unchanged.
    name : str, default="loss"
        Name of the argument in messages.

    Returns
    -------
    Loss
        With default hyper-parameters if given by name.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no loss has the name.

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
    plain = loss.lower().replace("_", "")
    cls = LOSSES.get(plain) or LOSSES.aliases().get(plain)
    if cls is None:
        known = sorted([*LOSSES, *LOSSES.aliases()])
        hint = did_you_mean(loss, known)
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {loss!r}{hint}")
    return cls()
