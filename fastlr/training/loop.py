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
    params : ndarray
        Flat block of the model's parameters, put back if an epoch does not finish.
    updater : Updater
        Steps them; its state is put back too.
    n_rows : int
        Number of rows.
    max_epochs : int
        Epochs to run.
    rng : numpy.random.RandomState or numpy.random.Generator
        Draws a permutation for each epoch.
    shuffle : bool, default=True
        Whether to draw one.
    **hooks
        As `epochs` takes them: ``on_epoch``, ``metric``, ``is_best``, ``history``.

    Returns
    -------
    Training
        History, and how it ended.
    """

    def draw() -> np.ndarray | None:
        return rng.permutation(n_rows).astype(np.int64, copy=False) if shuffle else None

    training: Training = drive(epochs(draw, params, updater, max_epochs, **hooks), run_epoch)
    return training


def drive(
    orders: Generator[np.ndarray | None, EpochResult, Any],
    run_epoch: Callable[[np.ndarray | None], EpochResult],
) -> Any:
    """Run the epochs that a generator asks for, one after the other.

    Parameters
    ----------
    orders : generator
        Yields orders of the rows, is sent what came of each, and told of Ctrl-C.
    run_epoch : callable
        Trains for one epoch.

    Returns
    -------
    object
        What the generator returns.
    """
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


def epochs(
    draw: Callable[[], np.ndarray | None],
    params: np.ndarray,
    updater: Any,
    max_epochs: int,
    on_epoch: Callable[[EpochInfo], bool | None] | None = None,
    metric: Callable[[EpochInfo], float] | None = None,
    is_best: Callable[[EpochInfo], bool] | None = None,
    history: Sequence[EpochInfo] = (),
) -> Orders:
    """Do all of a training but the epochs themselves, so that several can go side by side.

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

    Yields
    ------
    ndarray or None
        Order of the rows; to be sent the result of an epoch over them.

    Returns
    -------
    Training
        History, and how it ended.
    """
    training = Training(list(history))
    kept: tuple[np.ndarray, Any] | None = None
    best: tuple[np.ndarray, Any] | None = None
    best_epoch = None
    try:
        for epoch in range(len(history) + 1, len(history) + max_epochs + 1):
            kept = params.copy(), updater.state_dict()
            if best_epoch == epoch - 1:  # what is kept is the best epoch: no copy of its own
                best = kept
            order = draw()
            start = time.perf_counter()
            result = yield order
            seconds = time.perf_counter() - start
            del order  # before the next one is drawn: it may take as much memory as y
            if result.diverged_at is not None:
                training.diverged = Divergence(epoch, result.diverged_at + 1, updater.lr)
                _put_back(params, updater, kept)
                break
            loss = result.loss_sum / result.weight_sum if result.weight_sum else 0.0
            info = EpochInfo(epoch, loss, updater.lr, seconds)
            updater.observe(loss if metric is None else metric(info))
            training.history.append(info)
            kept = None  # from here on the epoch counts as finished
            if is_best is not None and is_best(info):
                best, best_epoch = None, epoch
            if on_epoch is not None and on_epoch(info):
                break
    except KeyboardInterrupt:
        training.interrupted = True
        if kept is not None:
            _put_back(params, updater, kept)
    if best is not None and training.history[-1].epoch != best_epoch:
        _put_back(params, updater, best)
        training.restored = best_epoch
    return training


def _put_back(params: np.ndarray, updater: Any, kept: tuple[np.ndarray, Any]) -> None:
    params[:] = kept[0]
    updater.load_state_dict(kept[1])
