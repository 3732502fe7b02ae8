"""Data that come in chunks: `partial_fit`, and `fit_stream` for data larger than memory."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.sklearn_versions import fit_context
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..data.rows import Features, Matrix, Rows
from ..data.targets import Targets
from ..models.model import Model
from ..session.callbacks import Tasks, tasks_of
from ..session.online_rate import OnlineRate
from ..session.session import Session
from ..session.stream_facts import watch
from ..session.warnings import warn_interrupted, warn_longer, warn_taken_back
from ..settings.settings import plan_epoch
from .begin import begin, go_on, live_session, make_spec
from .epochs import record
from .one_at_a_time import one_at_a_time
from .unchanged_if_refused import unchanged_if_refused
from .validation import chunk_rows, plain_chunk

_POWERS = {"sqrt": 0.5, "linear": 1.0, "none": 0.0}  # of the rate, by the rule of an optimizer


@one_at_a_time
def fit_chunk(
    model: Model,
    X: Features,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    classes: ArrayLike | None = None,
) -> None:
    """Train for one epoch, for `partial_fit`."""
    live = live_session(model)
    rows = None
    if live is not None and sample_weight is None and classes is None:
        rows = plain_chunk(model, X, y, live.spec)
    if rows is None:
        rows = _check_chunk(model, X, y, sample_weight, classes)
    session = go_on(model)
    size = _batch_size(model, session, rows.X.shape[0])
    good = _train_once(model, session, rows, size)
    if session.hands_out_views:
        model._publish(session)
    else:
        model.t_, model._stale = session.updater.t, True
    if not good:
        warn_taken_back(model, session.updater.t + 1, session.updater.lr)


def _batch_size(model: Model, session: Session, n_rows: int) -> int:
    """Return the rows in a mini-batch of a chunk: as many as in those of the fit before it."""
    online = session.online
    if model.batch_size == "auto" and online is not None and online.trained:
        return min(model._batch_rows, n_rows)
    return plan_epoch(model.batch_size, n_rows, one_pass=True).batch_size


@fit_context(prefer_skip_nested_validation=True)
@unchanged_if_refused
def _check_chunk(
    model: Model,
    X: Features,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    classes: ArrayLike | None,
) -> Rows:
    """Validate what `partial_fit` was given, and prepare the model in its first call."""
    first = not model.__sklearn_is_fitted__()
    optimizer = model._resolve_optimizer()
    rows, targets = chunk_rows(model, X, y, sample_weight, classes, first)
    if first:
        plan = plan_epoch(model.batch_size, rows.used, one_pass=True)
        # A chunk may be a single row, from which nothing is learned of scales.
        inputs = model._layout(rows.X)
        run = Run(None, plan.steps)
        _first_session(model, optimizer, rows, targets, inputs, run, plan.batch_size, False)
    return rows


def _first_session(
    model: Model,
    optimizer: Optimizer,
    rows: Rows,
    targets: Targets,
    inputs: dict[str, np.ndarray],
    run: Run,
    batch_size: int,
    warm: bool,
) -> Session:
    spec = make_spec(model, targets, inputs, rows.X.shape[1], rows.X.dtype)
    return begin(model, optimizer, spec, run, warm, min(batch_size, rows.used))


def _train_once(model: Model, session: Session, rows: Rows, batch_size: int) -> bool:
    """Run one epoch over a chunk, without the copies that `fit` makes to go back to.

    Returns False if the chunk was taken back, because numbers that are not finite came of it.
    The fitted attributes are those of before, unless they are the parameters themselves; the
    caller publishes.
    """
    start = time.perf_counter()
    n_rows = rows.X.shape[0]
    order = session.permutation(n_rows) if model.shuffle and n_rows > 1 else None
    session.lag()
    if session.online is not None:
        session.set_share(_share(model, session.online, session, min(batch_size, n_rows)))
    kept = session.keep()
    if not kept and _is_huge(rows.X):
        return False
    watch(session, rows, model._facts)
    with session.limited_blas(n_rows):
        result = session.run_epoch(rows, order, batch_size)
    loss = result.mean_loss
    if result.diverged_at is not None or (kept and session.is_damaged(loss)):
        if kept:
            session.take_back()
        return False
    record(model, session, loss, time.perf_counter() - start)
    session.observe(loss)
    if session.online is not None:
        session.online.observe(loss, n_rows)
    return True


def _is_huge(X: Matrix) -> bool:
    """Return whether squares of X come near the largest number."""
    values: Any = X if type(X) is np.ndarray else X.data
    limit = math.sqrt(np.finfo(values.dtype).max) / 16.0
    return bool(values.size) and not -limit < values.min() <= values.max() < limit


def _share(model: Model, online: OnlineRate, session: Session, batch_size: int) -> float:
    """Return the share of the peak rate for mini-batches that may be smaller than the fit's."""
    if not online.trained or batch_size >= model._batch_rows:
        return online.factor
    power = _POWERS[session.updater.optimizer.batch_rule]
    return online.factor * (batch_size / model._batch_rows) ** power


