"""The epochs of a fit: what comes before and after each, and how a training ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ...training import EpochResult, Stopping
from ...updater.binding import Snapshot
from ..data.rows import Rows
from ..models.model import Model
from ..session.callbacks import Tasks
from ..session.diagnosis_inputs import facts_at_start, sample_of
from ..session.history import COLUMNS, MOST, UNKNOWN, thinned, with_room
from ..session.session import Session
from ..session.warnings import warn_diverged, warn_interrupted
from ..settings.settings import EpochPlan
from .begin import scales_after

OnEpoch = Callable[[Any, dict[str, float]], "bool | None"]

_MOVING = 1 << 13  # parameters whose movement is followed; BLAS splits more among threads
_COOLING = 1.0  # of the epochs made: how many follow in which the rate falls before a stop
_FAR = 10.0  # times the loss of before the first step, above which training has done harm


class Epochs:
    """The epochs of one fit, in one session.

    `run` trains them one after another. Who trains several models over the same mini-batches
    asks each for its `order`, runs the epoch, and lets it `take` the result while it `goes_on`;
    then it must `finish`.

    Parameters
    ----------
    model : Model
        Whose fit it is; its history and fitted attributes are kept up to date.
    session : Session
        What is trained.
    rows : Rows
        What it is trained on.
    held_out : Rows or None
        Rows to validate on after each epoch.
    plan : EpochPlan
        How rows are cut into steps.
    on_epoch : callable, optional
        As `fit` takes it.
    tasks : Tasks, optional
        Tells callbacks.

    Attributes
    ----------
    goes_on : bool
        Whether there is another epoch to run.
    diverged : tuple of (int, float) or None
        Step and rate at which training left the finite numbers; parameters and state are then
        those of the last finished epoch.
    interrupted : bool
        Whether Ctrl-C ended it, likewise.
    restored : int or None
        Number of the best epoch, where its parameters and state have been put back.
    """

    def __init__(
        self,
        model: Model,
        session: Session,
        rows: Rows,
        held_out: Rows | None,
        plan: EpochPlan,
        on_epoch: OnEpoch | None = None,
        tasks: Tasks | None = None,
    ) -> None:
        self._model, self._session, self._rows = model, session, rows
        self._held_out, self._plan, self._on_epoch, self._tasks = held_out, plan, on_epoch, tasks
        self.goes_on, self.interrupted = True, False
        self.diverged: tuple[int, float] | None = None
        self.restored: int | None = None
        self._begun, self._n_before = session.t, model.n_iter_
        self._first_row = model._n_rows
        self._whole = np.tile(rows.numbers, plan.passes) if plan.passes > 1 else None
        self._stopping: Stopping | None = None
        if model.early_stopping or model.tol is not None:
            self._stopping = Stopping(model.n_iter_no_change, model.tol or 0.0)
        self._last: int | None = None  # the epoch to stop at, once that is known
        self._kept: tuple[np.ndarray, Snapshot] | None = None  # an unfinished epoch goes back to it
        self._best: tuple[np.ndarray, Snapshot] | None = None
        self._best_epoch = -1
        self._motion, self._sample = _Motion(session.arena.params), sample_of(rows)
        session.scales = scales_after(session.spec, rows.used, self._sample)
        if not model.n_iter_:
            as_they_are = getattr(model, "standardize", True) is False
            model._facts = facts_at_start(session, rows, self._sample, as_they_are)

    def run(self) -> None:
        """Train to the last epoch, until it stops early, diverges, or is interrupted."""
        session, rows, size = self._session, self._rows, self._plan.batch_size
        with session.limited_blas(rows.used):
            try:
                while self.goes_on:
                    self.take(session.run_epoch(rows, self.order(), size))
            except KeyboardInterrupt:
                self.interrupted = True
                if self._kept is not None:
                    self._put_back(self._kept)
            self.finish()

    def order(self) -> np.ndarray | None:
        """Return the order of the rows for the next epoch, None for as they lie."""
        session, rows = self._session, self._rows
        self._kept = session.arena.params.copy(), session.updater.binding.snapshot()
        if self._best_epoch == self._model.n_iter_:  # no copy of its own
            self._best = self._kept
        if self._tasks is not None:
            self._tasks.begin()
        order = self._whole
        if order is None:
            order = rows.chosen
            if self._model.shuffle:
                drawn = session.permutation(rows.used)
                order = drawn if order is None else order[drawn]
        self._start = time.perf_counter()
        return order

    def take(self, result: EpochResult) -> None:
        """Enter an epoch that has been run, and find out whether there is another one."""
        seconds = time.perf_counter() - self._start
        if result.diverged_at is not None:
            n_done = self._model.n_iter_ - self._n_before
            step = self._begun + self._plan.steps * n_done + result.diverged_at + 1
            self.diverged = step, self._session.updater.lr
            assert self._kept is not None
            self._put_back(self._kept)
            self.goes_on = False
            return
        told = self._enter(result.mean_loss, seconds)
        n_done = self._model.n_iter_ - self._n_before
        length = self._model._length if self._last is None else self._last
        self.goes_on = not told and n_done < length and not self._is_enough(n_done, length)

    def _is_enough(self, n_done: int, length: int) -> bool:
        """Return whether to stop before the end, as there is no improvement any more.

        Where a schedule is stretched over the run, its rate is still high: what is left of it is
        then played within some epochs more.
        """
        if self._stopping is None or not self._stopping.stop or self._last is not None:
            return False
        session = self._session
        if session.endless:
            return True
        n_more = max(2, round(_COOLING * n_done))
        self._last = min(n_done + n_more, length)
        if self._last == length:
            return False  # it ends by itself as soon
        session.updater.binding.hurry(n_more * self._plan.steps)
        return False

    def _enter(self, loss: float, seconds: float) -> bool:
        """Record an epoch, tell of it, and return whether somebody says that it was the last."""
        model, session, held_out = self._model, self._session, self._held_out
        moved, validation, watched = self._motion.observe(), UNKNOWN, loss
        if held_out is not None:
            watched = session.evaluate(held_out)
            model._publish(session)
            score = model._score(
                model._outputs(held_out.X), held_out.y, held_out.sample_weight, session.spec.targets
            )
            validation = watched, score
        record(model, session, loss, seconds, validation, moved)
        session.observe(watched)
        self._kept = None  # from here on the epoch counts as finished
        if self._stopping is not None:
            value = (validation[1], -watched) if model.early_stopping else (-loss,)
            if self._stopping.observe(*value):
                self._best, self._best_epoch = None, model.n_iter_
        if self._on_epoch is None and self._tasks is None:
            return False
        model._publish(session)
        told = self._on_epoch is not None and bool(self._on_epoch(model, last_row(model)))
        return (self._tasks is not None and self._tasks.end()) or told

    def finish(self) -> None:
        """Put back the best epoch, publish, and note what a diagnosis asks of the end."""
        model, session = self._model, self._session
        if self._best is not None and self._best_epoch != model.n_iter_:
            self._put_back(self._best)
            self.restored = self._best_epoch
        model._publish(session)
        model._facts |= {
            "end_loss": session.evaluate(self._sample),
            "dead_units": model._dead_units(self._sample.X),
            "diverged": float(self.diverged is not None),
        }

    def _put_back(self, kept: tuple[np.ndarray, Snapshot]) -> None:
        self._session.arena.params[:] = kept[0]
        self._session.updater.binding.put_back(kept[1])

    @property
    def failed(self) -> bool:
        """Whether it diverged, or made the loss far worse, of rows or from epoch to epoch."""
        if self.interrupted or self.diverged is not None:
            return not self.interrupted
        model = self._model
        losses = model._history[: model._n_rows, COLUMNS.index("loss")][self._first_row :]
        if self.restored is None and len(losses) and not losses[-1] <= _FAR * losses[0]:
            return True
        facts = model._facts
        return not facts["end_loss"] <= _FAR * facts["start_loss"]

    def warn(self) -> None:
        """Warn if it diverged or was interrupted."""
        if self.diverged is not None:
            warn_diverged(self._model, *self.diverged)
        if self.interrupted:
            kept = f"the last finished epoch, {self._model.n_iter_},"
            if self.restored is not None:
                kept = f"the best epoch, {self.restored},"
            warn_interrupted(self._model, kept)


def record(
    model: Model,
    session: Session,
    loss: float,
    seconds: float,
    validation: tuple[float, float] = UNKNOWN,
    motion: tuple[float, float] = UNKNOWN,
    online: bool = False,
) -> None:
    """Add an epoch to the history of a model, and print it where that is asked for.

    Rows of online calls are merged when they are many.
    """
    step = session.last_step()
    row = (model.n_iter_ + 1, loss, *validation, *step, seconds, *motion)
    if not online:
        model._n_kept = model._n_rows + 1
    make_room(model)
    model._history[model._n_rows] = row
    model._n_rows += 1
    model.n_iter_ += 1
    if model.verbose:
        held_out = ""
        if validation[0] == validation[0]:
            held_out = f"validation loss {validation[0]:.6g}, score {validation[1]:.4g}, "
        print(
            f"{type(model).__name__} epoch {model.n_iter_}: loss {loss:.6g}, {held_out}"
            f"lr {step[0]:.4g}, {seconds:.3g} s"
        )


def make_room(model: Model) -> None:
    """Have room for one more row in the history, if need be by merging rows of online calls."""
    if model._n_rows - model._n_kept == MOST:
        model._n_rows = thinned(model._history, model._n_rows, model._n_kept)
    model._history = with_room(model._history, model._n_rows)


def last_row(model: Model) -> dict[str, float]:
    """Return the row of the last epoch."""
    row = dict(zip(COLUMNS, model._history[model._n_rows - 1].tolist(), strict=True))
    return row | {"epoch": model.n_iter_}


class _Motion:
    """Follows how far parameters move from epoch to epoch, and in which direction."""

    def __init__(self, params: np.ndarray) -> None:
        self._params = params[:: -(-len(params) // _MOVING) | 1]
        self._before = self._params.copy()
        self._change: np.ndarray | None = None
        self._size = 0.0

    def observe(self) -> tuple[float, float]:
        """Take in the end of an epoch."""
        params, last = self._params, self._change
        with np.errstate(all="ignore"):
            change = params - self._before
            size = math.sqrt(change.dot(change))
            norm = math.sqrt(params.dot(params))
            sizes = size * self._size
            cosine = change.dot(last) / sizes if last is not None and sizes else math.nan
        self._before[:] = params
        self._change, self._size = change, size
        return size / norm if norm else math.nan, float(cosine)
