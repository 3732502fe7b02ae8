"""Training in progress: what an estimator holds between two calls of `partial_fit`.

It is live (memory addresses, compiled kernels), so it is left out of pickles; its checkpoint,
arrays and plain values only, goes in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from ...core.hyper import HyperParameters
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ...training import Arena
from ..settings.settings import needs_total
from .generator import seeded
from .units import Fold

_UNLIMITED = nullcontext()
_SHARED = 2**18  # multiplications up to which OpenBLAS keeps a product on one thread


class ModelSpec(NamedTuple):
    """What is decided about a model before its first step.

    Attributes
    ----------
    targets : ClassTargets or RealTargets
        What was learned of y.
    inputs : dict of str to ndarray
        What was learned of X, by names of the model's choice; empty if nothing.
    shapes : dict of str to tuple of int
        Shapes of the parameters. Those whose names begin with ``intercept`` are not decayed.
    dtype : numpy.dtype
        float32 or float64.
    loss : object
        What to minimise, in the units of training.
    reduction : {"softmax", "multinomial", "ovr", "each"}
        How the loss of a row comes from its raw scores.
    """

    targets: Any
    inputs: dict[str, np.ndarray]
    shapes: dict[str, tuple[int, ...]]
    dtype: np.dtype
    loss: Any
    reduction: str

    @property
    def n_params(self) -> int:
        """Return how many parameters there are."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def exempt_intercepts(spec: ModelSpec, optimizer: Optimizer) -> list[dict[str, Any]]:
    """Return groups for `Optimizer.bind` that spare intercepts decay and penalties."""
    intercepts = [name for name in spec.shapes if name.startswith("intercept")]
    unpenalised = {n: 0.0 for n in ("l1", "l2") if n not in optimizer.own_fields}
    return [{"match": intercepts, "weight_decay": 0.0, **unpenalised}] if intercepts else []


