"""Warnings about training, shown at the line of the user's program."""

from __future__ import annotations

import sys
import warnings

from ...exceptions import DivergenceWarning, InterruptionWarning, ScaleWarning, StuckWarning

_INSIDE = ("fastlr", "sklearn", "joblib")


def _level() -> int:
    """Return the `stacklevel` of the first frame outside fastlr and what calls it.

    A fit may be called through decorators, pipelines and searches; only the user's own line
    says which one it was.
    """
    frame, level = sys._getframe(1), 1  # of whoever calls warnings.warn
    while frame.f_back is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _INSIDE:
            break
        frame, level = frame.f_back, level + 1
    return level


def warn_diverged(model: object, step: int, lr: float) -> None:
    """Warn that training has left the finite numbers."""
    text = (
        f"{type(model).__name__} diverged: loss or gradient was not finite at step {step} with "
        f"learning rate {lr:.4g}. Training has stopped, and the weights from before are kept. "
        "Try a smaller lr, clip_norm=1.0, or features of similar scale (StandardScaler)"
    )
    warnings.warn(DivergenceWarning(text, step, lr), stacklevel=_level())


def warn_taken_back(model: object, step: int, lr: float) -> None:
    """Warn that a chunk of rows was not learned from, for it would have ruined the model."""
    text = (
        f"{type(model).__name__}: a chunk of rows was taken back, because loss, gradient or "
        f"weights were not finite at step {step} with learning rate {lr:.4g}. The model is as it "
        "was before the chunk. Look for values far out of range in it"
    )
    warnings.warn(DivergenceWarning(text, step, lr), stacklevel=_level())


def warn_longer(model: object, known: int) -> None:
    """Warn that a stream goes on after the steps that its schedule was stretched over."""
    text = (
        f"{type(model).__name__}: the stream is longer than n_chunks or total_rows say. The "
        f"schedule has ended after {known} steps; what follows is learned at the rate of "
        "partial_fit"
    )
    warnings.warn(text, UserWarning, stacklevel=_level())


def warn_interrupted(model: object, kept: str) -> None:
    """Warn that Ctrl-C has ended the training, and of when the weights are."""
    text = f"{type(model).__name__}: training was interrupted; the weights of {kept} are kept"
    warnings.warn(InterruptionWarning(text), stacklevel=_level())


def warn_risen(model: object, loss: float, before: float, lr: float) -> None:
    """Warn that training has ended far above where a model that knows nothing is."""
    text = (
        f"{type(model).__name__} diverged: its loss ended at {loss:.4g}, and a model that knows "
        f"nothing has {before:.4g}. Try a learning rate below {lr:.4g}, or clip_norm=1.0"
    )
    warnings.warn(DivergenceWarning(text, None, lr), stacklevel=_level())


def warn_stuck(model: object, loss: float, epochs: int, cause: str) -> None:
    """Warn that the loss has not moved."""
    text = (
        f"{type(model).__name__} has learnt nothing: its loss stayed at {loss:.6g} over {epochs} "
        f"epochs. {cause}"
    )
    warnings.warn(StuckWarning(text), stacklevel=_level())


def warn_scale(model: object, smallest: float, largest: float) -> None:
    """Warn that features differ much in scale."""
    text = (
        f"{type(model).__name__}: the largest values of features range from {smallest:.3g} to "
        f"{largest:.3g}, so that no learning rate suits them all. Leave standardize at 'auto', or "
        "put a StandardScaler before"
    )
    warnings.warn(ScaleWarning(text), stacklevel=_level())
