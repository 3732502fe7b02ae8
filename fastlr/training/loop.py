"""The loop over epochs: shuffling, history, divergence, Ctrl-C, and a hook for everything else.

It knows nothing of the model: an epoch is a function of the order of the rows, and what has to
be kept is one flat array and the updater's state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .result import EpochResult


class EpochInfo(NamedTuple):
    """A row of the history.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    loss : float
        Weighted mean of the losses, each taken before the step on its mini-batch.
    lr : float
        Learning rate at its end, that is of the step that comes next.
    seconds : float
        Time the epoch took.
    """

    epoch: int
    loss: float
    lr: float
    seconds: float


class Divergence(NamedTuple):
    """Where training left the finite numbers.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    step : int
        Mini-batch within the epoch, counted from 1.
    lr : float
        Learning rate in use.
    """

    epoch: int
    step: int
    lr: float


@dataclass(eq=False, repr=False)
class Training:
    """What a run came to.

    Attributes
    ----------
    history : list of EpochInfo
        One row for each finished epoch.
    diverged : Divergence or None
        Where it diverged; parameters and state are then those of the last finished epoch.
    interrupted : bool
        Whether Ctrl-C ended it; parameters and state are then those of the last finished epoch.
    restored : int or None
        Epoch whose parameters and state have been put back, being the best; None where the
        last finished epoch is kept.
    """

    history: list[EpochInfo] = field(default_factory=list)
    diverged: Divergence | None = None
    interrupted: bool = False
    restored: int | None = None


Orders = Generator["np.ndarray | None", EpochResult, Training]


class EpochLoop:
    """The loop over epochs, in parts, so that several models can take turns.

    ``run`` is the plain loop. A caller that runs the epochs itself calls ``begin`` before each,
    ``finish`` after it, as long as the loop ``goes_on``, and then ``close``.

    Parameters
    ----------
    draw : callable
        Returns the order of the rows for the epoch that follows, None for as they lie.
    params : ndarray
        Flat block of the model's parameters, put back if an epoch does not finish.
    updater : Updater
        Steps them; its state is put back too.
    max_epochs : int
        Epochs to run.
    on_epoch : callable, optional
        Called after each epoch with its row of the history; true ends the training.
    metric : callable, optional
        Called before that, likewise; returns what a plateau schedule is to see, by default the
        loss of the epoch.
    is_best : callable, optional
        Called after `metric`, likewise; tells whether this epoch is the best so far. However the
        training ends, parameters and state of the best epoch are put back.
    history : sequence of EpochInfo, default=()
        Rows of an earlier run to go on from; epochs are counted on.

    Attributes
    ----------
    training : Training
        History, and how it ended.
    goes_on : bool
        Whether another epoch follows.
    """

    def __init__(
        self,
        draw: Callable[[], np.ndarray | None],
        params: np.ndarray,
        updater: Any,
        max_epochs: int,
        on_epoch: Callable[[EpochInfo], bool | None] | None = None,
        metric: Callable[[EpochInfo], float] | None = None,
        is_best: Callable[[EpochInfo], bool] | None = None,
        history: Sequence[EpochInfo] = (),
    ) -> None:
        self.training = Training(list(history))
        self.goes_on = max_epochs > 0
        self._draw, self._params, self._updater = draw, params, updater
        self._on_epoch, self._metric, self._is_best = on_epoch, metric, is_best
        self._epoch, self._last = len(history), len(history) + max_epochs
        self._best_epoch: int | None = None
        self._kept: tuple[np.ndarray, Any] | None = None  # of the last finished epoch
        self._best: tuple[np.ndarray, Any] | None = None
        self._start = 0.0

    def run(self, run_epoch: Callable[[np.ndarray | None], EpochResult]) -> Training:
        """Run all epochs; `run_epoch` takes the order of the rows and trains for one epoch."""
        try:
            while self.goes_on:
                # Nothing here holds on to an order: it may take as much memory as y.
                self.finish(run_epoch(self.begin()))
        except KeyboardInterrupt:
            self.interrupt()
        return self.close()

    def begin(self) -> np.ndarray | None:
        """Remember where the epoch starts from; return the order of its rows."""
        self._kept = self._params.copy(), self._updater.state_dict()
        if self._best_epoch == self._epoch:  # what is kept is the best epoch: no copy of its own
            self._best = self._kept
        self._epoch += 1
        order = self._draw()
        self._start = time.perf_counter()
        return order

    def finish(self, result: EpochResult) -> None:
        """Enter an epoch in the history, or put back what was before it."""
        seconds = time.perf_counter() - self._start
        if result.diverged_at is not None:
            lr = self._updater.lr
            self.training.diverged = Divergence(self._epoch, result.diverged_at + 1, lr)
            self._put_back(self._kept)
            self.goes_on = False
            return
        info = EpochInfo(self._epoch, result.mean_loss, self._updater.lr, seconds)
        self._updater.observe(info.loss if self._metric is None else self._metric(info))
        self.training.history.append(info)
        self._kept = None  # from here on the epoch counts as finished
        if self._is_best is not None and self._is_best(info):
            self._best, self._best_epoch = None, self._epoch
        stopped = self._on_epoch is not None and self._on_epoch(info)
        self.goes_on = not stopped and self._epoch < self._last

    def interrupt(self) -> None:
        """End the training at the last finished epoch."""
        self.training.interrupted, self.goes_on = True, False
        self._put_back(self._kept)

    def close(self) -> Training:
        """Put back the best epoch, if it is not the last; return what the training came to."""
        if self._best is not None and self.training.history[-1].epoch != self._best_epoch:
            self._put_back(self._best)
            self.training.restored = self._best_epoch
        return self.training

    def _put_back(self, kept: tuple[np.ndarray, Any] | None) -> None:
        if kept is not None:
            self._params[:] = kept[0]
            self._updater.load_state_dict(kept[1])


def train(
    run_epoch: Callable[[np.ndarray | None], EpochResult],
    params: np.ndarray,
    updater: Any,
    n_rows: int,
    max_epochs: int,
    rng: np.random.RandomState | np.random.Generator,
    shuffle: bool = True,
    **hooks: Any,
) -> Training:
    """Train for up to `max_epochs` epochs.

    Parameters
    ----------
    run_epoch : callable
        Takes the order of the rows (int64, or None for as they lie) and trains for one epoch.
    params, updater, max_epochs
        As `EpochLoop` takes them.
    n_rows : int
        Number of rows.
    rng : numpy.random.RandomState or numpy.random.Generator
        Draws a permutation for each epoch.
    shuffle : bool, default=True
        Whether to draw one.
    **hooks
        As `EpochLoop` takes them: ``on_epoch``, ``metric``, ``is_best``, ``history``.

    Returns
    -------
    Training
        History, and how it ended.
    """

    def draw() -> np.ndarray | None:
        return rng.permutation(n_rows).astype(np.int64, copy=False) if shuffle else None

    return EpochLoop(draw, params, updater, max_epochs, **hooks).run(run_epoch)


def drive(
    orders: Generator[np.ndarray | None, EpochResult, Any],
    run_epoch: Callable[[np.ndarray | None], EpochResult],
) -> Any:
    """Run the epochs that a generator asks for, one after the other."""
    try:
        order = next(orders)
        while True:
            try:
                result = run_epoch(order)
            except KeyboardInterrupt as pressed:
                order = orders.throw(pressed)
            else:
                order = None  # the next one is drawn into the same memory
                order = orders.send(result)
    except StopIteration as end:
        return end.value


def epochs(*args: Any, **kwargs: Any) -> Orders:
    """Run an `EpochLoop` whose epochs the caller runs: yield orders, be sent the results."""
    loop = EpochLoop(*args, **kwargs)
    try:
        while loop.goes_on:
            order = loop.begin()
            result = yield order
            del order  # before the next one is drawn: it may take as much memory as y
            loop.finish(result)
    except KeyboardInterrupt:
        loop.interrupt()
    return loop.close()
