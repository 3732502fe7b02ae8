"""From one session to the next: warm starts, calls of `partial_fit`, and pickles."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..session.generator import session_seed
from ..session.session import ModelSpec, Session
from ..session.units import refresh
from ..settings.settings import needs_total
from .history import Recorded
from .validation import Validated


class Continued(Recorded, Validated):
    """An estimator that begins sessions, and goes on with them."""

    t_: int
    lr_: float
    _lr_of: str
    _batch_rows: int  # in a mini-batch of the first chunk, or of `fit`
    _inputs: dict[str, np.ndarray]
    _checkpoint: dict[str, Any]
    _stale: bool

    def _spec(
        self, targets: Any, inputs: dict[str, np.ndarray], n_features: int, dtype: np.dtype
    ) -> ModelSpec:
        loss, reduction = self._training_loss(targets)
        shapes = self._shapes(n_features, targets.outputs)
        return ModelSpec(targets, inputs, shapes, dtype, loss, reduction)

    def _known_spec(self) -> ModelSpec:
        """Return the spec of the model as it was fitted."""
        return self._spec(self._known_targets(), self._inputs, self.n_features_in_, self._dtype())

    def _commit(self, spec: ModelSpec) -> None:
        self._set_targets(spec.targets)
        self._inputs = spec.inputs

    def _begin(
        self, optimizer: Optimizer, spec: ModelSpec, run: Run, warm: bool, batch_rows: int
    ) -> Session:
        """Begin the session of a `fit`, and its history."""
        optimizer = self._at_batch_size(optimizer, batch_rows)
        fitted = checkpoint = None
        if warm:
            fitted = self._fitted_params()
            _check_same_shapes(self._fitted_shapes(spec), fitted)
            if not needs_total(optimizer, run):
                checkpoint = self._checkpoint_now()
        session = self._start(optimizer, spec, run, fitted, checkpoint)
        if checkpoint is None:
            self._start_history()
        self._commit(spec)
        self._batch_rows = batch_rows
        self._publish(session)  # whatever happens next, attributes fit each other
        return session

    def _start(
        self,
        optimizer: Optimizer,
        spec: ModelSpec,
        run: Run,
        fitted: Mapping[str, np.ndarray] | None = None,
        checkpoint: Mapping[str, Any] | None = None,
    ) -> Session:
        """Begin a session, over fitted parameters and an earlier session where they are given."""
        if run.total_steps is None and needs_total(optimizer, run):
            # Nobody knows how many calls will follow, so there is no run to stretch it over.
            optimizer = optimizer.replace(schedule=None)
        seed = 0  # a checkpoint brings the state of its generator
        if checkpoint is None:
            seed = session_seed(self.random_state)
        session = self._session_of(optimizer, spec, run, seed, initialise=fitted is None)
        if fitted is not None:
            session.resume(fitted, checkpoint)
        self._session = session
        self.lr_ = float(optimizer.lr)  # type: ignore[attr-defined]
        self._lr_of = type(optimizer).__name__
        self.__dict__.pop("_checkpoint", None)
        self.__dict__.pop("_stale", None)
        return session

    def _session_of(
        self,
        optimizer: Optimizer,
        spec: ModelSpec,
        run: Run,
        seed: int,
        initialise: bool = True,
        at_once: bool = False,
    ) -> Session:
        """Return a session, which the estimator knows nothing of yet.

        With `at_once`, as in looking for a rate, no layer waits to be trained.
        """
        session = Session(
            spec,
            self._in_units(optimizer, spec),
            self._make_epoch,
            self._fold(spec),
            run,
            seed,
            self.n_threads,
            self._settings(),
            self._groups_at_once if at_once else self._groups,
        )
        if initialise:
            self._initialise(session.arena.param, spec, session.rng)
        return session

    def _groups_at_once(self, spec: ModelSpec, optimizer: Optimizer) -> list[dict[str, Any]]:
        groups = self._groups(spec, optimizer)
        return [{k: v for k, v in group.items() if k != "start"} for group in groups]

    def _checkpoint_now(self) -> dict[str, Any]:
        """Return the state of the last session, live or unpickled."""
        live = self.__dict__.get("_session")
        return self._checkpoint if live is None else live.checkpoint()

    def _known_run(self) -> Run:
        """Return the run of the last session, live or unpickled."""
        live: Session | None = self.__dict__.get("_session")
        return Run(*self._checkpoint["run"]) if live is None else live.run

    def _continue(self) -> Session:
        """Return the session that `partial_fit` goes on with.

        The live one where it still fits; else, after unpickling or changed parameters, a new
        one from the checkpoint.
        """
        live: Session | None = self.__dict__.get("_session")
        if live is not None and live.endless and live.settings == self._settings():
            if "_stale" not in self.__dict__:  # else nobody has touched the attributes
                live.take_replaced(self._fitted_params())
            return live
        checkpoint = self._checkpoint_now()
        total, steps = checkpoint["run"]
        optimizer, run = self._at_known_rate(self._resolve_optimizer()), Run(total, steps)
        optimizer = self._at_batch_size(optimizer, self._batch_rows)
        if needs_total(optimizer, run):
            run = Run(None, steps)
        return self._start(optimizer, self._known_spec(), run, self._fitted_params(), checkpoint)

    def _at_known_rate(self, optimizer: Optimizer) -> Optimizer:
        """Return the optimizer at the rate found before, if it is the one that it was found for."""
        if not self._seeks_rate() or self._lr_of != type(optimizer).__name__:
            return optimizer
        known: Optimizer = optimizer.replace(lr=self.lr_)
        return known

    def _publish(self, session: Session) -> None:
        self.t_ = session.updater.t
        if "_stale" in self.__dict__:
            self._stale = False  # what is written now is not to be computed first
        self._set_fitted_params(session.publish())
        self.__dict__.pop("_stale", None)

    def _dtype(self) -> np.dtype:
        """Return the precision of the fitted parameters."""
        live: Session | None = self.__dict__.get("_session")
        if live is not None:
            return live.spec.dtype
        return next(iter(self._fitted_params().values())).dtype

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a pickle, with defaults for parameters that its version did not have."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        super().__setstate__({**defaults, "_facts": {}, **state})

    def __getstate__(self) -> dict[str, Any]:
        refresh(self)
        state = dict(super().__getstate__())
        session = state.pop("_session", None)
        if session is not None:
            state["_checkpoint"] = session.checkpoint()
            state["_history"] = self._history[: self.n_iter_]
        return state


def _check_same_shapes(
    shapes: Mapping[str, tuple[int, ...]], fitted: Mapping[str, np.ndarray]
) -> None:
    """Raise unless `fit` with ``warm_start`` makes a model of the shape that is there."""
    for name, array in fitted.items():
        if name in shapes and shapes[name] != array.shape:
            raise ValueError(
                f"warm_start: {name} had shape {array.shape} in the last fit, and would have "
                f"{shapes[name]} with these data; set warm_start=False to start anew"
            )
