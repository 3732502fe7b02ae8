"""Data that come in chunks: `partial_fit`, and `fit_stream` for data larger than memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...core.sklearn_versions import check_weights, fit_context
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..session.callbacks import tasks_of
from ..session.session import ModelSpec, Session
from ..session.warnings import warn_diverged, warn_interrupted
from ..settings.settings import plan_epoch
from .training import Trained
from .validation import FLOATS, Rows, unchanged_if_refused


class Streamed(Trained):
    """An estimator that can be trained on one chunk after another."""

    # partial_fit

    def _fit_chunk(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
        """Train for one epoch, for `partial_fit`."""
        live: Session | None = self.__dict__.get("_session")
        rows = None
        if live is not None and sample_weight is None and classes is None:
            rows = self._plain_rows(X, y, live.spec)
        if rows is None:
            rows = self._check_chunk(X, y, sample_weight, classes)
        session = self._continue()
        size = plan_epoch(self.batch_size, rows.X.shape[0], one_pass=True).batch_size
        with session.limited_blas(rows.X.shape[0]):
            good = self._train_once(session, rows, size)
        if session.hands_out_views:
            self._publish(session)
        else:
            self.t_ = session.updater.t
            self._stale = True
        if not good:
            warn_diverged(self, session.updater.t + 1, session.updater.lr)

    def _plain_rows(self, X: Any, y: Any, spec: ModelSpec) -> Rows | None:
        """Return rows that need no validation, which costs more than a step; None for others."""
        if (
            self._plain_weights
            and "feature_names_in_" not in self.__dict__
            and self._is_plain(X, spec)
            and spec.targets.is_plain(y, X.shape[0])
        ):
            return Rows(X, spec.targets.encode(y, spec.dtype))
        return None

    @fit_context(prefer_skip_nested_validation=True)
    @unchanged_if_refused
    def _check_chunk(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Rows:
        """Validate what `partial_fit` was given, and prepare the model in its first call."""
        first = not self.__sklearn_is_fitted__()
        optimizer = self._resolve_optimizer()
        rows, targets = self._chunk(X, y, sample_weight, classes, first)
        if first:
            plan = plan_epoch(self.batch_size, rows.used, one_pass=True)
            run = Run(None, plan.steps)
            learn = self._learns_from_chunk
            self._first_session(optimizer, rows, targets, run, plan.batch_size, learn=learn)
        return rows

    def _chunk(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, first: bool
    ) -> tuple[Rows, Any]:
        dtype: Any = FLOATS if first else self._dtype()
        X, y = self._validated(X, y, reset=first, dtype=dtype)
        sample_weight = check_weights(sample_weight, X)
        targets = self._targets_of_chunk(y, sample_weight, first, classes)
        encoded = targets.encode(self._checked_y(y), X.dtype)
        factors = self._class_factors(encoded, targets)
        return self._rows(X, encoded, sample_weight, targets, factors), targets

    def _first_session(
        self,
        optimizer: Optimizer,
        rows: Rows,
        targets: Any,
        run: Run,
        batch_size: int,
        warm: bool = False,
        learn: bool = True,
    ) -> Session:
        inputs = self._inputs if warm else self._layout(rows.X)
        if learn and not warm:
            inputs |= self._learn_inputs(rows.X, rows.weights)
        spec = self._spec(targets, inputs, rows.X.shape[1], rows.X.dtype)
        return self._begin(optimizer, spec, run, warm, min(batch_size, rows.used))

    # fit_stream

    @fit_context(prefer_skip_nested_validation=True)
    @unchanged_if_refused
    def _fit_stream(
        self,
        chunks: Iterable[Any],
        classes: Any,
        total_rows: int | None,
        n_chunks: int | None,
    ) -> None:
        _check_count(total_rows, "total_rows")
        _check_count(n_chunks, "n_chunks")
        warm = self.warm_start and self.__sklearn_is_fitted__()
        optimizer = self._resolve_optimizer()
        session: Session | None = None
        tasks: Any = None
        good, interrupted = True, False
        try:
            for number, chunk in enumerate(chunks):
                X, y, weights = _parts(chunk, number)
                rows = None
                if session is None:
                    rows, targets = self._chunk(X, y, weights, classes, first=not warm)
                    size, run = self._plan_stream(rows.used, total_rows, n_chunks)
                    session = self._first_session(optimizer, rows, targets, run, size, warm)
                    tasks = tasks_of(self, "chunk", n_chunks)
                elif weights is None:
                    rows = self._plain_rows(X, y, session.spec)
                if rows is None:
                    rows, _ = self._chunk(X, y, weights, None, first=False)
                tasks.begin()
                with session.limited_blas(rows.X.shape[0]):
                    good = self._train_once(session, rows, size)
                if tasks.watched:
                    self._publish(session)
                if not good or tasks.end():
                    break
        except KeyboardInterrupt:
            if session is None:
                raise
            interrupted = True
        if session is None:
            raise ValueError("chunks is empty: it must yield at least one (X, y)")
        self._publish(session)
        tasks.close()
        if not good:
            warn_diverged(self, session.updater.t + 1, session.updater.lr)
        if interrupted:
            warn_interrupted(self, f"the last step, {self.t_},")

    def _plan_stream(
        self, rows: int, total_rows: int | None, n_chunks: int | None
    ) -> tuple[int, Run]:
        """Return mini-batch size and length of the run, from the size of the first chunk."""
        known = total_rows if total_rows is not None else n_chunks and n_chunks * rows
        size = plan_epoch(self.batch_size, known or rows, one_pass=True).batch_size
        per_chunk = -(-rows // size)
        if known is None:
            return size, Run(None, per_chunk)
        whole, rest = divmod(known, rows)
        total = whole * per_chunk + -(-rest // size)
        return size, Run(total, total)


def _parts(chunk: Any, number: int) -> tuple[Any, Any, Any]:
    if not isinstance(chunk, (tuple, list)) or len(chunk) not in (2, 3):
        got = f"{len(chunk)} items" if isinstance(chunk, (tuple, list)) else type(chunk).__name__
        raise TypeError(
            f"chunks must yield (X, y) or (X, y, sample_weight), got {got} as chunk {number}"
        )
    return chunk[0], chunk[1], chunk[2] if len(chunk) == 3 else None


def _check_count(value: Any, name: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an int or None, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
