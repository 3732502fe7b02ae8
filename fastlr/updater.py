"""An optimizer bound to arrays: their state, the step count, and the kernel that steps them."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import arrays as checks
from .groups import assign_groups
from .kernels import bound_finish, select
from .kernels.bound_sums import BoundSums
from .kernels.emit import COMMON
from .kernels.emit_finish import LOOKAHEAD_STATE
from .optimizers._array import ArrayOptimizer
from .optimizers.base import Optimizer, decay_coefficients
from .schedules import Run
from .timetable import Timetable, check_effects

_STATE_FORMAT = 1
AVERAGE = "average"  # how the averaged parameters are called in a state dict


class Updater:
    """Steps parameters in place. Made by `Optimizer.bind`.

    Parameters
    ----------
    optimizer : Optimizer
        Hyper-parameters and rule; copied, so that later changes to it have no effect here.
    params, groups, backend, n_threads, total_steps, steps_per_epoch
        As in `Optimizer.bind`.

    Attributes
    ----------
    t : int
        Steps made.
    skipped : int
        Steps that were not made because a gradient was not finite (``nonfinite="skip"``).
    lr : float
        Learning rate of the next step, schedule included, group factors apart.
    momentum : float or None
        Momentum (for Adam, beta1) of the next step; None if the rule has none.
    params : array, list or dict
        The bound arrays, as they were given.
    averaged : array, list or dict
        Copies of the averaged parameters (``average=`` was set), or of those that a
        schedule-free rule predicts with.
    backend : str
        ``"cython"``, ``"numba"`` or ``"cuda"``; ``"numpy"`` for rules in array code (Muon,
        Adafactor, SM3). What Muon leaves to AdamW is stepped by the compiler asked for.

    Notes
    -----
    One updater is for one thread at a time; different updaters may step at the same time.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import SGD, CosineAnnealing
    >>> params = {"w": np.ones(3), "bias": np.zeros(1)}
    >>> groups = [{"match": "bias", "weight_decay": 0.0}]
    >>> updater = SGD(lr=0.5, weight_decay=0.1, schedule=CosineAnnealing(10)).bind(params, groups)
    >>> updater.step({"w": np.full(3, 0.1), "bias": np.zeros(1)})
    >>> updater.t, params["w"].round(3).tolist()
    (1, [0.9, 0.9, 0.9])
    """

    def __init__(
        self,
        optimizer: Optimizer,
        params: Any,
        groups: Sequence[Mapping[str, Any]] | None = None,
        backend: str = "auto",
        n_threads: int = 1,
        total_steps: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer must be an Optimizer, got {type(optimizer).__name__}")
        if backend not in select.BACKENDS:
            raise ValueError(f"backend must be one of {select.BACKENDS}, got {backend!r}")
        for name, count in [
            ("n_threads", n_threads),
            ("total_steps", total_steps),
            ("steps_per_epoch", steps_per_epoch),
        ]:
            _check_count(name, count, optional=name != "n_threads")
        self._bound = checks.check_parameters(params)
        self._given_groups = copy.deepcopy(groups)
        self._given_backend = backend  # "auto" stays so: it may be unpickled on another machine
        self._groups, group_ids = assign_groups(self._bound.names, groups)
        self.optimizer = optimizer.replace()
        self._run = Run(total_steps, steps_per_epoch)
        self._timetable = Timetable(self.optimizer, self._groups, self._run)
        self._n_threads = n_threads
        self._finish = bound_finish.choose(self.optimizer, self._groups)
        self._last: tuple[int, float, float | None] | None = None
        if self._bound.on_device or backend == "cuda":
            self._bind_device(backend, group_ids)
        elif isinstance(self.optimizer, ArrayOptimizer):
            self._bind_arrays(self.optimizer, backend, group_ids)
        else:
            self._bind_host(backend, group_ids)

    def _bind_host(self, backend: str, group_ids: list[int]) -> None:
        params = self._bound.arrays
        dtype = checks.DTYPES[params[0].dtype]
        optimizer, what = self.optimizer, self._finish
        # What follows the rule takes the average with it: it comes last.
        own = optimizer if what is None else optimizer.replace(average=None)
        self._kernel: Any = select.cpu_kernel(own, dtype, backend)
        self.backend = self._kernel.backend
        self._check_coefficients()
        self._summing = self._bind_sums()
        finish = None if what is None else bound_finish.bind_finish(what, dtype, self.backend)
        initial = {**optimizer.initial_state(), LOOKAHEAD_STATE: "p"}
        last = [LOOKAHEAD_STATE] if optimizer.lookahead else []
        last += [AVERAGE] if optimizer.average else []
        names = (*self._kernel.state, *last)
        self._state = {n: [_start(p, initial.get(n, 0.0)) for p in params] for n in names}
        arrays = [[self._state[n][i] for n in self._kernel.state] for i in range(len(params))]
        for i, (p, own_arrays) in enumerate(zip(params, arrays, strict=True)):
            own_arrays += [np.empty_like(p)] if what is not None and what.cautious else []
            own_arrays += [self._state[n][i] for n in last]
        compiled = select.compiled_stepper()
        if compiled is None or select.instruction_set() is None:
            from .kernels.stepper import Stepper

            make, sumsq = Stepper, 0
        else:
            make, sumsq = compiled, select.sumsq_address(dtype)
        self._stepper: Any = make(
            params,
            arrays,
            group_ids,
            names=self._bound.names if self._bound.kind == "dict" else None,
            single=self._bound.kind == "array",
            kernel=self._kernel.address,
            sumsq=sumsq,
            refill=self._rows,
            complain=self._complain,
            clip_norm=optimizer.clip_norm or 0.0,
            clip_scope=optimizer.clip_scope,
            check=optimizer.nonfinite != "ignore",
            raises=optimizer.nonfinite == "raise",
            sign=-1.0 if optimizer.maximize else 1.0,
            n_threads=self._n_threads,
            owner=self._kernel.owner,
            summing=self._summing,
            finish=finish,
        )

    def _bind_arrays(self, optimizer: ArrayOptimizer, backend: str, group_ids: list[int]) -> None:
        from . import array_stepper as by_arrays

        self.backend = "numpy"
        self._summing = None
        self._kernel = by_arrays.array_kernel(optimizer)
        self._check_coefficients()
        fallback = by_arrays.make_fallback(
            optimizer, self._bound, self._groups, group_ids, self._run, backend, self._n_threads
        )
        self._state = by_arrays.make_state(optimizer, self._bound, fallback)
        self._stepper = by_arrays.ArrayStepper(
            optimizer,
            self._bound,
            self._state,
            self._kernel.coefficients,
            fallback,
            self._timetable,
            group_ids=group_ids,
            names=self._bound.names if self._bound.kind == "dict" else None,
            single=self._bound.kind == "array",
            refill=self._rows,
            complain=self._complain,
            clip_norm=optimizer.clip_norm or 0.0,
            clip_scope=optimizer.clip_scope,
            check=optimizer.nonfinite != "ignore",
            raises=optimizer.nonfinite == "raise",
            sign=-1.0 if optimizer.maximize else 1.0,
            n_threads=self._n_threads,
            owner=self._kernel.owner,
        )

    def _bind_sums(self) -> BoundSums | None:
        """Start the scalars of a rule that sums over elements before each step."""
        kernels = self._kernel.summing
        if kernels is None:
            return None
        shared = self.optimizer.scope == "all"
        start = self.optimizer.initial_scalars()
        row = [float(start.get(name, 0.0)) for name in kernels.scalars]
        scalars = np.tile(np.array(row), (1 if shared else len(self._bound.arrays), 1))
        return BoundSums(kernels, shared, scalars)

    @property
    def _scalars(self) -> BoundSums | None:
        """What keeps scalars, None if the rule has none."""
        return self._summing if self._summing and self._summing.kernels.scalars else None

    def _bind_device(self, backend: str, group_ids: list[int]) -> None:
        if isinstance(self.optimizer, ArrayOptimizer):
            raise TypeError(
                f"{type(self.optimizer).__name__} is array code, products and factors of NumPy "
                "arrays, for which there are no CUDA kernels: it takes params on the CPU, and "
                "backend='auto', not 'cuda'"
            )
        if backend in {"cython", "numba"}:
            raise ValueError(f"backend={backend!r} takes NumPy arrays; params are on a CUDA device")
        from .kernels import cuda_bind

        self.backend = "cuda"
        self._kernel = cuda_bind.cuda_kernel(self.optimizer, self._bound, self._finish)
        self._check_coefficients()
        self._stepper, self._state, self._summing = cuda_bind.make_stepper(
            self._kernel, self._bound, group_ids, self.optimizer, self._rows, self._bind_sums()
        )

    # What users call

    def step(self, grads: Any) -> None:
        """Update the parameters once.

        Parameters
        ----------
        grads : array, sequence or dict
            Gradients in the form of the parameters: same names, shapes, dtype and memory
            order. They are only read.

        Raises
        ------
        TypeError, ValueError
            If a gradient is unfit, or not finite with ``nonfinite="raise"``. Nothing was
            changed then.
        """
        self._stepper.step(grads)

    def observe(self, metric: float) -> None:
        """Tell the schedule a validation metric, once per epoch; only plateau schedules listen.

        Parameters
        ----------
        metric : float
            Value to be minimised or maximised, as the schedule says.
        """
        if isinstance(metric, bool) or not isinstance(metric, numbers.Real):
            raise TypeError(f"metric must be a number, got {metric!r}")
        if self._timetable.needs_metric:
            self._last = self._last_rates()
            self._timetable.observe(float(metric), self.t)
            self._stepper.forget_rows()  # they were computed with what it knew before

    @property
    def t(self) -> int:
        """Steps made."""
        return self._stepper.t

    @property
    def skipped(self) -> int:
        """Steps not made because a gradient was not finite."""
        return self._stepper.skipped

    @property
    def params(self) -> Any:
        """The bound arrays, as they were given."""
        return self._bound.given

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return self._rates(self.t)[0]

    @property
    def momentum(self) -> float | None:
        """Momentum of the next step."""
        return self._rates(self.t)[1]

    @property
    def averaged(self) -> Any:
        """Copies of the averaged parameters."""
        optimizer = self.optimizer
        if not optimizer.averages:
            raise AttributeError("averaged: the optimizer was made without average=")
        if optimizer.average is None:
            return self._bound.like_given(self._evaluated())
        if self.backend == "cuda":
            return self._bound.like_given(self._stepper.averaged(self._state[AVERAGE]))
        source = self._state[AVERAGE] if self.t else self._bound.arrays
        return self._bound.like_given([a.copy() for a in source])

    def stats(self) -> dict[str, Any]:
        """Return figures of the last step; none of them costs a pass over the arrays.

        Returns
        -------
        dict
            ``t``, steps made; ``lr`` and ``momentum`` of the last step made, group factors
            apart (None before the first, and where there is no momentum); ``grad_norm``, the norm
            of all gradients that `step` was last given, before clipping, None where nothing
            asked for norms (``clip_norm`` and ``nonfinite`` do) or nothing was given yet;
            ``skipped``, steps not made because a gradient was not finite; ``last_skipped``, the
            name of the first parameter whose gradient was not finite at the last of these, None
            if none was skipped since this updater was made or loaded.

        Examples
        --------
        >>> import numpy as np
        >>> from fastlr import SGD
        >>> w = np.zeros(2)
        >>> updater = SGD(lr=0.5, clip_norm=1.0, nonfinite="skip").bind({"w": w})
        >>> updater.step({"w": np.array([3.0, 4.0])})
        >>> updater.stats()  # doctest: +NORMALIZE_WHITESPACE
        {'t': 1, 'lr': 0.5, 'momentum': None, 'grad_norm': 5.0, 'skipped': 0,
         'last_skipped': None}
        """
        _, lr, momentum = self._last_rates() or (0, None, None)
        norm, culprit = self._stepper.norm, self._stepper.culprit
        return {
            "t": self.t,
            "lr": lr,
            "momentum": momentum,
            "grad_norm": None if norm < 0 else norm,
            "skipped": self.skipped,
            "last_skipped": self._bound.names[culprit] if culprit >= 0 else None,
        }

    def _last_rates(self) -> tuple[int, float, float | None] | None:
        """Return the number, rate and momentum of the last step, as they were at that step."""
        if self.t == 0:
            return None
        if self._last is not None and self._last[0] == self.t:
            return self._last  # what a metric has changed since acts on the next step
        return (self.t, *self._rates(self.t - 1))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later run needs to go on, parameters apart.

        Returns
        -------
        dict
            Copies of state arrays by state and parameter name, the step count, the number of
            skipped steps, and what a plateau schedule has seen; for rules that keep scalars,
            those too. Holds only arrays, numbers, strings and dicts.
        """
        scalars = self._scalars.save(self._bound.names) if self._scalars else {}
        return {
            "format": _STATE_FORMAT,
            "optimizer": type(self.optimizer).__name__,
            "t": self.t,
            "skipped": self.skipped,
            "schedule": self._timetable.metric_state,
            "state": {
                name: {p: self._copy_out(a) for p, a in zip(self._bound.names, arrays, strict=True)}
                for name, arrays in self._state.items()
            },
            **({"scalars": scalars} if scalars else {}),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; nothing changes unless all of it fits.

        Parameters
        ----------
        state_dict : mapping
            From an updater of the same optimizer class over parameters of the same names and
            shapes.

        Raises
        ------
        TypeError, ValueError
            If something does not fit; the message names it.
        """
        loaded = self._check_state_dict(state_dict)
        scalars = (
            self._scalars.read(state_dict["scalars"], self._bound.names) if self._scalars else None
        )
        for name, arrays in loaded.items():
            for target, source in zip(self._state[name], arrays, strict=True):
                self._copy_into(target, source)
        if scalars is not None and self._summing is not None:
            self._summing.scalars[...] = scalars
        self._timetable.metric_state = state_dict["schedule"]
        self._last = None
        self._stepper.restart(int(state_dict["t"]), int(state_dict["skipped"]))

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{n}{list(a.shape)}"
            for n, a in zip(self._bound.names, self._bound.arrays, strict=True)
        )
        return f"<Updater of {self.optimizer!r} over {sizes}, t={self.t}, backend={self.backend!r}>"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "arguments": (
                self.optimizer,
                self._bound.given,
                self._given_groups,
                self._given_backend,
                self._n_threads,
                *self._run,
            ),
            "state_dict": self.state_dict(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["arguments"])  # type: ignore[misc]
        self.load_state_dict(state["state_dict"])

    # What the stepper calls

    def _rows(self, t: int, n: int) -> Any:
        """Return coefficient rows of steps t + 1 ... t + n: (n, groups, width).

        For a rule with sums, also those in double precision, which `adapt` takes.
        """
        steps = np.arange(t + 1, t + n + 1, dtype=np.float64)
        blocks = self._timetable.blocks(steps - 1)
        host = len(COMMON) + len(self._kernel.coefficients)
        # What is derived from sums is written behind that at each step.
        rows = np.zeros((n, len(self._groups), host + (self._summing.tail if self._summing else 0)))
        for k, (group, block) in enumerate(zip(self._groups, blocks, strict=True)):
            optimizer = block.optimizer
            lr = self.optimizer.lr * group.lr_factor * block.factor
            decay: Any = optimizer.weight_decay
            if group.weight_decay is not None:
                decay = group.weight_decay * block.decay_factor
            average = 1 - optimizer.average_decay if optimizer.average == "ema" else 1 / steps
            row = rows[:, k]
            row[:, 0] = -1.0 if optimizer.maximize else 1.0
            row[:, 1] = np.inf if optimizer.clip_value is None else optimizer.clip_value
            row[:, 2], row[:, 3] = decay_coefficients(optimizer, lr, block.factor, decay)
            row[:, 4] = np.where(steps == 1, 1.0, average)
            if "l2" not in optimizer.own_fields:
                row[:, 2] += optimizer.l2 if group.l2 is None else group.l2 * block.l2_factor
            if "l1" not in optimizer.own_fields:
                row[:, 5] = lr * (optimizer.l1 if group.l1 is None else group.l1 * block.l1_factor)
            if optimizer.lookahead is not None:
                due = steps % optimizer.lookahead == 0
                row[:, 6] = np.where(due, optimizer.lookahead_alpha, 0.0)
            values = {
                "weight_decay": decay if optimizer.decay == optimizer.own_decay else 0.0,
                **optimizer.coefficients(steps, lr),
            }
            for j, name in enumerate(self._kernel.coefficients, len(COMMON)):
                row[:, j] = values[name]
        with np.errstate(over="ignore", under="ignore"):
            table = rows.astype(self._stepper.dtype, order="C")
        return table if self._summing is None else (table, rows)

    def _rates(self, t: int) -> tuple[float, float | None]:
        """Return learning rate and momentum of the step after `t` others."""
        factor, momentum = self._timetable.rates(np.array([float(t)]))
        lr, name = float(self.optimizer.lr * factor[0]), self.optimizer.momentum_field()
        if name is None:
            return lr, None
        return lr, float(getattr(self.optimizer, name) if momentum is None else momentum[0])

    def _complain(self, i: int, grads: Any) -> None:
        """Raise what is wrong with gradient i, with all (-1), or that one is not finite (-2)."""
        if i >= 0:
            checks.check_gradient(self._bound, i, grads)
        elif i == -1:
            checks.check_container(self._bound, grads)
        else:
            checks.refuse_nonfinite(self._bound, grads)

    # Checks

    def _check_coefficients(self) -> None:
        owner = type(self.optimizer).__name__
        if "lr" not in self.optimizer.get_params(deep=False):
            raise ValueError(f"{owner} has no learning rate; annotate it, as in `lr: float = 1e-3`")
        values = self.optimizer.coefficients(np.array([1.0, 2.0]), np.ones(2))
        if not isinstance(values, Mapping):
            raise TypeError(f"{owner}.coefficients must return a dict, got {type(values).__name__}")
        if self.optimizer.own_decay is not None:
            values = {"weight_decay": 0.0, **values}
        missing = [n for n in self._kernel.coefficients if n not in values]
        if missing:
            raise ValueError(
                f"{owner}.coefficients must return {', '.join(missing)}, "
                f"which `update` takes; it returns {', '.join(values)}"
            )
        for name in self._kernel.coefficients:
            try:
                np.broadcast_to(np.asarray(values[name], np.float64), 2)
            except (TypeError, ValueError):
                raise ValueError(
                    f"{owner}.coefficients: {name} must be a number or an array with one value "
                    f"for each step, got {values[name]!r} for two steps"
                ) from None
        check_effects(self.optimizer, self._kernel.coefficients)

    def _check_state_dict(self, given: Any) -> dict[str, list[Any]]:
        if not isinstance(given, Mapping):
            raise TypeError(f"state_dict must be a dict, got {type(given).__name__}")
        expected = {"format", "optimizer", "t", "skipped", "schedule", "state"}
        if self._scalars:
            expected.add("scalars")
        if set(given) != expected:
            raise ValueError(f"state_dict must have keys {sorted(expected)}, got {sorted(given)}")
        if given["format"] != _STATE_FORMAT:
            raise ValueError(f"state_dict: format must be {_STATE_FORMAT}, got {given['format']!r}")
        own = type(self.optimizer).__name__
        if given["optimizer"] != own:
            raise ValueError(f"state_dict is of {given['optimizer']}, and this updater of {own}")
        for name in ("t", "skipped"):
            _check_count(f"state_dict[{name!r}]", given[name], low=0)
        if not isinstance(given["schedule"], Mapping):
            raise TypeError(
                f"state_dict['schedule'] must be a dict, got {type(given['schedule']).__name__}"
            )
        seen = set(self._timetable.metric_state)
        if set(given["schedule"]) != seen:
            raise ValueError(
                f"state_dict['schedule'] must have keys {sorted(seen)}, "
                f"got {sorted(given['schedule'])}"
            )
        state = given["state"]
        if not isinstance(state, Mapping):
            raise TypeError(f"state_dict['state'] must be a dict, got {type(state).__name__}")
        if set(state) != set(self._state):
            raise ValueError(
                f"state_dict['state'] must have keys {sorted(self._state)}, got {sorted(state)}"
            )
        loaded = {}
        for name, arrays in state.items():
            if not isinstance(arrays, Mapping):
                raise TypeError(
                    f"state_dict['state'][{name!r}] must be a dict, got {type(arrays).__name__}"
                )
            if set(arrays) != set(self._bound.names):
                raise ValueError(
                    f"state_dict['state'][{name!r}] must have the parameters' names "
                    f"{sorted(self._bound.names)}, got {sorted(arrays)}"
                )
            loaded[name] = [arrays[p] for p in self._bound.names]
            for p, target, source in zip(
                self._bound.names, self._state[name], loaded[name], strict=True
            ):
                if not isinstance(source, np.ndarray):
                    raise TypeError(
                        f"state_dict['state'][{name!r}][{p!r}] must be a NumPy array, "
                        f"got {type(source).__name__}"
                    )
                if source.shape != target.shape or source.dtype != target.dtype:
                    raise ValueError(
                        f"state_dict['state'][{name!r}][{p!r}] must be {target.dtype} of shape "
                        f"{target.shape}, got {source.dtype} of shape {source.shape}"
                    )
        return loaded

    def _evaluated(self) -> list[Any]:
        """Return new arrays with what a rule predicts with, where that is not what it steps."""
        on_device = self.backend == "cuda"
        params = self._stepper.parameters() if on_device else self._bound.arrays
        found = []
        for i, p in enumerate(params):
            state = {name: arrays[i] for name, arrays in self._state.items()}
            if on_device:
                state = {name: self._stepper.to_host(a) for name, a in state.items()}
            found.append(np.array(self.optimizer.evaluate(p, state), dtype=p.dtype))
        return self._stepper.to_device(found) if on_device else found

    def _copy_into(self, target: Any, source: Any) -> None:
        if isinstance(target, np.ndarray):
            target[...] = source
        else:
            self._stepper.from_host(target, source)

    def _copy_out(self, array: Any) -> np.ndarray:
        if isinstance(array, np.ndarray):
            return array.copy()
        copy: np.ndarray = self._stepper.to_host(array)
        return copy


def _start(p: np.ndarray, value: float | str) -> np.ndarray:
    """Return a state array for a parameter, as `Optimizer.initial_state` says."""
    return np.copy(p) if value == "p" else np.full_like(p, value)


def _check_count(name: str, value: Any, optional: bool = False, low: int = 1) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value}")
