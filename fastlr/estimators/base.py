"""What all estimators share: parameters, sessions, history, and what goes into a pickle."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from .._compat import Interval, StrOptions, check_is_fitted
from ..hyper import HyperParameters
from ..optimizers.base import Optimizer
from ..schedules import Run, Schedule
from ..training import Arena, EpochInfo, EpochResult, train
from ._history import COLUMNS, append_row, columns
from ._session import Session
from ._settings import needs_total, resolve_optimizer

RunEpoch = Callable[[np.ndarray | None], EpochResult]


class GradientEstimator(BaseEstimator):
    """Base of the estimators; a subclass says what its parameters are and how an epoch runs."""

    _parameter_constraints: dict[str, list[Any]] = {
        "optimizer": [str, Optimizer],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "schedule": [str, Schedule, None],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_threads": [Interval(Integral, 1, None, closed="left")],
    }

    # What lr="auto" multiplies the default rate of an optimizer given by name with.
    _auto_lr_factor = 1.0

    optimizer: Any
    lr: Any
    schedule: Any
    clip_norm: float | None
    max_epochs: int
    shuffle: bool
    random_state: Any
    verbose: int
    n_threads: int
    n_iter_: int
    t_: int
    _checkpoint: dict[str, Any]
    _history: np.ndarray

    # What a subclass defines

    def _make_epoch(self, arena: Arena, updater: Any) -> Any:
        """Return what trains one epoch of the model in `arena`."""
        raise NotImplementedError

    def _fitted_params(self) -> dict[str, np.ndarray]:
        """Return the fitted attributes that are parameters, by their names in the arena."""
        raise NotImplementedError

    def _dtype(self) -> np.dtype:
        """Return the precision of the fitted parameters."""
        return next(iter(self._fitted_params().values())).dtype

    def _set_fitted_params(self, params: Mapping[str, np.ndarray]) -> None:
        """Set the fitted attributes that are parameters."""
        raise NotImplementedError

    # Parameters

    def set_params(self, **params: Any) -> GradientEstimator:
        """Set parameters; ``optimizer__weight_decay`` reaches into an optimizer object.

        Parameters
        ----------
        **params : dict
            Names and values. A nested object is replaced by a changed copy, so that estimators
            that were given the same object stay independent.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        ValueError
            If a name is unknown, or reaches into something that is given by its name.
        """
        plain = {name: value for name, value in params.items() if "__" not in name}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            outer, _, inner = name.partition("__")
            if inner:
                nested.setdefault(outer, {})[inner] = value
        for outer, changes in nested.items():
            target = plain.get(outer, getattr(self, outer, None))
            if isinstance(target, HyperParameters):
                plain[outer] = target.replace(**changes)
            elif outer in self._get_param_names():
                name, value = next(iter(changes.items()))
                raise ValueError(
                    f"{outer}__{name}: {outer}={target!r} has no parameters to set; give an "
                    f"object in its place, such as {outer}={_example(outer, name, value)}"
                )
            else:  # scikit-learn's own message says which names there are
                plain |= {f"{outer}__{name}": value for name, value in changes.items()}
        super().set_params(**plain)
        return self

    def _resolve_optimizer(self) -> Optimizer:
        return resolve_optimizer(
            self.optimizer, self.lr, self.schedule, self.clip_norm, self._auto_lr_factor
        )

    def _settings(self) -> tuple[Any, ...]:
        """Return the parameters that a session depends on."""
        return (self.optimizer, self.lr, self.schedule, self.clip_norm, self.n_threads)

    # Sessions

    def _start(
        self,
        optimizer: Optimizer,
        shapes: Mapping[str, tuple[int, ...]],
        dtype: np.dtype,
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
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        session = Session(
            shapes,
            dtype,
            optimizer,
            self._make_epoch,
            run,
            seed,
            self.n_threads,
            self._settings(),
        )
        if fitted is not None:
            session.resume(fitted, checkpoint)
        self._session = session
        self.__dict__.pop("_checkpoint", None)
        return session

    def _checkpoint_now(self) -> dict[str, Any]:
        """Return the state of the last session, live or unpickled."""
        live = self.__dict__.get("_session")
        return self._checkpoint if live is None else live.checkpoint()

    def _continue(self, shapes: Mapping[str, tuple[int, ...]], dtype: np.dtype) -> Session:
        """Return the session that `partial_fit` goes on with.

        The live one where it still fits; else, after unpickling or changed parameters, a new
        one from the checkpoint.
        """
        live = self.__dict__.get("_session")
        if live is not None and live.endless and live.settings == self._settings():
            live.take_replaced(self._fitted_params())
            return live
        checkpoint = self._checkpoint_now()
        total, steps = checkpoint["run"]
        optimizer, run = self._resolve_optimizer(), Run(total, steps)
        if needs_total(optimizer, run):
            run = Run(None, steps)
        return self._start(optimizer, shapes, dtype, run, self._fitted_params(), checkpoint)

    # Training

    def _train(self, session: Session, run_epoch: RunEpoch, n_rows: int, shuffle: bool) -> None:
        """Run the epochs of `fit`."""

        def record(info: EpochInfo) -> float:
            self._record(session, info.loss, info.seconds)
            return info.loss

        limit: Any = contextlib.nullcontext()
        if session.epoch.uses_blas:  # looking for BLAS libraries takes a millisecond
            limit = threadpool_limits(self.n_threads, user_api="blas")
        with limit:
            training = train(
                run_epoch,
                session.arena.params,
                session.updater,
                n_rows,
                self.max_epochs,
                session.rng,
                shuffle=shuffle,
                metric=record,  # called before a plateau schedule changes the rate
            )
        self._publish(session)
        if training.diverged is not None:
            step = session.updater.t + training.diverged.step
            self._warn_diverged(step, training.diverged.lr, stacklevel=5)
        if training.interrupted:
            warnings.warn(
                f"{type(self).__name__}: training was interrupted; the weights of the last "
                f"finished epoch, {self.n_iter_}, are kept",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _train_once(self, session: Session, run_epoch: RunEpoch, n_rows: int) -> None:
        """Run one epoch for `partial_fit`, without the copies that `train` makes to go back to."""
        start = time.perf_counter()
        order = None
        if self.shuffle and n_rows > 1:
            order = session.rng.permutation(n_rows).astype(np.int64, copy=False)
        result = run_epoch(order)
        if result.diverged_at is None:
            loss = result.loss_sum / result.weight_sum if result.weight_sum else 0.0
            self._record(session, loss, time.perf_counter() - start)
            session.observe(loss)
        self._publish(session)
        if result.diverged_at is not None:
            self._warn_diverged(session.updater.t + 1, session.updater.lr, stacklevel=4)

    def _record(self, session: Session, loss: float, seconds: float) -> None:
        """Add an epoch to the history."""
        lr, momentum = session.last_rates()
        row = (self.n_iter_ + 1, loss, lr, momentum, seconds)
        self._history = append_row(self._history, self.n_iter_, row)
        self.n_iter_ += 1
        if self.verbose:
            print(
                f"{type(self).__name__} epoch {self.n_iter_}: loss {loss:.6g}, lr {lr:.4g}, "
                f"{seconds:.3g} s"
            )

    def _publish(self, session: Session) -> None:
        self.t_ = session.updater.t
        self._set_fitted_params(session.publish())

    def _warn_diverged(self, step: int, lr: float, stacklevel: int) -> None:
        warnings.warn(
            f"{type(self).__name__} diverged: loss or gradient was not finite at step {step} with "
            f"learning rate {lr:.4g}. Training has stopped, and the weights from before are kept. "
            "Try a smaller lr, clip_norm=1.0, or features of similar scale (StandardScaler)",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )

    def _start_history(self) -> None:
        self.n_iter_ = 0
        self._history = np.empty((0, len(COLUMNS)))

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Table of the epochs: ``epoch``, ``loss``, ``lr``, ``momentum``, ``seconds``."""
        check_is_fitted(self)
        return columns(self._history, self.n_iter_)

    @property
    def loss_curve_(self) -> np.ndarray:
        """Mean training loss of each epoch."""
        check_is_fitted(self)
        return self._history[: self.n_iter_, COLUMNS.index("loss")].copy()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_iter_")  # not n_features_in_, which data set before they are used

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        session = state.pop("_session", None)
        if session is not None:
            state["_checkpoint"] = session.checkpoint()
            state["_history"] = self._history[: self.n_iter_]
        return state


def _example(outer: str, inner: str, value: Any) -> str:
    made = {"optimizer": "AdamW", "schedule": "OneCycle"}.get(outer, "...")
    return f"{made}({inner}={value!r})"
