"""One epoch over a chunk of rows, which is applied whole or not at all."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ...training import EpochResult
from ..data.rows import Matrix, Rows
from ..models.model import Model
from ..session.online_rate import OnlineRate
from ..session.session import Session
from ..session.stream_facts import watch
from .epochs import record

_POWERS = {"sqrt": 0.5, "linear": 1.0, "none": 0.0}  # of the rate, by the rule of an optimizer


def learn_chunk(model: Model, session: Session, rows: Rows, batch_size: int) -> bool:
    """Run one epoch over a chunk, without the copies that `fit` makes to go back to.

    Returns False if the chunk was taken back, because numbers that are not finite came of it.
    Loss and gradient tell whether there may be outliers in it; only then, or where it cannot be
    taken back, are all its values looked at, and the epoch is made again without them. The fitted
    attributes are those of before, unless they are the parameters themselves; the caller publishes.
    """
    start, usual = time.perf_counter(), session.usual
    n_rows = rows.X.shape[0]
    order = session.permutation(n_rows) if model.shuffle and n_rows > 1 else None
    session.lag()
    if session.online is not None:
        session.set_share(_share(model, session.online, session, min(batch_size, n_rows)))
    kept = session.keep(-(-n_rows // batch_size))
    looked = not (kept and usual.is_known)
    taken = _without_outliers(session, rows) if looked else rows
    if not kept and _is_huge(taken.X):
        return False
    watch(session, taken, model._facts)
    result = _run(session, taken, order, batch_size)
    norm = session.updater.binding.stepper.norm
    if not looked and usual.is_exceeded(result.mean_loss, norm, n_rows):
        taken = _without_outliers(session, rows)
        if taken is not rows:
            session.take_back()
            result = _run(session, taken, order, batch_size)
            norm = session.updater.binding.stepper.norm
    loss = result.mean_loss
    if result.diverged_at is not None or (kept and session.is_damaged(loss)):
        if kept:
            session.take_back()
        return False
    record(model, session, loss, time.perf_counter() - start)
    usual.observe(loss, norm, n_rows)
    session.observe(loss)
    if session.online is not None:
        session.online.observe(loss, n_rows)
    return True


def _run(session: Session, rows: Rows, order: np.ndarray | None, batch_size: int) -> EpochResult:
    with session.limited_blas(rows.X.shape[0]):
        return session.run_epoch(rows, order, batch_size)


def _without_outliers(session: Session, rows: Rows) -> Rows:
    """Return rows with outliers brought back within reach; the same if there are none."""
    if session.scales is None:
        return rows
    X, y = session.scales.within(rows.X, rows.y, session.spec.targets)
    if X is rows.X and y is rows.y:
        return rows
    return Rows(X, y, rows.weights)


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
