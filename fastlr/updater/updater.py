"""An optimizer bound to arrays: their state, the step count, and the kernel that steps them."""

from __future__ import annotations

import copy
import numbers
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..kernels.find import update as select
from ..schedules import Run
from . import arrays as checks
from .array_rule import ArrayRule
from .binding import choose_finish, host_stepper, start_state, start_sums, stepper_options
from .coefficient_table import check_coefficients, coefficient_rows
from .groups import Group, assign_groups
from .rule import UpdateRule
from .saving import Saving
from .state_dict import check_count
from .timetable import Timetable

_ROWS_AHEAD = 2048  # half a millisecond; a call for a few rows takes a third of that


class Updater(Saving):
    """Steps parameters in place. Made by `Optimizer.bind`.

    Parameters
    ----------
    optimizer : UpdateRule
        Hyper-parameters and rule; copied, so that later changes to it have no effect here.
    params, groups, backend, n_threads, total_steps, steps_per_epoch, measure_updates
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
    starts : dict of str to int
        Steps that parameters stay as they are for, by name, where their group says so.
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
        optimizer: UpdateRule,
        params: Any,
        groups: Sequence[Mapping[str, Any]] | None = None,
        backend: str = "auto",
        n_threads: int = 1,
        total_steps: int | None = None,
        steps_per_epoch: int | None = None,
        measure_updates: bool | int = False,
    ) -> None:
        if not isinstance(optimizer, UpdateRule):
            raise TypeError(f"optimizer must be an UpdateRule, got {type(optimizer).__name__}")
        if backend not in select.BACKENDS:
            raise ValueError(f"backend must be one of {select.BACKENDS}, got {backend!r}")
        for name, count in [
            ("n_threads", n_threads),
            ("total_steps", total_steps),
            ("steps_per_epoch", steps_per_epoch),
        ]:
            check_count(name, count, optional=name != "n_threads")
        if not isinstance(measure_updates, bool):
            check_count("measure_updates", measure_updates, low=0)
        self._bound = checks.check_parameters(params)
        self._given_groups = copy.deepcopy(groups)
        self._given_backend = backend  # "auto" stays so: it may be unpickled on another machine
        self.optimizer = optimizer.replace()
        self._run = Run(total_steps, steps_per_epoch)
        self._groups, group_ids = assign_groups(self._bound.names, groups, self._run)
        self.starts = {
            name: self._groups[k].start
            for name, k in zip(self._bound.names, group_ids, strict=True)
            if self._groups[k].start
        }
        if self.starts and not optimizer.can_wait:
            raise ValueError(
                f"groups: start={next(iter(self.starts.values()))} steps, but "
                f"{type(optimizer).__name__} makes parameters of its state, so that they cannot "
                "stay as they are"
            )
        self._timetable = Timetable(self.optimizer, self._groups, self._run)
        self._n_threads, self._measure_updates = n_threads, int(measure_updates)
        self._finish = choose_finish(self.optimizer, self._groups)
        self._last = None
        if self._bound.on_device or backend == "cuda":
            self._bind_device(backend, group_ids)
        elif self.optimizer.by_arrays:
            self._bind_arrays(backend, group_ids)
        else:
            self._bind_host(backend, group_ids)

    def _bind_host(self, backend: str, group_ids: list[int]) -> None:
        params, optimizer, what = self._bound.arrays, self.optimizer, self._finish
        dtype = checks.DTYPES[params[0].dtype]
        # What follows the rule takes the average with it: it comes last.
        own = optimizer if what is None else optimizer.replace(average=None)
        self._kernel: Any = select.cpu_kernel(
            type(own), own.switches(), own.average is not None, dtype, backend
        )
        self.backend = self._kernel.backend
        check_coefficients(optimizer, self._kernel.coefficients)
        self._summing = start_sums(optimizer, self._kernel, len(params))
        finish = None
        if what is not None:
            from ..kernels.find.finish import bind_finish

            finish = bind_finish(what, dtype, self.backend)
        self._state, arrays = start_state(optimizer, self._kernel.state, params, what)
        make, reductions = host_stepper(dtype)
        self._stepper = make(
            params,
            arrays,
            group_ids,
            **stepper_options(optimizer, self._bound),
            kernel=self._kernel.address,
            **reductions,
            **self._callbacks(),
            n_threads=self._n_threads,
            owner=self._kernel.owner,
            summing=self._summing,
            finish=finish,
            measure_updates=self._measure_updates,
        )

    def _bind_arrays(self, backend: str, group_ids: list[int]) -> None:
        from .steppers import array_code as by_arrays

        optimizer: Any = self.optimizer
        self.backend = "numpy"
        self._summing = None
        self._kernel = by_arrays.array_kernel(optimizer)
        check_coefficients(optimizer, self._kernel.coefficients)
        fallback = make_fallback(
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
            **stepper_options(optimizer, self._bound),
            group_ids=group_ids,
            **self._callbacks(),
            n_threads=self._n_threads,
            owner=self._kernel.owner,
            measure_updates=self._measure_updates,
        )

    def _bind_device(self, backend: str, group_ids: list[int]) -> None:
        if self.optimizer.by_arrays:
            raise TypeError(
                f"{type(self.optimizer).__name__} is array code, products and factors of NumPy "
                "arrays, for which there are no CUDA kernels: it takes params on the CPU, and "
                "backend='auto', not 'cuda'"
            )
        if backend in {"cython", "numba"}:
            raise ValueError(f"backend={backend!r} takes NumPy arrays; params are on a CUDA device")
        from .steppers import cuda_bind

        self.backend = "cuda"
        self._kernel = cuda_bind.cuda_kernel(self.optimizer, self._bound, self._finish)
        check_coefficients(self.optimizer, self._kernel.coefficients)
        summing = start_sums(self.optimizer, self._kernel, len(self._bound.arrays))
        me = weakref.proxy(self)
        self._stepper, self._state, self._summing = cuda_bind.make_stepper(
            self._kernel,
            self._bound,
            group_ids,
            self.optimizer,
            lambda t, n: me._rows(t, n),
            summing,
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

    def _restart(
        self, start: Sequence[np.ndarray], lr: float, total_steps: int, **changes: float
    ) -> None:
        """Go back to the state at the start, for a run at another rate and of another length.

        `start` is what `_kept` returned before the first step, and `changes` are other
        hyper-parameters that nothing but coefficients depends on.
        """
        self.optimizer = self.optimizer.with_scheduled({"lr": lr, **changes})
        self._run = self._run._replace(total_steps=total_steps)
        self._timetable = self._timetable.restarted(self.optimizer, self._run)
        for array, values in zip(self._live(), start, strict=True):
            array[...] = values
        for name, value in self.optimizer.initial_state().items():
            for array in self._state.get(name, ()) if value != "p" else ():
                array[...] = value  # which may depend on the rate
        self._last = None
        self._stepper.restart(0, 0, -1)

    def _kept(self) -> list[np.ndarray]:
        """Return copies of all that steps change, parameters apart."""
        return [array.copy() for array in self._live()]

    def _live(self) -> list[np.ndarray]:
        arrays = [array for each in self._state.values() for array in each]
        return arrays if self._scalars is None else [*arrays, self._scalars.scalars]

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
                self._measure_updates,
            ),
            "state_dict": self.state_dict(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["arguments"])  # type: ignore[misc]
        self.load_state_dict(state["state_dict"])

    # What the stepper calls

    def _callbacks(self) -> dict[str, Any]:
        """Return what a stepper is to call, without a reference to this.

        With one, parameters and state would stay until the next garbage collection, as much memory
        as they take for every updater that is done with.
        """
        me = weakref.proxy(self)
        return {
            "refill": lambda t, n: me._rows_ahead(t, n),
            "complain": lambda i, grads: me._complain(i, grads),
        }

    def _rows(self, t: int, n: int) -> Any:
        """Return coefficient rows of steps t + 1 ... t + n."""
        return coefficient_rows(
            self.optimizer.lr,  # type: ignore[attr-defined]
            self._groups,
            self._timetable,
            self._kernel.coefficients,
            self._summing,
            self._stepper.dtype,
            t,
            n,
        )

    def _rows_ahead(self, t: int, n: int) -> Any:
        """Return coefficient rows of `n` steps or more: a short run asks once."""
        total = self._run.total_steps
        if total is not None and not self._timetable.needs_metric:
            n = max(n, min(total - t, _ROWS_AHEAD))
        return self._rows(t, n)

    def _complain(self, i: int, grads: Any) -> None:
        """Raise what is wrong with gradient i, with all (-1), or that one is not finite (-2)."""
        if i >= 0:
            checks.check_gradient(self._bound, i, grads)
        elif i == -1:
            checks.check_container(self._bound, grads)
        else:
            checks.refuse_nonfinite(self._bound, grads)


class FallbackUpdater(Updater):
    """Steps the parameters that an array rule does not handle, with compiled kernels.

    Parameters
    ----------
    optimizer : UpdateRule
        What `ArrayOptimizer.fallback` returned.
    params : dict of str to ndarray
        The parameters, by the names that they have outside.
    groups, group_ids, run
        Those of the updater around it, the ids of these parameters only.
    backend, n_threads
        As in `Optimizer.bind`.
    """

    def __init__(
        self,
        optimizer: UpdateRule,
        params: dict[str, np.ndarray],
        groups: list[Group],
        group_ids: list[int],
        run: Run,
        backend: str,
        n_threads: int,
    ) -> None:
        self._bound = checks.check_parameters(params)
        self._groups = groups
        self.optimizer = optimizer
        self._run = run
        self._timetable = Timetable(optimizer, groups, run)
        self._n_threads, self._measure_updates = n_threads, 0  # measured around it
        self._finish, self._last = None, None  # array rules have no modifier that follows them
        self._bind_host(backend, group_ids)

    def follow(self, timetable: Timetable, t: int) -> None:
        """Go on from step `t` with what the schedules outside have seen."""
        self._timetable.metric_state = timetable.metric_state
        self._stepper.restart(t, 0)

    def state_of(self, name: str) -> dict[str, np.ndarray]:
        """Return the state arrays of a parameter themselves."""
        i = self._bound.names.index(name)
        return {key: arrays[i] for key, arrays in self._state.items()}


def make_fallback(
    optimizer: ArrayRule,
    bound: checks.Parameters,
    groups: list[Group],
    group_ids: list[int],
    run: Run,
    backend: str,
    n_threads: int,
) -> FallbackUpdater | None:
    """Bind the parameters that the rule does not handle; None where it handles all.

    Parameters
    ----------
    optimizer : ArrayRule
        Rule and hyper-parameters.
    bound : Parameters
        All parameters.
    groups, group_ids, run, backend, n_threads
        As in `FallbackUpdater`, for all parameters.

    Returns
    -------
    FallbackUpdater or None
    """
    others = [i for i, p in enumerate(bound.arrays) if not optimizer.handles(p.shape)]
    if not others:
        return None
    return FallbackUpdater(
        optimizer.fallback(),
        {bound.names[i]: bound.arrays[i] for i in others},
        groups,
        [group_ids[i] for i in others],
        run,
        backend,
        n_threads,
    )
