"""The loss of an estimator, by its name or as an object."""

from __future__ import annotations

import functools
import re

from ...core.suggest import did_you_mean
from ...losses import LOSSES, get_loss
from ...losses.base import Loss


def loss_of(owner: str, loss: str | Loss, margins: bool) -> Loss:
    """Return a loss that suits the targets: margins of classes, or numbers.

    Raises
    ------
    ValueError
        If there is none of that name, or it is one of the other kind.
    """
    found = loss if isinstance(loss, Loss) else _named(loss, margins)
    if (found.task == "margin") == margins:
        return found
    kind = "margins" if margins else "numbers"
    raise ValueError(f"{owner}: loss must be one of {kind}: {_choices(margins)}; got {loss!r}")


@functools.lru_cache(maxsize=256)
def _named(name: str, margins: bool) -> Loss:
    """Return the loss of a name, the same object each time."""
    try:
        return get_loss(name)
    except ValueError:
        hint = did_you_mean(name, _names(margins))
        message = f"loss must be one of {_choices(margins)}, got {name!r}{hint}"
        raise ValueError(message) from None


def _choices(margins: bool) -> str:
    return ", ".join(repr(name) for name in _names(margins))


def _names(margins: bool) -> list[str]:
    chosen = [cls for cls in LOSSES.values() if (cls.task == "margin") == margins]
    return sorted(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower() for cls in chosen)
