"""Times contenders side by side: turn and turn about, medians, so that a noisy neighbour hits all.

Every comparison of this package goes through `interleave`.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of repeated measurements.

    Attributes
    ----------
    median, low, high : float
        The median and the quartiles below and above it; of fewer than three, the extremes.
    count : int
        How many measurements there were.
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Return the spread of a list that is not empty.

        Examples
        --------
        >>> Spread.of([4.0, 1.0, 2.0])
        Spread(median=2.0, low=1.5, high=3.0, count=3)
        """
        if len(values) < 3:
            low, middle, high = min(values), statistics.median(values), max(values)
        else:
            low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high, len(values))


def interleave(
    contenders: Mapping[str, Callable[[], Any]],
    rounds: int = 15,
    target: float = 0.0,
    seconds: float = float("inf"),
    rewarm: bool = True,
) -> dict[str, Spread]:
    """Time each contender once per round.

    Parameters
    ----------
    contenders : mapping of str to callable
        Names and what to time. Each is called once, untimed, before timing starts.
    rounds : int, default=15
        How often everybody has a turn.
    target : float, default=0
        How many seconds a turn shall take about: calls that are shorter are repeated.
    seconds : float, default=inf
        A contender whose turns have taken as long as this has no more of them; it has one at least.
    rewarm : bool, default=True
        Call once, untimed, before each turn, so that caches hold what this contender needs.

    Returns
    -------
    dict of str to Spread
        Seconds per call.

    Examples
    --------
    >>> timed = interleave({"sum": lambda: sum(range(100)), "none": lambda: None}, rounds=3)
    >>> timed["sum"].count, timed["sum"].median > 0
    (3, True)
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    repeats = {name: _repeats(call, target) for name, call in contenders.items()}
    spent = dict.fromkeys(contenders, 0.0)
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in contenders.items():
                if spent[name] >= seconds:
                    continue
                # Worker threads of the contender before may still be spinning on the other core.
                time.sleep(0.005)
                began = time.perf_counter()
                if rewarm:
                    call()
                start = time.perf_counter()
                for _ in range(repeats[name]):
                    call()
                end = time.perf_counter()
                times[name].append((end - start) / repeats[name])
                spent[name] += end - began
    finally:
        if enabled:
            gc.enable()
    return {name: Spread.of(each) for name, each in times.items()}


def _repeats(call: Callable[[], Any], target: float) -> int:
    """Warm a contender up, and return how many calls take about `target` seconds."""
    call()
    if not target:
        return 1
    start = time.perf_counter()
    call()
    took = time.perf_counter() - start
    return max(1, min(100_000, round(target / max(took, 1e-7))))
