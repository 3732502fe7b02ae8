"""One epoch over a chunk of rows, which is applied whole or not at all."""

from __future__ import annotations

import time

from ..data.rows import Rows, is_huge
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
        session.set_share(share_of(model, session.online, session, min(batch_size, n_rows)))
    kept = session.keep(-(-n_rows // batch_size))
    looked = not (kept and usual.is_known)
    if looked and is_huge(rows.X):
        return False
    taken = _without_outliers(session, rows) if looked else rows
    watch(session, taken, model._facts)
    with session.limited_blas(n_rows):
        result = session.run_epoch(taken, order, batch_size)
    stepper = session.updater.binding.stepper
    loss, norm = result.mean_loss, stepper.norm
    if not looked and usual.is_exceeded(loss, norm, n_rows):
        if is_huge(rows.X):
            session.take_back()
            return False
        taken = _without_outliers(session, rows)
        if taken is not rows:
            session.take_back()
            with session.limited_blas(n_rows):
                result = session.run_epoch(taken, order, batch_size)
            loss, norm = result.mean_loss, stepper.norm
    if result.diverged_at is not None or (kept and session.is_damaged(loss)):
        if kept:
            session.take_back()
        return False
    record(model, session, loss, time.perf_counter() - start, online=True)
    usual.observe(loss, norm, n_rows)
    session.observe(loss)
    session.follow(loss, n_rows, result.steps)
    return True


def _without_outliers(session: Session, rows: Rows) -> Rows:
    """Return rows with outliers brought back within reach; the same if there are none."""
    return rows if session.scales is None else session.scales.within(rows, session.spec.targets)


def share_of(model: Model, online: OnlineRate, session: Session, batch_size: int) -> float:
    """Return the share of the peak rate for mini-batches that may be smaller than the fit's."""
    if not online.trained or batch_size >= model._batch_rows:
        return online.factor
    power = _POWERS[session.updater.optimizer.batch_rule]
    return online.factor * (batch_size / model._batch_rows) ** power
