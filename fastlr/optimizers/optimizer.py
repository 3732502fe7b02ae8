"""The base of every optimizer: a rule with hyper-parameters that can be bound to arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..updater.rule import UpdateRule
from ..updater.updater import Updater


class Optimizer(UpdateRule):
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
        Largest norm of the gradients, in (0, inf], in units of gradient. Larger ones are scaled to
        a norm that is less by a millionth at most, as in torch (:math:`c / (\|g\| + 10^{-6}
        \min(c, 1))`); smaller ones stay as they are.
    clip_scope : {"global", "group", "parameter"}, default="global"
        Which norm that is: of all gradients together, of those of each group of `bind`, or of
        each parameter's by itself.
    clip_value : float, optional
        Largest size of an element of a gradient, in units of gradient.
    maximize : bool, default=False
        Go up rather than down.
    nonfinite : {"ignore", "raise", "skip"}, default="ignore"
        What to do about a gradient that is not finite, or, for rules that square it and without
        clipping, has no finite square (from 1.8e19 in float32); to find one costs a pass over
        them. With ``"ignore"`` such a square makes the elements stand still, as in torch.
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
    decays : tuple of str
        Hyper-parameters that are decays of running means. In float32 they are rounded before
        `coefficients` sees them, to 1 - 6e-8 at most, so that a decay and 1 minus it, which
        `coefficients` may return side by side, make up 1 exactly.
    squares : bool
        Whether the rule squares gradients (see `nonfinite`).
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
    rebuilds : bool
        Whether steps compute parameters anew from sums of gradients, so that nothing else may
        change them.

    Notes
    -----
    A coefficient called ``eps`` is compared with gradients, and is at least 1e-16 in float32 and
    1e-150 in float64; one called ``eps_root`` with squares of them, and at least the smallest
    normal number: below, squares underflow. So smaller gradients count as zero beside it.

    With ``average="polyak"`` in float32 a second array holds what rounding takes off the mean. An
    exponential mean follows to within 6e-8 over one minus its decay.

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