class Session:
    """Parameters, gradients, optimizer state and random numbers of one run.

    Parameters
    ----------
    spec : ModelSpec
        What is trained.
    optimizer : Optimizer
        As `resolve_optimizer` made it.
    make_epoch : callable
        Takes arena, updater and spec and returns what trains an epoch.
    fold : Fold
        From parameters to fitted attributes.
    run : Run
        Length of the run, as far as it is known.
    seed : int
        Of the generator that the permutations come from. It is the session's own: drawing from
        the caller's at each epoch would make results depend on what else the program does.
    n_threads : int
        Threads that share a step.
    settings : tuple
        What the constructor parameters were; compared to see whether they have changed.
    make_groups : callable, optional
        Takes spec and optimizer and returns the groups to bind it with.

    Attributes
    ----------
    arena : Arena
        Where the parameters live.
    updater : Updater
        Bound to them.
    epoch : object
        What `make_epoch` returned.
    rng : numpy.random.RandomState
        Draws initial values, then permutations.
    endless : bool
        Whether the schedule says its own length, so that training may go on after the run.
    """

    def __init__(
        self,
        spec: ModelSpec,
        optimizer: Optimizer,
        make_epoch: Callable[[Arena, Any, ModelSpec], Any],
        fold: Fold,
        run: Run,
        seed: int,
        n_threads: int,
        settings: tuple[Any, ...],
        make_groups: Callable[[ModelSpec, Optimizer], list[dict[str, Any]]] = exempt_intercepts,
    ) -> None:
        self.spec, self.fold, self.run = spec, fold, run
        # Users may change an object after the call; a copy still tells that they have.
        self.settings = tuple(
            s.replace() if isinstance(s, HyperParameters) else s for s in settings
        )
        self.endless = not needs_total(optimizer, run)
        self._listens = any(each.needs_metric for each in optimizer.scheduled().values())
        self.arena = Arena(spec.shapes, spec.dtype)
        self.updater = optimizer.bind(
            self.arena.param,
            groups=make_groups(spec, optimizer),
            n_threads=n_threads,
            total_steps=run.total_steps,
            steps_per_epoch=run.steps_per_epoch,
        )
        self.epoch = make_epoch(self.arena, self.updater, spec)
        self.rng = seeded(seed)
        self._lags = False
        self._published: Mapping[str, np.ndarray] = {}
        self._n_threads = n_threads
        self._libraries: ThreadpoolController | None = None

    def lag(self) -> None:
        """Let an engine that can leave parameters behind the steps made, until they are read.

        Bringing them up to date costs a visit to each, more than a small chunk of sparse rows.
        """
        self._lags = hasattr(self.epoch, "lag") and self.epoch.lag()

    def settle(self) -> None:
        """Bring the parameters up to date."""
        if self._lags:
            self.epoch.settle()

    @property
    def hands_out_views(self) -> bool:
        """Whether fitted attributes are the parameters themselves, up to date by themselves."""
        return self.fold.trivial and not self._averages and not self._lags

    def publish(self) -> Mapping[str, np.ndarray]:
        """Return the fitted attributes: of averages where the optimizer keeps them."""
        self.settle()
        params = self.updater.averaged if self._averages else self.arena.param
        self._published = self.fold.to_fitted(params)
        return self._published

    def observe(self, loss: float) -> None:
        """Tell a plateau schedule the loss; others are spared, for telling drops the step table."""
        if self._listens:
            self.updater.observe(loss)

    def last_step(self) -> tuple[float, float, float]:
        """Return rate, momentum and norm of the gradient of the last step, NaN for none."""
        last = self.updater.stats()
        momentum, norm = last["momentum"], last["grad_norm"]
        return (
            last["lr"],
            np.nan if momentum is None else momentum,
            np.nan if norm is None else norm,
        )

    def limited_blas(self, n_rows: int) -> AbstractContextManager[Any]:
        """Return a context in which BLAS uses `n_threads` threads, if the engine calls it."""
        # Small products are not shared among threads; setting the number takes some 20 us.
        if not self.epoch.uses_blas or n_rows * self.arena.params.size < _SHARED:
            return _UNLIMITED
        if self._libraries is None:  # looking for them takes a millisecond
            self._libraries = ThreadpoolController()
        limited: AbstractContextManager[Any] = self._libraries.limit(
            limits=self._n_threads, user_api="blas"
        )
        return limited

    def evaluate(self, rows: Any) -> float:
        """Return the mean loss of rows with the parameters that are predicted with."""
        self.settle()
        kept = None
        if self._averages:
            kept = self.arena.params.copy()
            for name, array in self.updater.averaged.items():
                self.arena.param[name][...] = array
        loss, weight = self.epoch.evaluate(rows.X, rows.y, rows.weights)
        if kept is not None:
            self.arena.params[:] = kept
        return loss / weight if weight else 0.0

    @property
    def _averages(self) -> bool:
        return self.updater.optimizer.averages

    def take_replaced(self, fitted: Mapping[str, np.ndarray]) -> None:
        """Copy in the fitted attributes that the user has replaced by other arrays."""
        self._take(
            [name for name in fitted if not _is_same(fitted[name], self._published.get(name))],
            fitted,
        )

    def _take(self, changed: list[str], fitted: Mapping[str, np.ndarray]) -> None:
        if not changed:
            return
        if not self.fold.trivial:  # a parameter may depend on several of the attributes
            changed = list(fitted)
        params = self.fold.to_params({name: fitted[name] for name in changed})
        for name in changed:
            if name in self.arena.param:
                self.arena.param[name][...] = params[name]

    def checkpoint(self) -> dict[str, Any]:
        """Return what a later session needs to go on to the bit, in arrays and plain values."""
        self.settle()
        handed_out = self.fold.trivial and not self._averages  # then the attributes tell them
        params = {} if handed_out else self.arena.param
        return {
            "params": {name: p.copy() for name, p in params.items()},
            "updater": self.updater.state_dict(),
            "rng": self.rng.get_state(legacy=False),
            "run": list(self.run),
        }

    def resume(
        self, fitted: Mapping[str, np.ndarray], checkpoint: Mapping[str, Any] | None
    ) -> None:
        """Start from fitted attributes, and from an earlier session where there was one.

        Its optimizer state is left where it does not fit: after the user changed to another
        optimizer or to parameters of other shapes, the optimizer starts afresh.

        Parameters
        ----------
        fitted : mapping of str to ndarray
            Fitted attributes by the names of the parameters.
        checkpoint : mapping or None
            What `checkpoint` returned.
        """
        if checkpoint:
            for name, array in checkpoint["params"].items():
                if name in self.arena.param:
                    self.arena.param[name][...] = array
            self.rng.set_state(checkpoint["rng"])
            self._load(checkpoint["updater"])
        published = self.publish()
        # Attributes that are as they were published say nothing of the parameters behind them.
        self._take([n for n in published if not np.array_equal(published[n], fitted[n])], fitted)

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
    address: int = array.__array_interface__["data"][0]
    return address


def _layout(state_dict: Mapping[str, Any]) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (state, name): (array.shape, array.dtype)
        for state, arrays in state_dict["state"].items()
        for name, array in arrays.items()
    }
