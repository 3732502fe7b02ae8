"""The learning rate of a model that keeps learning online: low at rest, high after a drift.

A run ends at a rate of nearly zero, and its peak is too high for a trained model: noise would
carry it away. Online, the rate is a small share of the peak while the losses of new rows, taken
before each step, stay where they were. When they rise by more than chance allows, the data have
changed: the rate goes up at once and falls back within some hundred rows. Repeated drift leaves
a higher share at rest, which fades when the drift ends. Data that change bit by bit raise it too:
then parameters keep going one way (`Heading`), while their losses stay as high as they are.

The test compares a short running mean of the losses with the lowest value of a long one, as the
drift detection method of Gama et al. (2004, "Learning with drift detection") does for errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

SHORT, LONG = 100, 3000  # rows that the two running means remember
MANY = 30  # chunks that the long one remembers at least
FIRST, CHUNKS = 300, 10  # rows and chunks before the first test
SIGMAS = 6.0  # standard errors by which the short mean must exceed the lowest long one
LOWEST, HIGHEST = 0.03, 1.0  # share of the peak rate at rest: at first, and after repeated drift
RAISE = 5.0  # factor by which a drift raises the share at rest
FALL = 400  # rows in which a raised rate falls by a factor of e
CALM = 10_000  # rows in which a raised share at rest falls by a factor of e
LEARNING = 2000  # rows in which a model that starts online takes most of what it learns
GAIN, LOSS = 3.0, 1.0  # by which moves the same way raise the share at rest, others lower it
USUAL_COSINE = 0.4  # between moves, up to which they are chance
HARD, SOFT = 20.0, 4.0  # standard deviations at which losses are cut off, in the two means
DRIFT = 0.3  # share of the peak rate after a drift

_FIELDS = (
    *("rows", "chunks", "short_mean", "long_mean", "variance", "lowest_mean"),
    *("at_rest", "share", "unlearned", "drifts", "trained"),
)


class OnlineRate:
    """The factor on the peak rate, from the losses of one chunk after another.

    Parameters
    ----------
    trained : bool
        Whether the model comes from a run. Else the factor starts at 1, and falls like one over
        the square root of the rows.

    Attributes
    ----------
    factor : float
        A power of the square root of two, so that it changes rarely.
    drifts : int
        Number of drifts seen.
    trained : bool
        Whether the model comes from a run, whose rate was for mini-batches of its size.
    """

    def __init__(self, trained: bool) -> None:
        self.rows = self.chunks = self.short_mean = self.long_mean = self.variance = 0.0
        self.lowest_mean = math.inf
        self.at_rest = LOWEST
        self.share = LOWEST if trained else 1.0
        self.unlearned = 0.0 if trained else 1.0
        self.drifts, self.trained = 0, trained
        self.factor = _rounded(self.share)

    def observe(self, loss: float, rows: int) -> bool:
        """Take the mean loss of new rows into account; return whether the factor has changed."""
        if rows < 1 or not math.isfinite(loss):
            return False
        usual = self.lowest_mean + SIGMAS * self._error(rows)  # of the losses until now
        self._average(loss, rows)
        self._fall(rows)
        if usual < self.short_mean:
            self._raise()
        before, self.factor = self.factor, _rounded(self.share)
        return self.factor != before

    def turn(self, cosine: float) -> None:
        """Take into account whether the last two moves of parameters went the same way."""
        excess = cosine - USUAL_COSINE
        at_rest = self.at_rest * math.exp((GAIN if excess > 0 else LOSS) * excess)
        self.at_rest = min(max(at_rest, LOWEST), HIGHEST)

    @property
    def _is_known(self) -> bool:
        return self.rows >= FIRST and self.chunks >= CHUNKS

    def _average(self, loss: float, rows: int) -> None:
        started = self.rows > 0
        self.rows += rows
        self.chunks += 1.0
        if not started:  # losses on the way back from a drift count for nothing
            self.short_mean = self.long_mean = loss
            self.variance, self.chunks = 0.0, 1.0
            return
        deviation = math.sqrt(self.variance / rows) if self._is_known else math.inf
        most = max(SOFT * deviation, 2 * SIGMAS * self._error(rows))
        loss_of_short = min(loss, self.long_mean + most) if self._is_known else loss
        share = rows / max(min(self.rows, max(LONG, MANY * rows)), rows)
        difference = min(loss - self.long_mean, HARD * deviation)
        self.long_mean += share * difference
        self.variance += share * (difference * difference * rows - self.variance)
        share = min(rows / min(self.rows, SHORT), 1.0)
        self.short_mean += share * (loss_of_short - self.short_mean)
        if self._is_known:
            self.lowest_mean = min(self.lowest_mean, self.long_mean)

    def _fall(self, rows: int) -> None:
        self.at_rest = LOWEST + (self.at_rest - LOWEST) * math.exp(-rows / CALM)
        if self.unlearned:  # 1 / sqrt(1 + rows / LEARNING), a chunk at a time
            self.unlearned /= math.sqrt(1.0 + self.unlearned**2 * rows / LEARNING)
            self.share = max(self.unlearned, self.at_rest)
        else:
            self.share = self.at_rest + (self.share - self.at_rest) * math.exp(-rows / FALL)

    def _error(self, rows: int) -> float:
        """Return the standard error of the difference between the two means."""
        # A running mean with share s of the last value has s / (2 - s) of its variance.
        short, long = min(rows / SHORT, 1.0), rows / max(LONG, MANY * rows)
        return math.sqrt(self.variance / rows * (short / (2 - short) + long / (2 - long)))

    def _raise(self) -> None:
        self.drifts += 1
        self.share, self.unlearned = max(DRIFT, self.share), 0.0
        self.at_rest = min(RAISE * self.at_rest, HIGHEST)
        self.rows, self.lowest_mean = -float(FALL), math.inf

    def state(self) -> dict[str, float]:
        """Return all that the factor depends on, as plain numbers by name."""
        return {name: float(getattr(self, name)) for name in _FIELDS}

    def load(self, state: Mapping[str, float]) -> None:
        """Take over what `state` returned."""
        for name in _FIELDS:
            setattr(self, name, state[name])
        self.drifts, self.trained = int(self.drifts), bool(self.trained)
        self.factor = _rounded(self.share)


def _rounded(share: float) -> float:
    return 2.0 ** (round(2.0 * math.log2(share)) / 2.0)
