"""An optimizer at work on arrays: its kernel, their state, and the stepper that runs both."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..kernels.find import processor
from ..kernels.find.update import cpu_kernel
from ..kernels.language.terms import AVERAGE, LOOKAHEAD_STATE, REST
from ..schedules import Run
from .arrays import (
    DTYPES,
    Parameters,
    check_container,
    check_gradient,
    check_parameters,
    refuse_nonfinite,
)
from .coefficient_table import coefficient_rows
from .groups import Group
from .rule import (
    UpdateRule,
    check_coefficients,
    choose_finish,
    modifier_options,
    state_starts,
)
from .timetable import ROWS_AHEAD, Timetable, check_effects

# What few optimizers need is imported where they need it: the first step waits for all the rest.
if TYPE_CHECKING:
    from ..kernels.find.finish import BoundFinish
    from .steppers.sums import BoundSums


class Snapshot(NamedTuple):
    """What steps change besides the parameters, at one time."""

    arrays: list[np.ndarray]
    steps: tuple[int, int, int]  # made, skipped, and the parameter at fault
    seen: dict[str, dict[str, float]]  # by the schedules, of the metric


class Binding:
    """An optimizer bound to arrays, as updaters, training loops and steppers see it.

    Parameters
    ----------
    optimizer : UpdateRule
        Hyper-parameters and rule.
    bound : Parameters
        The arrays, as the user gave and named them.
    groups : list of Group
        The first is that of all parameters which belong to no other.
    group_ids : list of int
        Group of each parameter.
    run : Run
        Lengths that schedules may need.
    backend, n_threads, measure_updates
        As in `Optimizer.bind`.

    Attributes
    ----------
    timetable : Timetable
        The schedules.
    kernel : Kernel
        Compiled rule: address, names of its state and coefficients.
    backend : str
        ``"cython"``, ``"numba"``, ``"cuda"`` or ``"numpy"``.
    finish : BoundFinish or None
        Kernels of the modifiers that follow the rule, on the CPU.
    summing : BoundSums or None
        Scalars of a rule that sums over elements before each step.
    state : dict of str to list of array
        State by name, an array for each parameter.
    stepper : Stepper
        Makes the steps; has the step count and the norms.
    last : tuple or None
        Number, rate and momentum of the last step, noted when they may have changed since.
    fallback : Binding or None
        Steps the parameters that a rule in array code leaves to another optimizer.
    """

    kernel: Any
    stepper: Any
    state: dict[str, list[Any]]
    summing: BoundSums | None = None
    finish: BoundFinish | None = None
    last: tuple[int, float, float | None] | None = None
    fallback: Binding | None = None

    def __init__(
        self,
        optimizer: UpdateRule,
        bound: Parameters,
        groups: list[Group],
        group_ids: list[int],
        run: Run,
        backend: str,
        n_threads: int = 1,
        measure_updates: int = 0,
    ) -> None:
        self.optimizer, self.bound, self.run = optimizer, bound, run
        self.groups, self.group_ids = groups, group_ids
        self.timetable = Timetable(optimizer, groups, run)
        if bound.on_device or backend == "cuda":
            self._bind_device(backend)
        elif optimizer.by_arrays:
            choose_finish(optimizer, groups, bound.arrays[0].dtype)  # it has none; say so
            self._bind_arrays(backend, n_threads, measure_updates)
        else:
            self._bind_host(backend, n_threads, measure_updates)

    def _bind_host(self, backend: str, n_threads: int, measure_updates: int) -> None:
        optimizer, params = self.optimizer, self.bound.arrays
        what = choose_finish(optimizer, self.groups, params[0].dtype)
        switches, dtype = optimizer.switches(), DTYPES[params[0].dtype]
        # What follows the rule takes the average with it: it comes last.
        average = optimizer.average is not None and what is None
        kernel = cpu_kernel(type(optimizer), switches, average, dtype, backend)
        self.kernel, self.backend = kernel, kernel.backend
        check_coefficients(optimizer, kernel.coefficients)
        if optimizer.schedules:
            check_effects(optimizer, kernel.coefficients)
        starts = state_starts(optimizer, kernel.state, params[0].dtype)
        options = modifier_options(optimizer)
        if kernel.summing is not None:
            self.summing = self._start_sums()
        if what is not None:
            from ..kernels.find.finish import bind_finish

            self.finish = bind_finish(what, dtype, kernel.backend)
        self.state = {n: [_start(p, value) for p in params] for n, value in starts.items()}
        make: Any = processor.compiled_stepper()
        reductions = {"sumsq": 0, "moved": 0}
        if make is None or processor.instruction_set() is None:
            from .steppers import host

            make = host.Stepper
        else:
            reductions = {n: processor.reduction_address(n, dtype) for n in reductions}
        self.stepper = make(
            params,
            kernel_arrays(self, params, list(self.state.values())),
            self.group_ids,
            **self._stepper_options(n_threads, measure_updates),
            **options,
            **reductions,
            kernel=kernel.address,
            summing=self.summing,
            finish=self.finish,
        )

    def _bind_arrays(self, backend: str, n_threads: int, measure_updates: int) -> None:
        from .steppers.array_code import ArrayStepper, array_kernel, make_state

        optimizer: Any = self.optimizer
        self.backend, self.kernel = "numpy", array_kernel(optimizer)
        check_coefficients(optimizer, self.kernel.coefficients)
        if optimizer.schedules:
            check_effects(optimizer, self.kernel.coefficients)
        others = [i for i, p in enumerate(self.bound.arrays) if not optimizer.handles(p.shape)]
        # What the rule does not handle, compiled kernels step.
        if others:
            self.fallback = Binding(
                optimizer.fallback(),
                check_parameters({self.bound.names[i]: self.bound.arrays[i] for i in others}),
                self.groups,
                [self.group_ids[i] for i in others],
                self.run,
                backend,
                n_threads,
            )
        self.state = make_state(optimizer, self.bound, self.fallback)
        self.stepper = ArrayStepper(
            optimizer,
            self.bound,
            self.state,
            self.kernel.coefficients,
            self.fallback,
            self.timetable,
            group_ids=self.group_ids,
            **self._stepper_options(n_threads, measure_updates),
            **modifier_options(optimizer),
        )

    def _bind_device(self, backend: str) -> None:
        optimizer = self.optimizer
        if optimizer.by_arrays:
            raise TypeError(
                f"{type(optimizer).__name__} is array code, products and factors of NumPy "
                "arrays, for which there are no CUDA kernels: it takes params on the CPU, and "
                "backend='auto', not 'cuda'"
            )
        if backend in {"cython", "numba"}:
            raise ValueError(f"backend={backend!r} takes NumPy arrays; params are on a CUDA device")
        from .steppers import cuda_bind

        self.backend = "cuda"
        what = choose_finish(optimizer, self.groups, cuda_bind.dtype_of(self.bound))
        self.kernel = cuda_bind.cuda_kernel(optimizer, self.bound, what)
        check_coefficients(optimizer, self.kernel.coefficients)
        if optimizer.schedules:
            check_effects(optimizer, self.kernel.coefficients)
        me = weakref.proxy(self)
        self.stepper, self.state, self.summing = cuda_bind.make_stepper(
            self.kernel,
            self.bound,
            self.group_ids,
            optimizer,
            state_starts(optimizer, self.kernel.state, self.kernel.params[0].dtype),
            lambda t, least, n: me.rows_ahead(t, least, n),
            self._start_sums(),
        )

    def _start_sums(self) -> BoundSums | None:
        if self.kernel.summing is None:
            return None
        from .steppers.sums import start_sums

        return start_sums(self.optimizer, self.kernel.summing, len(self.bound.arrays))

    def _stepper_options(self, n_threads: int, measure_updates: int) -> dict[str, Any]:
        """Return what all steppers of NumPy arrays are made with.

        The callbacks hold no reference to this: with one, parameters and state would stay until
        the next garbage collection, as much memory as they take for every updater dropped.
        """
        me, bound = weakref.proxy(self), self.bound
        return {
            "names": bound.names if bound.kind == "dict" else None,
            "single": bound.kind == "array",
            "refill": lambda t, least, n: me.rows_ahead(t, least, n),
            "complain": lambda i, grads: me.complain(i, grads),
            "n_threads": n_threads,
            "owner": self.kernel.owner,
            "measure_updates": measure_updates,
        }

    # What steppers ask for

    def rows(self, t: int, n: int) -> Any:
        """Return coefficient rows of steps t + 1 ... t + n."""
        return coefficient_rows(
            self.optimizer.lr,  # type: ignore[attr-defined]
            self.groups,
            self.timetable,
            self.kernel.coefficients,
            self.summing,
            self.stepper.dtype,
            t,
            n,
        )

    def rows_ahead(self, t: int, least: int, n: int) -> Any:
        """Return coefficient rows of `n` steps or more: a short run asks once.

        A schedule that is a Python function may end before that, but not before `least` steps.
        """
        total = self.run.total_steps
        if total is not None and not self.timetable.needs_metric:
            n = max(n, min(total - t, ROWS_AHEAD))
        while True:
            try:
                return self.rows(t, n)
            except Exception:
                if n <= least:
                    raise
                n = max(least, n // 2)

    def complain(self, i: int, grads: Any) -> None:
        """Raise what is wrong with gradient i, with all (-1), or that one is not finite (-2)."""
        if i >= 0:
            check_gradient(self.bound, i, grads)
        elif i == -1:
            check_container(self.bound, grads)
        else:
            refuse_nonfinite(self.bound, grads, modifier_options(self.optimizer)["squares"])

    # What training asks for

    def snapshot(self) -> Snapshot:
        """Return all that steps change besides the parameters, for `put_back`."""
        at = self.stepper
        return Snapshot(self.kept(), (at.t, at.skipped, at.culprit), self.timetable.seen)

    def put_back(self, snapshot: Snapshot) -> None:
        """Go back to where a snapshot was taken."""
        for array, values in zip(self.live(), snapshot.arrays, strict=True):
            array[...] = values
        self.timetable.look_again(snapshot.seen)
        self.last = None
        self.stepper.restart(*snapshot.steps)

    def state_of(self, i: int) -> dict[str, Any]:
        """Return the state arrays of parameter `i` themselves, by name."""
        return {name: arrays[i] for name, arrays in self.state.items()}

    def kept(self) -> list[np.ndarray]:
        """Return copies of all that steps change besides the parameters."""
        return [array.copy() for array in self.live()]

    def restart(
        self, start: Sequence[np.ndarray], lr: float, total_steps: int, **changes: float
    ) -> None:
        """Go back to the start, for a run at another rate and of another length.

        `start` is what `kept` returned before the first step, and `changes` are other
        hyper-parameters, those that nothing but coefficients depends on.
        """
        self.optimizer = self.optimizer.with_scheduled({"lr": lr, "_first_lr": lr, **changes})
        self.run = Run(total_steps, self.run.steps_per_epoch)
        self.timetable.restart(self.optimizer, self.run)
        for array, values in zip(self.live(), start, strict=True):
            array[...] = values
        for name, value in self.optimizer.initial_state().items():
            for array in self.state.get(name, ()) if value != "p" else ():
                array[...] = value  # which may depend on the rate
        self.last = None
        self.stepper.restart(0, 0, -1)

    def change_rate(self, lr: float) -> None:
        """Make all further steps at another rate, which schedules multiply."""
        optimizer: Any = self.optimizer
        share = lr / optimizer.lr if optimizer.lr else 1.0
        self.optimizer = optimizer.with_scheduled({"lr": lr, "_first_lr": optimizer.first_lr})
        self.timetable.change_rate(self.optimizer)
        if self.fallback is not None:
            self.fallback.change_rate(self.fallback.optimizer.lr * share)  # type: ignore[attr-defined]
        self.stepper.forget_rows()

    def hurry(self, n_steps: int) -> None:
        """Play the rest of the schedules, stretched over a run, within so many steps."""
        self.timetable.hurry(int(self.stepper.t), n_steps)
        if self.fallback is not None:
            self.fallback.hurry(n_steps)
        self.stepper.forget_rows()

    def wake(self, names: Sequence[str]) -> None:
        """Start the state of parameters afresh, which have waited for their group's start.

        Gradients of zero leave most of it at rest, but what starts from a number may decay.
        """
        first = self.optimizer.initial_state()
        for state, arrays in self.state.items():
            value = first.get(state, 0.0)
            if value != "p" and state not in (
                AVERAGE,
                REST,
                LOOKAHEAD_STATE,
            ):  # of the parameter as is
                for name in names:
                    arrays[self.bound.names.index(name)][...] = value

    def follow(self, timetable: Timetable, t: int) -> None:
        """Go on from step `t` with what the schedules of an array rule have seen."""
        self.timetable.metric_state = timetable.metric_state
        self.stepper.restart(t, 0)

    def live(self) -> list[np.ndarray]:
        """Return the arrays that steps change besides the parameters."""
        arrays = [array for each in self.state.values() for array in each]
        return arrays if self.summing is None else [*arrays, self.summing.scalars]


def kernel_arrays(
    binding: Binding, params: Sequence[np.ndarray], state: Sequence[Sequence[np.ndarray]]
) -> list[list[np.ndarray]]:
    """Return what kernels take for each parameter, given `state` in the order of the binding's.

    A cautious step has an array more than is saved: it remembers the parameter in it.
    """
    count = len(binding.kernel.state)
    cautious = binding.finish is not None and binding.finish.what.cautious
    found = []
    for i, p in enumerate(params):
        own = [arrays[i] for arrays in state]
        found.append([*own[:count], *([np.empty_like(p)] if cautious else []), *own[count:]])
    return found


def _start(p: np.ndarray, value: float | str) -> np.ndarray:
    return np.copy(p) if value == "p" else np.full_like(p, value)
