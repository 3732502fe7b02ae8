"""What every optimizer is: hyper-parameters, a scalar rule, and the common modifiers."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..hyper import HyperParameters
from ..schedules import Schedule, get_schedule

if TYPE_CHECKING:
    from ..updater import Updater

Scalar = Any  # a float, or an array with one value per step: rules of arithmetic are the same


class Optimizer(HyperParameters):
    r"""Base of every optimizer.

    A subclass annotates its hyper-parameters, names its state arrays, computes the
    coefficients of a step in `coefficients` and states the rule for one element in `update`.
    It is never changed by use: `bind` returns an `Updater` that holds all state.

    Parameters
    ----------
    schedule : Schedule, str or callable, optional
        What the learning rate is multiplied by, step by step; by default nothing.
    schedules : dict of str to Schedule, optional
        The same for other hyper-parameters, by name: the factor of the schedule multiplies the
        hyper-parameter's own value, so ``{"weight_decay": CosineAnnealing()}`` lets the decay
        fall with time, in groups that have their own as well. Any number that a step reads can
        be scheduled; a switch, or what the state starts from, cannot. Each follows its own time
        and metric, and a momentum that its schedule has beside the factor is not used.
    weight_decay : float, default=0.0
        Strength of the decay, in [0, inf).
    decay : {"l2", "decoupled", "independent"}, default="l2"
        Whether the decay joins the gradient, is taken off the parameter times the learning
        rate, or off the parameter times the factor of the schedule alone.
    clip_norm : float, optional
        Largest norm of the gradients, in units of gradient.
    clip_scope : {"global", "group", "parameter"}, default="global"
        Which norm that is: of all gradients together, of those of each group of `bind`, or of
        each parameter's by itself.
    clip_value : float, optional
        Largest size of an element of a gradient, in units of gradient.
    maximize : bool, default=False
        Go up rather than down.
    nonfinite : {"ignore", "raise", "skip"}, default="ignore"
        What to do about a gradient that is not finite; to find one costs a pass over them.
    average : {"ema", "polyak"}, optional
        Keep an exponential or a plain running mean of the parameters.
    average_decay : float, default=0.999
        Decay of the exponential mean, in [0, 1).
    l1 : float, default=0.0
        Strength of an L1 penalty, in [0, inf), applied by a proximal step after the rule, which
        makes exact zeros (see Notes).
    l2 : float, default=0.0
        Strength of an L2 penalty, in [0, inf): ``l2 * p`` joins the gradient, clipped already, as
        part of what is minimised. Unlike `weight_decay` it means the same whatever `decay` is.
    cautious : bool, default=False
        Leave out the part of a step whose sign the gradient contradicts (see Notes).
    lookahead : int, optional
        Make this many steps, then go back part of the way (see Notes).
    lookahead_alpha : float, default=0.5
        Which part of the way is kept, in (0, 1].

    Attributes
    ----------
    state : tuple of str
        Names of the arrays that the rule keeps, each shaped like the parameter.
    flags : tuple of str
        Hyper-parameters that switch parts of the rule on when they are true (or not zero).
        Each combination is compiled apart, so a switched-off part costs nothing.
    sums : tuple of str
        Names of sums over elements that must be known before the update. The static rule
        ``measure(p, g, <state>, <coefficients and scalars>)`` returns what one element adds to
        each. It sees `p` and `g` as `update` does, and changes nothing.
    scope : {"array", "all"}
        One set of sums for each parameter array, or one over all of them.
    scalars : tuple of str
        Numbers that are kept from step to step in double precision, one set for each set of
        sums. `measure` sees their old values, `update` the new ones.
    derived : tuple of str
        Numbers that `update` takes, made of the sums at each step. The static rule
        ``adapt(<sums>, <scalars>, <coefficients>)``, all in double precision, returns first
        these, then the new scalars. With scope "all" its coefficients are those of the
        parameters that belong to no group.
    own_decay : str or None
        The kind of `decay` that the rule applies itself: it takes the strength as the
        coefficient ``weight_decay``, which is 0 where another kind is set.
    own_fields : tuple of str
        Hyper-parameters that all optimizers have, and that the rule gives another meaning: with
        ``"l1"`` among them no proximal step follows it, with ``"l2"`` nothing joins the gradient.
    batch_rule : {"sqrt", "linear", "none"}
        How the rate goes with the size of mini-batches (`scale_lr`): by the square root where the
        rule divides by the size of gradients, in proportion where a step is proportional to its
        gradient, and not at all where the rule finds its own rate.
    can_wait : bool
        Whether a step at a rate of zero, of a gradient of zero, leaves a parameter as it is.

    Notes
    -----
    What follows the rule acts in this order, :math:`\theta` being the parameter that the rule
    leaves and :math:`\eta` the rate, schedule and group factor included.

    ``cautious`` (Liang et al. 2024, arXiv:2411.16085, as their code and timm have it), with
    :math:`\theta'` the parameter ahead of the rule, decay taken off it, and :math:`g` the
    gradient as the rule sees it; the mean is over the elements of one array:

    .. math::
        m = [(\theta' - \theta)\, g \ge 0 \wedge g \ne 0], \qquad
        \theta \leftarrow \theta' + \frac{m}{\max(\mathrm{mean}(m),\, 10^{-3})}
            (\theta - \theta')

    They have :math:`> 0` there. An element that the rule does not move counts as kept here, for
    in single precision small moves round to none, and would make the others larger.

    ``l1`` (proximal gradient step; Duchi & Singer 2009). The rate is that of the schedule, even
    for a rule that finds its own. With 0 no bit changes:

    .. math::
        \theta \leftarrow \mathrm{sign}(\theta) \max(|\theta| - \eta \lambda_1,\, 0)

    ``lookahead`` (Zhang et al. 2019, "Lookahead optimizer: k steps forward, 1 step back") keeps
    slow parameters :math:`\phi` in one more array, the parameters as they were bound at first.
    At every k-th step, and not at others:

    .. math::
        \phi \leftarrow \phi + \alpha (\theta - \phi), \qquad \theta \leftarrow \phi

    Last comes the running mean of ``average``. All of this runs on parameters that the rule has
    just left in the cache, but for ``cautious``, which needs a second pass and a copy of the
    parameters (on a GPU no copy: the rule runs twice there, at first for the count alone). State
    that the rule keeps is not touched.
    """

    state: ClassVar[tuple[str, ...]] = ()
    flags: ClassVar[tuple[str, ...]] = ()
    sums: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[str] = "array"
    scalars: ClassVar[tuple[str, ...]] = ()
    derived: ClassVar[tuple[str, ...]] = ()
    own_decay: ClassVar[str | None] = None
    batch_rule: ClassVar[str] = "sqrt"
    can_wait: ClassVar[bool] = True
    by_arrays: ClassVar[bool] = False  # array code, not a rule for one element

    schedule: Schedule | str | Callable[[Any], Any] | None = None
    schedules: Mapping[str, Any] | None = None
    weight_decay: float = 0.0
    decay: str = "l2"
    clip_norm: float | None = None
    clip_scope: str = "global"
    clip_value: float | None = None
    maximize: bool = False
    nonfinite: str = "ignore"
    average: str | None = None
    average_decay: float = 0.999
    l1: float = 0.0
    l2: float = 0.0
    cautious: bool = False
    lookahead: int | None = None
    lookahead_alpha: float = 0.5

    ranges: ClassVar[dict[str, str]] = {
        "weight_decay": "[0, inf)",
        "clip_norm": "(0, inf]",
        "clip_value": "(0, inf]",
        "average_decay": "[0, 1)",
        "l1": "[0, inf)",
        "l2": "[0, inf)",
        "lookahead": "[1, inf)",
        "lookahead_alpha": "(0, 1]",
    }
    choices: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": ("l2", "decoupled", "independent"),
        "clip_scope": ("global", "group", "parameter"),
        "maximize": (False, True),
        "nonfinite": ("ignore", "raise", "skip"),
        "average": (None, "ema", "polyak"),
        "cautious": (False, True),
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        unknown = [f for f in cls.flags if f not in cls._fields]
        if unknown:
            raise TypeError(
                f"{cls.__name__}: flags names {unknown[0]!r}, which is none of its "
                f"hyper-parameters ({', '.join(cls._fields)})"
            )
        if "lr" in cls._fields:
            cls.ranges = {"lr": "[0, inf)", **cls.ranges}

    def coefficients(self, t: Scalar, lr: Scalar) -> Mapping[str, Scalar]:
        """Return the scalars that `update` takes at step `t`, in double precision.

        Parameters
        ----------
        t : float or ndarray of shape (steps,)
            Step number, counted from 1.
        lr : float or ndarray of shape (steps,)
            Learning rate of the step.

        Returns
        -------
        mapping of str to float or ndarray
            A value for each parameter of `update` after ``p``, ``g`` and the state, flags
            apart. Hyper-parameters that a schedule drives are arrays here, so write plain
            arithmetic.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `coefficients`")

    def initial_state(self) -> Mapping[str, float | str]:
        """Return what state arrays start from: a value, or ``"p"`` for a copy of the parameter.

        Those that are not named start from zero.
        """
        return {}

    def initial_scalars(self) -> Mapping[str, float]:
        """Return what scalars start from, zero where not named."""
        return {}

    @property
    def is_plain(self) -> bool:
        """Whether the rule is ``p - rate * g`` and keeps no state.

        What an L2 penalty in the gradient does to a feature that has no other gradient is then
        known in closed form, which training on sparse data makes use of.
        """
        return False

    @property
    def averages(self) -> bool:
        """Whether predictions are made with other parameters than those that are stepped."""
        return self.average is not None or self.predicts_elsewhere

    @property
    def predicts_elsewhere(self) -> bool:
        """Whether the rule itself steps other parameters than those to predict with."""
        return type(self).evaluate is not Optimizer.evaluate

    def evaluate(self, p: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the parameter to predict with, for rules that step another than that.

        Parameters
        ----------
        p : ndarray
            The parameter that gradients are taken at; not changed.
        state : mapping of str to ndarray
            Its state arrays.

        Returns
        -------
        ndarray
            A new array, or `p` itself.
        """
        return p

    def decays_itself(self) -> bool:
        """Tell whether the rule applies the decay that was asked for."""
        return self.decay == self.own_decay

    def switches(self) -> dict[str, bool]:
        """Return which flags are on."""
        return {name: bool(getattr(self, name)) for name in self.flags}

    def momentum_field(self) -> str | None:
        """Return the parameter that a schedule's momentum drives: beta1 or momentum, if used."""
        if "beta1" in self._fields:
            return "beta1"
        return "momentum" if getattr(self, "momentum", 0) else None

    def scheduled(self) -> dict[str, Schedule]:
        """Return the schedules by what they drive: ``"lr"``, then those of `schedules`."""
        more = (self.schedules or {}).items()
        return {
            "lr": get_schedule(self.schedule),
            **{name: get_schedule(value) for name, value in more},
        }

    def with_scheduled(self, values: Mapping[str, Scalar]) -> Optimizer:
        """Return a copy with arrays over steps for hyper-parameters, for `coefficients`.

        Parameters
        ----------
        values : mapping of str to ndarray of shape (steps,)
            Values by name; without any the object itself is returned.

        Returns
        -------
        Optimizer
            For `coefficients` alone: it is past the checks, which are for single numbers.
        """
        if not values:
            return self
        scheduled: Optimizer = object.__new__(type(self))  # a tenth of the time of copy.copy
        scheduled.__dict__ = {**self.__dict__, **values}
        return scheduled

    def _check(self) -> None:
        super()._check()
        owner = type(self).__name__
        if self.lookahead is not None and not isinstance(self.lookahead, numbers.Integral):
            raise TypeError(f"{owner}: lookahead must be a whole number, got {self.lookahead!r}")
        if self.schedules is None:
            return
        if not isinstance(self.schedules, Mapping):
            raise TypeError(
                f"{owner}: schedules must be a dict from hyper-parameters to schedules, "
                f"got {self.schedules!r}"
            )
        for name, schedule in self.schedules.items():
            label = f"{owner}: schedules[{name!r}]"
            get_schedule(schedule, label)
            if name not in self._fields:
                raise ValueError(
                    f"{label} is none of its hyper-parameters ({', '.join(self._fields)})"
                )
            if name == "lr":
                raise ValueError(f"{label}: the schedule of the learning rate goes into schedule=")
            if name in {"clip_norm", "lookahead"}:
                raise ValueError(f"{label}: {name} is one number for the whole run")
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise ValueError(f"{label}: {name}={value!r} is no number that can be scaled")

    def bind(
        self,
        params: Any,
        groups: Sequence[Mapping[str, Any]] | None = None,
        backend: str = "auto",
        n_threads: int = 1,
        total_steps: int | None = None,
        steps_per_epoch: int | None = None,
        measure_updates: bool | int = False,
    ) -> Updater:
        """Attach this optimizer to parameters and return what steps them.

        Parameters
        ----------
        params : array, sequence of arrays or dict of str to array
            Parameters, all float32 or all float64, updated in place. NumPy arrays on the CPU;
            on the GPU anything with ``__cuda_array_interface__``.
        groups : sequence of dict, optional
            Each has ``"match"`` (a parameter name pattern such as ``"*.bias"``, or several)
            and any of ``"lr"`` (factor on the learning rate), ``"weight_decay"``, ``"l1"`` and
            ``"l2"`` (replace the optimizer's), ``"schedule"`` (replaces the optimizer's, its
            momentum included) and ``"start"``: a length, in steps, `epochs` or a fraction of the
            run, for which the parameters stay as they are. The rule then takes their gradients
            for zeros, which leaves its state as it was bound, and counts its steps from there;
            schedules go on for all alike, and `clip_norm` measures the gradients as they are.
            The first group that matches a name counts. Names are dict keys, or positions for a
            sequence. `layer_groups` makes groups of layers.
        backend : {"auto", "cython", "numba", "cuda"}, default="auto"
            Which compiler's kernels to use; ``"auto"`` takes CUDA for device arrays, else
            Cython for built-in rules where it was built, else Numba.
        n_threads : int, default=1
            Threads that share a step of a large model. Results do not depend on it.
        total_steps : int, optional
            Length of the run, which schedules given in fractions need.
        steps_per_epoch : int, optional
            Steps in an epoch, which schedules given in epochs need.
        measure_updates : bool or int, default=False
            Sum squares of parameters and of what a step changes in them, for
            ``stats()["update_ratio"]``: at every step, or at every so many. There is no further
            pass over memory, but arithmetic: such a step may take two or three times as long.

        Returns
        -------
        Updater
            Holds state and step count; its ``step(grads)`` updates `params`.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit; the message names it.
        """
        from ..updater import Updater

        return Updater(
            self,
            params,
            groups=groups,
            backend=backend,
            n_threads=n_threads,
            total_steps=total_steps,
            steps_per_epoch=steps_per_epoch,
            measure_updates=measure_updates,
        )


def decay_coefficients(
    optimizer: Optimizer, lr: Scalar, factor: Scalar, weight_decay: float
) -> tuple[Scalar, Scalar]:
    """Return the L2 factor on p in the gradient, and the part of p that is taken off directly.

    Parameters
    ----------
    optimizer : Optimizer
        Says which kind of decay.
    lr : float or ndarray of shape (steps,)
        Learning rate, schedule included.
    factor : float or ndarray of shape (steps,)
        Schedule factor alone, which independent decay follows.
    weight_decay : float
        Strength of the decay, per step for ``"independent"``, per unit of `lr` otherwise.

    Returns
    -------
    l2, shrink : float or ndarray
        Both zero where there is no decay, or where the rule applies it itself.
    """
    if optimizer.decays_itself():
        return 0.0, 0.0
    if optimizer.decay == "l2":
        return weight_decay, 0.0
    return 0.0, weight_decay * (lr if optimizer.decay == "decoupled" else factor)
