"""A model that can be fitted for a given length with a given setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..measure.peers import load
from ..workloads.data import Data


@dataclass(frozen=True)
class Contender:
    """Somebody who takes part in a comparison of fits.

    Attributes
    ----------
    name : str
        What tables call it.
    fit : callable
        ``fit(data, length, setting, threads)`` trains from the start, returns what has ``predict``
        and perhaps ``predict_proba``.
    length : int
        How long it trains by default: epochs, or iterations of a solver.
    setting : float
        Its learning rate, or strength of regularisation, by default.
    lengths : tuple of int
        Lengths for a curve of quality over time.
    settings : tuple of float
        What is tried when settings are tuned: as many for everybody.
    needs : str or None
        The package it is from, where that is an optional one.
    prepare : callable or None
        ``prepare(data)`` does, untimed, what its users do once: it writes the data as the peer
        wants them, and returns what `fit` gets in their place.
    """

    name: str
    fit: Callable[[Any, int, float, int], Any]
    length: int
    setting: float
    lengths: tuple[int, ...] = ()
    settings: tuple[float, ...] = ()
    needs: str | None = None
    prepare: Callable[[Data], Any] | None = None

    @property
    def present(self) -> bool:
        """Whether it can take part."""
        return self.needs is None or load(self.needs) is not None


def present(contenders: list[Contender]) -> list[Contender]:
    """Return those who can take part."""
    return [c for c in contenders if c.present]
