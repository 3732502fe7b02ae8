"""Data that come in chunks: `partial_fit`, and `fit_stream` for data larger than memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.hyper import check_count
from ...core.sklearn_versions import fit_context
from ...core.unmixed import changing
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..data.rows import Features, Rows, is_sparse
from ..data.targets import Targets
from ..models.model import Model
from ..session.callbacks import Tasks, tasks_of
from ..session.session import Session
from ..session.warnings import warn_interrupted, warn_longer, warn_taken_back
from ..settings.settings import plan_epoch
from .begin import (
    begin,
    first_units,
    go_on,
    keep_up,
    live_session,
    make_spec,
    new_scales,
)
from .learn_chunk import learn_chunk
from .one_at_a_time import one_at_a_time, unchanged_if_refused
from .validation import chunk_rows, plain_chunk


@one_at_a_time
def fit_chunk(
    model: Model,
    X: Features,
    y: Any,
    sample_weight: ArrayLike | None,
    classes: ArrayLike | None = None,
) -> None:
    """Train for one epoch, for `partial_fit`."""
    live = live_session(model)
    if live is not None and model.batch_size != "auto":  # which may have been set since
        check_count("batch_size", model.batch_size)
    rows = None
    if live is not None and sample_weight is None and classes is None:
        rows = plain_chunk(model, X, y, live.spec)
    first = live is None and not model.__sklearn_is_fitted__()
    if rows is None:
        rows, y = _check_chunk(model, X, y, sample_weight, classes)
    with changing(model):
        session = go_on(model)
        if not first:
            session = keep_up(model, session, rows, y)
        size = _batch_size(model, session, rows.X.shape[0])
        good = learn_chunk(model, session, rows, size)
        if session.hands_out_views:
            model._publish(session)
        else:
            model.t_, model._stale = session.updater.t, True
    if not good:
        _tell_of_rejected(model, session)


def _tell_of_rejected(model: Model, session: Session) -> None:
    model.n_rejected_ += 1
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
) -> tuple[Rows, np.ndarray]:
    """Validate what `partial_fit` was given, and prepare the model in its first call."""
    first = not model.__sklearn_is_fitted__()
    optimizer = model._resolve_optimizer()
    rows, targets, values = chunk_rows(model, X, y, sample_weight, classes, first)
    if first:
        plan = plan_epoch(model.batch_size, rows.used, one_pass=True)
        run = Run(None, plan.steps)
        _first_session(model, optimizer, rows, values, targets, run, plan.batch_size, False)
    return rows, values


def _first_session(
    model: Model,
    optimizer: Optimizer,
    rows: Rows,
    values: np.ndarray,
    targets: Targets,
    run: Run,
    batch_size: int,
    warm: bool,
    streamed: bool = False,
) -> Session:
    """Begin in the units that the first rows ask for; in those there are, of a warm start."""
    n_features, dtype = rows.X.shape[1], rows.X.dtype
    inputs = model._inputs if warm else model._fixed_inputs(rows.X)
    if streamed and not warm and is_sparse(rows.X):
        inputs = {**inputs, **model._scaling_of(rows.X, rows.weights)}
    spec = make_spec(model, targets, inputs, n_features, dtype)
    scales = None
    if not warm:
        scales = new_scales(spec, is_sparse(rows.X))
        spec = first_units(model, spec, scales, rows, values)
    session = begin(model, optimizer, spec, run, warm, min(batch_size, rows.used))
    session.scales = session.scales if scales is None else scales
    return session


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
            y: Any
            X, y, weights = _parts(chunk, number)
            rows = None
            if session is None:
                rows, targets, y = chunk_rows(model, X, y, weights, classes, first=not warm)
                size, run = _plan_stream(model.batch_size, rows.used, total_rows, n_chunks)
                session = _first_session(
                    model, optimizer, rows, y, targets, run, size, warm, streamed=True
                )
                tasks = tasks_of(model, "chunk", n_chunks)
            else:
                if weights is None:
                    rows = plain_chunk(model, X, y, session.spec)
                if rows is None:
                    rows, _, y = chunk_rows(model, X, y, weights, None, first=False)
                with changing(model):
                    session = keep_up(model, session, rows, y)
            if tasks is not None:
                tasks.begin()
            if session.is_over:
                warn_longer(model, session.updater.t)
                model._publish(session)
                session = go_on(model)
            with changing(model):
                good = learn_chunk(model, session, rows, size)
            if not good:
                _tell_of_rejected(model, session)
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
    size = plan_epoch(batch_size, rows, one_pass=True).batch_size  # the same if none is known
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