@one_at_a_time
@fit_context(prefer_skip_nested_validation=True)
@unchanged_if_refused
def fit_stream(
    model: Model,
    chunks: Iterable[Any],
    classes: ArrayLike | None,
    total_rows: int | None,
    n_chunks: int | None,
) -> None:
    """Train in one pass over chunks."""
    _check_count(total_rows, "total_rows")
    _check_count(n_chunks, "n_chunks")
    warm = model.warm_start and model.__sklearn_is_fitted__()
    optimizer = model._resolve_optimizer()
    session: Session | None = None
    tasks: Tasks | None = None
    interrupted, learned = False, 0
    try:
        for number, chunk in enumerate(chunks):
            X, y, weights = _parts(chunk, number)
            rows = None
            if session is None:
                rows, targets = chunk_rows(model, X, y, weights, classes, first=not warm)
                size, run = _plan_stream(model.batch_size, rows.used, total_rows, n_chunks)
                inputs = model._inputs if warm else model._learn_inputs(rows.X, rows.weights)
                session = _first_session(model, optimizer, rows, targets, inputs, run, size, warm)
                tasks = tasks_of(model, "chunk", n_chunks)
            elif weights is None:
                rows = plain_chunk(model, X, y, session.spec)
            if rows is None:
                rows, _ = chunk_rows(model, X, y, weights, None, first=False)
            if tasks is not None:
                tasks.begin()
            if session.is_over:
                warn_longer(model, session.updater.t)
                model._publish(session)
                session = go_on(model)
            if not _train_once(model, session, rows, size):
                warn_taken_back(model, session.updater.t + 1, session.updater.lr)
            learned = number + 1
            if tasks is not None:
                model._publish(session)
                if tasks.end():
                    break
    except KeyboardInterrupt:
        if session is None:
            raise
        interrupted = True
    except Exception as error:
        if session is not None:
            model._publish(session)
            error.add_note(f"{type(model).__name__} keeps what it learned from {learned} chunks.")
        raise
    if session is None:
        raise ValueError("chunks is empty: it must yield at least one (X, y)")
    model._publish(session)
    if tasks is not None:
        tasks.close()
    if interrupted:
        warn_interrupted(model, f"the last step, {model.t_},")


def _plan_stream(
    batch_size: int | str, rows: int, total_rows: int | None, n_chunks: int | None
) -> tuple[int, Run]:
    """Return mini-batch size and length of the run, from the size of the first chunk."""
    known = total_rows if total_rows is not None else n_chunks and n_chunks * rows
    size = plan_epoch(batch_size, known or rows, one_pass=True).batch_size
    per_chunk = -(-rows // size)
    if known is None:
        return size, Run(None, per_chunk)
    whole, rest = divmod(known, rows)
    total = whole * per_chunk + -(-rest // size)
    return size, Run(total, total)


def _parts(chunk: Any, number: int) -> tuple[Features, ArrayLike, ArrayLike | None]:
    if not isinstance(chunk, (tuple, list)) or len(chunk) not in (2, 3):
        got = f"{len(chunk)} items" if isinstance(chunk, (tuple, list)) else type(chunk).__name__
        raise TypeError(
            f"chunks must yield (X, y) or (X, y, sample_weight), got {got} as chunk {number}"
        )
    return chunk[0], chunk[1], chunk[2] if len(chunk) == 3 else None


def _check_count(value: int | None, name: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an int or None, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
