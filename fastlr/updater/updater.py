"""What `Optimizer.bind` returns: steps parameters, and tells and saves how far it has come."""

from __future__ import annotations

import copy
import numbers
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.files import write_atomic
from ..core.hyper import check_count, check_number, plain
from ..kernels.find.update import BACKENDS
from ..schedules import Run
from . import statistics
from .arrays import as_arrays, check_parameters, joined
from .binding import Binding
from .groups import added_group, assign_groups
from .rule import UpdateRule


class Updater:
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
    binding : Binding
        What training loops of this package need of it: arrays, kernel, state, stepper.
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
        if backend not in BACKENDS:
            raise ValueError(f"backend must be one of {BACKENDS}, got {backend!r}")
        check_count("n_threads", n_threads)
        check_count("total_steps", total_steps, optional=True)
        check_count("steps_per_epoch", steps_per_epoch, optional=True)
        if not isinstance(plain(measure_updates), bool):
            check_count("measure_updates", measure_updates, low=0)
        optimizer = optimizer.put_to_work()
        n_threads, measure_updates = plain(n_threads), plain(measure_updates)
        total_steps, steps_per_epoch = plain(total_steps), plain(steps_per_epoch)
        bound, run = check_parameters(params), Run(total_steps, steps_per_epoch)
        # "auto" stays so: it may be unpickled on another machine.
        self._given = copy.deepcopy(groups), backend, n_threads
        self._measured = int(measure_updates)
        found, ids = assign_groups(bound.names, groups, run)
        self.starts = {
            name: found[k].start for name, k in zip(bound.names, ids, strict=True) if found[k].start
        }
        if self.starts and not optimizer.can_wait:
            raise ValueError(
                f"groups: start={next(iter(self.starts.values()))} steps, but "
                f"{type(optimizer).__name__} makes parameters of its state, so that they cannot "
                "stay as they are"
            )
        self.binding = Binding(
            optimizer, bound, found, ids, run, backend, n_threads, self._measured
        )
        self.backend = self.binding.backend
        self._stepper = self.binding.stepper
        self._has_numbers = any(getattr(a, "ndim", 1) == 0 for a in bound.arrays)

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
        if self._has_numbers:
            grads = as_arrays(grads)
        self._stepper.step(grads)

    def observe(self, metric: float) -> None:
        """Tell the schedule a validation metric, once per epoch; only plateau schedules listen.

        Parameters
        ----------
        metric : float
            Value to be minimised or maximised, as the schedule says.
        """
        metric = plain(metric)
        if isinstance(metric, bool) or not isinstance(metric, numbers.Real):
            raise TypeError(f"metric must be a number, got {metric!r}")
        try:
            metric = float(metric)
        except OverflowError:
            raise ValueError("metric must be a number that a float can hold") from None
        binding = self.binding
        if binding.timetable.needs_metric:
            with self._stepper:
                binding.last = statistics.last_rates(binding)
                binding.timetable.observe(metric, self.t)
                self._stepper.forget_rows()  # they were computed with what it knew before

    def stats(self) -> dict[str, Any]:
        """Return figures of the last step; asking for them costs nothing.

        Returns
        -------
        dict
            ``t``, steps made; ``lr`` and ``momentum`` of the last step made, group factors
            apart (None before the first, and where there is no momentum); ``grad_norm``, the norm
            of all gradients that `step` was last given, before clipping, None where nothing
            asked for norms (``clip_norm`` and ``nonfinite`` do) or nothing was given yet;
            ``param_norm``, the norm of all parameters before the last step that was measured,
            ``update_norm``, that of what it changed in them, decay and all else included, and
            ``update_ratio``, the second over the first: None where no step was measured
            (``measure_updates`` of `bind` asks for it; CUDA cannot), the ratio also where all
            parameters were zero; ``skipped``, steps not made because a gradient was not finite;
            ``last_skipped``, the name of the first parameter whose gradient was not finite at the
            last of these, None if none was skipped.

        Examples
        --------
        >>> import numpy as np
        >>> from fastlr import SGD
        >>> w = np.zeros(2)
        >>> updater = SGD(lr=0.5, clip_norm=9.0).bind({"w": w}, measure_updates=True)
        >>> for _ in range(2):
        ...     updater.step({"w": np.array([3.0, 4.0])})
        >>> updater.stats()  # doctest: +NORMALIZE_WHITESPACE
        {'t': 2, 'lr': 0.5, 'momentum': None, 'grad_norm': 5.0, 'param_norm': 2.5,
         'update_norm': 2.5, 'update_ratio': 1.0, 'skipped': 0, 'last_skipped': None}
        """
        return statistics.stats(self.binding)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later run needs to go on, parameters apart.

        Returns
        -------
        dict
            Copies of state arrays by state and parameter name, the step count, the number of
            skipped steps and the parameter at fault, and what a plateau schedule has seen; for
            rules that keep scalars, those too. Holds only arrays, numbers, strings and dicts.
        """
        from . import saving

        with self._stepper:
            return saving.save(self.binding)

    def load_state_dict(self, state_dict: Mapping[str, Any], allow_new: bool = False) -> None:
        """Take over what `state_dict` returned; nothing changes unless all of it fits.

        Parameters
        ----------
        state_dict : mapping
            From an updater of the same optimizer class over parameters of the same names and
            shapes. Numbers may be NumPy's, as they come out of a file.
        allow_new : bool, default=False
            Leave state as it is that this updater has and `state_dict` has not: that of
            parameters or modifiers which were added since.

        Raises
        ------
        TypeError, ValueError
            If something does not fit; the message names it.
        """
        from . import saving

        with self._stepper:
            saving.load(self.binding, state_dict, allow_new)

    def add(self, params: Any, group: Mapping[str, Any] | None = None) -> None:
        """Bind more parameters, which start afresh; state and steps of the others go on.

        The new ones count steps from here on, for what depends on the number of a step. The arrays
        in the updater's `binding` are new ones afterwards.

        Parameters
        ----------
        params : dict of str to array, or sequence of arrays
            In the form of the bound parameters, which a single array has not; with new names.
        group : dict, optional
            Settings of the new ones, as in `Optimizer.bind`, without ``"match"`` and ``"start"``.
            Other groups have no effect on them.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit; nothing was changed then.

        Examples
        --------
        >>> import numpy as np
        >>> from fastlr import SGD
        >>> updater = SGD(lr=0.5).bind({"head": np.ones(1)})
        >>> updater.step({"head": np.ones(1)})
        >>> updater.add({"body": np.ones(1)}, group={"lr": 0.1})
        >>> updater.step({name: np.ones(1) for name in ("head", "body")})
        >>> {name: p.tolist() for name, p in updater.params.items()}
        {'head': [0.0], 'body': [0.95]}
        """
        merged, names = joined(self.binding.bound, params)
        given, backend, n_threads = self._given
        start = self.t if self.optimizer.can_wait else 0
        made = type(self)(
            self.optimizer,
            merged,
            [added_group(names, group, start), *(given or ())],
            backend,
            n_threads,
            *self.binding.run,
            measure_updates=self._measured,
        )
        with self._stepper:
            made.load_state_dict(self.state_dict(), allow_new=True)
            self.__dict__ = made.__dict__

    def save(self, path: str | os.PathLike[str], *, with_params: bool = False) -> None:
        """Write all that a later run needs to go on: optimizer, schedules, groups and state.

        The file is written whole or not at all, whatever ends the process meanwhile.

        Parameters
        ----------
        path : str or path-like
            File to write, in the safetensors format; an existing one is replaced.
        with_params : bool, default=False
            Write the parameters as well, so that both can never be of different steps.

        Raises
        ------
        OSError
            If the file cannot be written; the old one is still there then.

        Notes
        -----
        The file holds a version of its format and a checksum, and nothing that runs when it is
        loaded. An optimizer or schedule of your own, or a function as a schedule, is not
        written; `load` has to be given it.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from fastlr import AdamW, OneCycle, Updater
        >>> w, g = np.ones(3), np.full(3, 0.5)
        >>> updater = AdamW(schedule=OneCycle(total_steps=9)).bind({"w": w})
        >>> updater.step({"w": g})
        >>> with TemporaryDirectory() as folder:
        ...     updater.save(Path(folder) / "run.safetensors", with_params=True)
        ...     other = Updater.load(Path(folder) / "run.safetensors", {"w": np.zeros(3)})
        >>> updater.step({"w": g})
        >>> other.step({"w": g})
        >>> other.t, (other.params["w"] == w).all()
        (2, np.True_)
        """
        from . import file

        with self._stepper:  # parameters and state are of one step
            data = file.pack(self.binding, self._arguments(), self.state_dict(), with_params)
        write_atomic(path, data)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        params: Any,
        *,
        optimizer: UpdateRule | None = None,
        groups: Sequence[Mapping[str, Any]] | None = None,
    ) -> Updater:
        """Bind parameters and go on where an updater was saved; nothing changes on an error.

        Parameters
        ----------
        path : str or path-like
            File that `save` wrote.
        params : array, sequence or dict
            Parameters of the same names, shapes and dtype as those that were bound. Those in
            the file, if any, are copied into them.
        optimizer : UpdateRule, optional
            In place of the saved one, of the same class.
        groups : sequence of dict, optional
            In place of the saved ones.

        Returns
        -------
        Updater
            Its further steps are to the bit those of the one that was saved.

        Raises
        ------
        SavedFileError
            If the file is damaged, cut off, of another kind or of a later version.
        OSError
            If it cannot be read.
        TypeError, ValueError
            If it does not fit the parameters, or needs `optimizer` or `groups`.
        """
        from . import file

        saved = file.read(path)
        chosen = file.given_or_saved("optimizer", optimizer, saved)
        rest = {k: v for k, v in saved.arguments.items() if k not in {"optimizer", "groups"}}
        rest["groups"] = file.given_or_saved("groups", groups, saved)
        made = cls(chosen, params, **rest)
        file.check_fit(saved, made.binding)
        made.load_state_dict(saved.state_dict)
        bound = made.binding.bound
        for name, array in zip(bound.names, bound.arrays, strict=True):
            if saved.params:
                array[...] = saved.params[name]
        return made

    @property
    def optimizer(self) -> UpdateRule:
        """Hyper-parameters and rule: a copy of what was bound, which refuses `set_params`."""
        return self.binding.optimizer

    @property
    def params(self) -> Any:
        """The bound arrays, as they were given."""
        return self.binding.bound.given

    @property
    def averaged(self) -> Any:
        """Copies of the averaged parameters."""
        with self._stepper:
            return statistics.averaged(self.binding)

    @property
    def t(self) -> int:
        """Steps made."""
        return self._stepper.t

    @property
    def skipped(self) -> int:
        """Steps not made because a gradient was not finite."""
        return self._stepper.skipped

    @property
    def lr(self) -> float:
        """Learning rate of the next step; setting it changes that step and all that follow.

        What is set is the rate of the next step, its schedule included, which goes on from there.
        """
        return statistics.rates(self.binding, self.t)[0]

    @lr.setter
    def lr(self, lr: float) -> None:
        check_number(lr, "lr", "[0, inf)")
        factor = self.binding.timetable.rates(self.t)[0]
        if factor == 0 and lr != 0:
            raise ValueError(f"lr cannot be {lr!r}: the schedule is at a factor of 0")
        with self._stepper:
            self.binding.last = statistics.last_rates(self.binding)
            self.binding.change_rate(float(lr) / factor if factor else 0.0)

    @property
    def momentum(self) -> float | None:
        """Momentum of the next step."""
        return statistics.rates(self.binding, self.t)[1]

    def __repr__(self) -> str:
        bound = self.binding.bound
        sizes = ", ".join(
            f"{n}{list(a.shape)}" for n, a in zip(bound.names, bound.arrays, strict=True)
        )
        return f"<Updater of {self.optimizer!r} over {sizes}, t={self.t}, backend={self.backend!r}>"

    def _repr_html_(self) -> str:
        from ..core.markup import table  # in notebooks alone

        bound = self.binding.bound
        title = f"{self.optimizer!r} at step {self.t}, rate {self.lr:.4g}, backend {self.backend}"
        rows = [
            (n, str(tuple(a.shape)), str(a.dtype))
            for n, a in zip(bound.names, bound.arrays, strict=True)
        ]
        return table(title, ("parameter", "shape", "dtype"), rows)

    def _arguments(self) -> dict[str, Any]:
        """Return what this was made with, besides the parameters."""
        groups, backend, n_threads = self._given
        return {
            "optimizer": self.optimizer,
            "groups": groups,
            "backend": backend,
            "n_threads": n_threads,
            "total_steps": self.binding.run.total_steps,
            "steps_per_epoch": self.binding.run.steps_per_epoch,
            "measure_updates": self._measured,
        }

    def __getstate__(self) -> dict[str, Any]:
        with self._stepper:
            arguments = (
                *(self.optimizer, self.params),
                *self._given,
                *self.binding.run,
                self._measured,
            )
            return {"arguments": arguments, "state_dict": self.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["arguments"])  # type: ignore[misc]
        self.load_state_dict(state["state_dict"])
