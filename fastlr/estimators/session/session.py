"""Training in progress: what an estimator holds between two calls of `partial_fit`.

It is live (memory addresses, compiled kernels), so it is left out of pickles; its checkpoint,
arrays and plain values only, goes in its place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController

from ...core.check_sparse import check_sparse
from ...core.hyper import HyperParameters
from ...kernels.language.terms import AVERAGE, LOOKAHEAD_STATE
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ...training import Arena, EpochResult
from ...updater.statistics import last_rates
from ..data.rows import Matrix, Rows
from ..models.model import Model
from ..models.spec import ModelSpec
from ..models.units import Arrays
from ..settings.settings import needs_total
from .heading import Heading
from .online_rate import OnlineRate
from .running_scales import RunningScales
from .usual_loss import UsualLoss

_UNLIMITED = nullcontext()
_SHARED = 2**18  # multiplications up to which OpenBLAS keeps a product on one thread
_TAKES_SPARSE = {"linear": False, "sparse": True}  # engines that take rows of one kind alone

_POINTS = (AVERAGE, LOOKAHEAD_STATE)  # state that is made of parameters, whatever the rule
_KEPT = 2**20  # parameters up to which a chunk keeps a copy
_ORDINARY = 1e4  # losses and norms of gradients from which no number overflows


class Session:
    """Parameters, gradients, optimizer state and random numbers of one run.

    It shares nothing with other sessions, nor with the estimator, which knows nothing of it yet.

    Parameters
    ----------
    model : Model
        Makes engine, units and groups; not kept.
    spec : ModelSpec
        What is trained.
    optimizer : Optimizer
        As the model resolved it.
    run : Run
        Length of the run, as far as it is known.
    rng : numpy.random.RandomState
        What initial values and permutations are drawn from. It is the session's own: drawing from
        the caller's at each epoch would make results depend on what else the program does.
    initialise : bool, default=True
        Whether to draw initial values; else parameters are zero.
    at_once : bool, default=False
        Whether no layer waits to be trained, as in looking for a rate.
    online : OnlineRate, optional
        Lowers the rate of a run that has no end; else the rate is the optimizer's.
    scales : RunningScales, optional
        Keeps the units of training up to date with chunks; None where they stay.

    Attributes
    ----------
    arena : Arena
        Where the parameters live.
    updater : Updater
        Bound to them.
    epoch : LinearEpoch, SparseEpoch or MLPEpoch
        The engine.
    units : Units or None
        From parameters to fitted attributes; None where these are the parameters themselves.
    optimizer : Optimizer
        As the model resolved it.
    settings : tuple
        What the constructor parameters were; compared to see whether they have changed.
    stream_facts : StreamFacts or None
        Notes of the chunks trained on, for a diagnosis.
    """

    def __init__(
        self,
        model: Model,
        spec: ModelSpec,
        optimizer: Optimizer,
        run: Run,
        rng: np.random.RandomState,
        initialise: bool = True,
        at_once: bool = False,
        online: OnlineRate | None = None,
        scales: RunningScales | None = None,
    ) -> None:
        self.optimizer = optimizer
        optimizer = model._in_units(optimizer, spec)
        self.spec, self.run, self.units = spec, run, model._units(spec)
        # Users may change an object after the call; a copy still tells that they have.
        self.settings = tuple(
            s.replace() if isinstance(s, HyperParameters) else s for s in model._settings()
        )
        groups = model._groups(spec, optimizer)
        if at_once:
            groups = [{k: v for k, v in group.items() if k != "start"} for group in groups]
        self.arena = Arena(spec.shapes, spec.dtype)
        self.updater = optimizer.bind(
            self.arena.param,
            groups=groups,
            n_threads=model.n_threads,
            total_steps=run.total_steps,
            steps_per_epoch=run.steps_per_epoch,
        )
        self.epoch = model._make_epoch(self.arena, self.updater, spec)
        self._takes_sparse = _TAKES_SPARSE.get(getattr(self.epoch, "model", ""))
        self.rng, self.online, self.scales = rng, online, scales
        self.heading = None if online is None else Heading(self.arena.params)
        self._peak = self._rate = float(optimizer.lr)  # type: ignore[attr-defined]
        self._averages = optimizer.averages
        self._lags = False
        self._published: Arrays = {}
        self._n_threads = model.n_threads
        self._copies: list[tuple[np.ndarray, np.ndarray]] | None = None
        self._kept_at = 0
        self.stream_facts: Any = None
        self.on_catch_up: Callable[[], None] | None = None
        self._libraries: ThreadpoolController | None = None
        if initialise:
            model._initialise(self.arena.param, spec, self.rng)

    # Training

    def take(self, X: Any) -> Matrix:
        """Return rows as the engine takes them, which is that of the rows seen first."""
        if type(X) is np.ndarray:
            return sparse.csr_array(X) if self._takes_sparse else X
        if self._takes_sparse is not False:
            return X
        check_sparse(X)
        return X.toarray()

    def run_epoch(self, rows: Rows, order: np.ndarray | None, batch_size: int) -> EpochResult:
        """Train for one epoch, over rows in this order."""
        return self.epoch.run(self.take(rows.X), rows.y, rows.weights, order, batch_size)

    def permutation(self, n_rows: int) -> np.ndarray:
        """Draw an order of rows."""
        return self.rng.permutation(n_rows).astype(np.int64, copy=False)

    def evaluate(self, rows: Rows) -> float:
        """Return the mean loss of rows with the parameters that are predicted with."""
        return self.evaluate_each([rows])[0]

    def evaluate_each(self, parts: Sequence[Rows]) -> list[float]:
        """Return the mean losses of several parts of the rows, as `evaluate` does."""
        self.settle()
        kept = None
        if self._averages:
            kept = self.arena.params.copy()
            for name, array in self.updater.averaged.items():
                self.arena.param[name][...] = array
        sums = self.epoch.evaluate_each([(self.take(p.X), p.y, p.weights) for p in parts])
        if kept is not None:
            self.arena.params[:] = kept
        return [loss / weight if weight else 0.0 for loss, weight in sums]

    def observe(self, loss: float) -> None:
        """Tell a plateau schedule the loss; others are spared, for telling drops the step table."""
        if self.updater.binding.timetable.needs_metric:
            self.updater.observe(loss)

    @functools.cached_property
    def usual(self) -> UsualLoss:
        """What chunks usually are, for which only `partial_fit` asks."""
        return UsualLoss()

    @property
    def t(self) -> int:
        """Steps made."""
        return int(self.updater.binding.stepper.t)

    @functools.cached_property
    def endless(self) -> bool:
        """Whether the schedule says its own length, so that training may go on after the run."""
        return not needs_total(self.updater.optimizer.scheduled().values(), self.run)

    @property
    def is_over(self) -> bool:
        """Whether a run of known length, over which a schedule is stretched, has ended."""
        total = self.run.total_steps
        return not self.endless and total is not None and self.updater.t >= total

    def set_share(self, share: float) -> None:
        """Set the rate of the next steps to a share of the peak rate, of a run without end."""
        rate = share * self._peak
        if rate != self._rate:
            self.settle()  # steps that parameters lag behind were made at the rate of before
            self.updater.lr = self._rate = rate

    def is_at_share(self, share: float) -> bool:
        """Return whether steps are made at a share of the peak rate."""
        return share * self._peak == self._rate

    def last_step(self) -> tuple[float, float, float]:
        """Return rate, momentum and norm of the gradient of the last step, NaN for none."""
        binding = self.updater.binding
        _, lr, momentum = last_rates(binding) or (0, np.nan, None)
        norm = binding.stepper.norm
        return lr, np.nan if momentum is None else momentum, np.nan if norm < 0 else norm

    def limited_blas(self, n_rows: int) -> AbstractContextManager[Any]:
        """Return a context in which BLAS uses `n_threads` threads, if the engine calls it."""
        # Small products are not shared among threads; setting the number takes some 20 us.
        if n_rows * self.arena.params.size < _SHARED or not self.epoch.uses_blas:
            return _UNLIMITED
        if self._libraries is None:  # looking for them takes a millisecond
            self._libraries = ThreadpoolController()
        return self._libraries.limit(limits=self._n_threads, user_api="blas")

    def keep(self, n_steps: int) -> bool:
        """Copy what steps change; return False where that would cost more than a chunk does."""
        if self._lags or (self.arena.params.size > _KEPT and n_steps == 1):
            return False
        if self._copies is None:
            self._copies = [(np.empty_like(array), array) for array in self.kept_arrays]
        for copy, array in self._copies:
            np.copyto(copy, array)
        self._kept_at = self.updater.t
        return True

    @property
    def kept_arrays(self) -> list[np.ndarray]:
        """All arrays that steps change, parameters first."""
        return [self.arena.params, *self.updater.binding.live(), *self.epoch.memory]

    def catch_up(self) -> None:
        """Take over what a compiled loop has counted by itself."""
        catch_up = self.on_catch_up  # which takes itself away, under the model's lock
        if catch_up is not None:
            catch_up()

    def take_back(self) -> None:
        """Undo all steps since `keep`."""
        for copy, array in self._copies or ():
            np.copyto(array, copy)
        self.updater.binding.stepper.restart(self._kept_at, self.updater.skipped)

    def follow(self, loss: float, n_rows: int, n_steps: int) -> None:
        """Let the rate of a run without end see the loss of a chunk, and where parameters go."""
        if self.online is None or self.heading is None:
            return
        self.online.observe(loss, n_rows)
        if not self._lags:  # else parameters may be behind
            cosine = self.heading.observe(n_rows, n_steps)
            if cosine is not None:
                self.online.turn(cosine)

    def is_damaged(self, loss: float) -> bool:
        """Return whether parameters or state have left the finite numbers."""
        norm = self.updater.binding.stepper.norm
        if loss <= _ORDINARY and norm <= _ORDINARY:
            return False
        arrays = (self.arena.params, *self.updater.binding.live())
        return not all(np.isfinite(array).all() for array in arrays)

    def lag(self) -> None:
        """Let an engine that can leave parameters behind the steps made, until they are read.

        Bringing them up to date costs a visit to each, more than a small chunk of sparse rows.
        """
        if self._takes_sparse:
            self.epoch.settles, self._lags = False, True

    def settle(self) -> None:
        """Bring the parameters up to date."""
        if self._lags:
            self.epoch.settle()

    # Fitted attributes

    @property
    def hands_out_views(self) -> bool:
        """Whether fitted attributes are the parameters themselves, up to date by themselves."""
        return self._has_views and not self._averages and not self._lags

    @property
    def listens(self) -> bool:
        """Whether a schedule is told the loss of each chunk."""
        return self.updater.binding.timetable.needs_metric

    @property
    def lags(self) -> bool:
        """Whether parameters may be behind the steps made; see `lag`."""
        return self._lags

    @property
    def _has_views(self) -> bool:
        return self.units is None or self.units.views

    def publish(self) -> Arrays:
        """Return the fitted attributes: of averages where the optimizer keeps them."""
        self.settle()
        params = self.updater.averaged if self._averages else self.arena.param
        self._published = params if self.units is None else self.units.to_fitted(params)
        return self._published

    def take_replaced(self, fitted: Arrays) -> None:
        """Copy in the fitted attributes that the user has replaced by other arrays."""
        published = self._published
        self._copy_in([n for n in fitted if not _is_same(fitted[n], published.get(n))], fitted)

    def _copy_in(self, changed: list[str], fitted: Arrays) -> None:
        if not changed:
            return
        if not self._has_views:  # a parameter may depend on several of the attributes
            changed = list(fitted)
        params: Arrays = {name: fitted[name] for name in changed}
        if self.units is not None:
            params = self.units.to_params(params)
        for name in changed:
            if name in self.arena.param:
                self.arena.param[name][...] = params[name]

    # From one session to the next

    def checkpoint(self) -> dict[str, Any]:
        """Return what a later session needs to go on to the bit, in arrays and plain values."""
        self.catch_up()
        self.settle()
        handed_out = self._has_views and not self._averages  # then the attributes tell them
        params = {} if handed_out else self.arena.param
        return {
            "params": {name: p.copy() for name, p in params.items()},
            "updater": self.updater.state_dict(),
            "memory": [array.copy() for array in self.epoch.memory],
            "rng": self.rng.get_state(legacy=False),
            "run": list(self.run),
            "online": None if self.online is None else self.online.state(),
            "scales": None if self.scales is None else self.scales.state(),
            "usual": self.usual.state(),
            "heading": None if self.heading is None else self.heading.state(),
        }

    def resume(self, fitted: Arrays, checkpoint: Mapping[str, Any] | None) -> None:
        """Start from fitted attributes, and from an earlier session where there was one.

        Its optimizer state is left where it does not fit: after the user changed to another
        optimizer or to parameters of other shapes, the optimizer starts afresh.
        """
        if checkpoint:
            for name, array in checkpoint["params"].items():
                if name in self.arena.param:
                    self.arena.param[name][...] = array
            self.rng.set_state(checkpoint["rng"])
            self._load(checkpoint["updater"])
            self._remember(checkpoint.get("memory") or [])
            self.usual.load(checkpoint.get("usual") or {})
            if self.heading is not None and checkpoint.get("heading") is not None:
                self.heading.load(checkpoint["heading"])
        published = self.publish()
        # Attributes that are as they were published say nothing of the parameters behind them.
        changed = [n for n in published if not np.array_equal(published[n], fitted[n])]
        self._copy_in(changed, fitted)

    def go_on_from(self, before: Session, exact: bool) -> None:
        """Take over from a session in other units: all predictions if `exact`, else parameters."""
        before.settle()
        state, starts = before.updater.state_dict(), self.updater.optimizer.initial_state()
        points = [n for n in state["state"] if n in _POINTS or starts.get(n) == "p"]
        for arrays in (before.arena.param, *(state["state"][name] for name in points)):
            values = self._in_units_of(before, arrays) if exact else arrays
            target = self.arena.param if arrays is before.arena.param else arrays
            for name, value in values.items():
                target[name][...] = value
        self._load(state)
        self._remember(before.epoch.memory)
        self.rng.set_state(before.rng.get_state(legacy=False))
        self.usual = before.usual
        if before._lags:
            self.lag()
        self.publish()

    def _in_units_of(self, before: Session, arrays: Arrays) -> Arrays:
        values: Arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
        if before.units is not None:
            values = before.units.to_fitted(values)
        return values if self.units is None else self.units.to_params(values)

    def start_state(self) -> list[np.ndarray]:
        """Return copies of all that steps change, parameters apart, for `restart`."""
        return self.updater.binding.kept()

    def restart(
        self,
        params: np.ndarray,
        state: list[np.ndarray],
        lr: float,
        n_steps: int,
        **changes: float,
    ) -> None:
        """Go back to the start, for a run at another rate and of another length.

        `changes` are other hyper-parameters that nothing but coefficients depends on.
        """
        self.arena.params[:] = params
        self.updater.binding.restart(state, lr, n_steps, **changes)
        self.epoch.forget()

    def _remember(self, kept: list[np.ndarray]) -> None:
        own = self.epoch.memory
        if [array.shape for array in own] == [array.shape for array in kept]:
            for array, values in zip(own, kept, strict=True):
                array[...] = values

    def _load(self, state: Mapping[str, Any]) -> None:
        own = self.updater.state_dict()
        if state["optimizer"] != own["optimizer"] or _layout(state) != _layout(own):
            return
        if set(state["schedule"]) != set(own["schedule"]):
            state = {**state, "schedule": own["schedule"]}
        self.updater.load_state_dict(state)


def _is_same(array: np.ndarray, published: np.ndarray | None) -> bool:
    """Whether an attribute is the array that was handed out, or a view of all of it."""
    if array is published or published is None:
        return published is not None
    return array.shape == published.shape and _address(array) == _address(published)


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _layout(state_dict: Mapping[str, Any]) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (state, name): (array.shape, array.dtype)
        for state, arrays in state_dict["state"].items()
        for name, array in arrays.items()
    }
