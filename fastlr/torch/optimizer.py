"""An optimizer of torch whose steps are made by compiled kernels, in the tensors' own memory."""

from __future__ import annotations

import inspect
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch.autograd import _profiler_enabled
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from ..core.locks import lock_of
from ..updater.rule import UpdateRule
from .plan import Plan
from .settings import plain
from .translation import Translation

_LEFT_OUT = {  # of rules without a counterpart in torch, which has its own means
    *("schedule", "schedules", "clip_norm", "clip_scope", "nonfinite", "preset"),
    *("average", "average_decay"),
}
_REFUSED = {
    "capturable": "steps are not captured in CUDA graphs",
    "differentiable": "autograd cannot look into a compiled step",
}


class CompiledOptimizer(torch.optim.Optimizer):
    """Base of the classes in `fastlr.torch`: torch's interface, compiled steps.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor) or of dict
        Parameters or groups of them, as `torch.optim.Optimizer` takes them: float32 or float64,
        on the CPU or on a CUDA device.
    **settings
        Hyper-parameters: torch's names and defaults for the classes that torch has, else those of
        the class of the same name in `fastlr`.

    Raises
    ------
    ValueError
        If a setting is out of range, or asks for what compiled steps cannot do.
    TypeError
        If a parameter or a gradient is of a kind that kernels do not take; at the first step.

    Notes
    -----
    A step compares the addresses of parameters and gradients with those of the last step, and the
    settings of the groups. Where nothing else has changed it goes straight into the kernel.
    `state` shows step counts and arrays as torch keeps them: arrays share memory with the kernel,
    step counts are written when `state` is read.
    """

    rule: ClassVar[type[UpdateRule]]
    torch_class: ClassVar[type[torch.optim.Optimizer] | None] = None
    translation: ClassVar[Translation]

    _step_supports_amp_scaling = True

    def __init__(self, params: Any, *args: Any, **settings: Any) -> None:
        self._forget()
        if not isinstance(params, torch.Tensor):
            params = list(params)
        defaults = self._check(params, args, settings)
        super().__init__(params, defaults)

    def _check(self, params: Any, args: Any, settings: dict[str, Any]) -> dict[str, Any]:
        """Return all settings with their defaults; torch's own class checks those it knows."""
        if self.torch_class is not None:
            _refuse(settings, type(self).__name__)
            defaults: dict[str, Any] = self.torch_class(params, *args, **settings).defaults
            return defaults
        bound = inspect.signature(type(self)).bind(params, *args, **settings)
        bound.apply_defaults()
        defaults = dict(bound.arguments)
        del defaults["params"]
        self._make_rule(defaults)
        return defaults

    def _make_rule(self, group: Mapping[str, Any]) -> UpdateRule:
        settings = {key: plain(value) for key, value in group.items() if key != "params"}
        _refuse(settings, type(self).__name__)
        return self.rule(**self.translation.settings(settings))

    def _forget(self) -> None:
        """Have all groups looked at anew at the next step."""
        self._lock = lock_of(self)
        self._plans: list[Plan] = []
        self._steppers: list[Any] = []
        self._exposed = self._loose = False
        self._guide: Any = None
        self._y: list[tuple[torch.Tensor, torch.Tensor]] | None = None

    # State

    @property
    def state(self) -> defaultdict[torch.Tensor, Any]:
        """State by parameter, as torch has it."""
        for plan in self._plans:
            plan.sync()
        self._exposed = True
        return self._state

    @state.setter
    def state(self, state: defaultdict[torch.Tensor, Any]) -> None:
        self._state = state
        self._plans, self._steppers = [], []

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; its settings are the defaults where it names none."""
        super().add_param_group(param_group)
        self._keep_steps()
        if self.translation.starts_at_once:
            self._start(self.param_groups[-1])

    def _start(self, group: dict[str, Any]) -> None:
        start = self._make_rule(group).initial_state()
        for p in group["params"]:
            named = self.translation.state.items()
            self._state[p] = {"step": torch.tensor(0.0)} | {
                theirs: torch.full_like(p, float(start.get(ours, 0.0)), requires_grad=False)
                for ours, theirs in named
            }

    def _keep_steps(self) -> None:
        for plan in self._plans:
            plan.sync()
        self._plans, self._steppers = [], []

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._forget()
        super().__setstate__(state)
        if "state" in self.__dict__:
            self._state = self.__dict__.pop("state")

    # Steps

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Parameters
        ----------
        closure : callable, optional
            Computes gradients anew and returns the loss.

        Returns
        -------
        object
            What `closure` returned; None without one.
        """
        if (
            _global_optimizer_pre_hooks
            or _global_optimizer_post_hooks
            or self._optimizer_step_pre_hooks
            or self._optimizer_step_post_hooks
            or _profiler_enabled()
        ):
            return self._watched_step(closure)
        return self._step(closure)

    step.hooked = True  # type: ignore[attr-defined]

    def _step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if "found_inf" in self.__dict__ and not self._unscale():
            return loss
        with self._lock:  # gradients that are being read must not be let go by another thread
            steppers = self._steppers
            if self._exposed or self._loose or not steppers or self._y is not None:
                steppers = self._look()
            for stepper in steppers:
                if stepper.ready():
                    steppers = self._look()
                    break
            for stepper in steppers:
                stepper.go()
        return loss

    _watched_step = torch.optim.Optimizer.profile_hook_step(_step)

    def _unscale(self) -> bool:
        """Do what `torch.amp.GradScaler` asks for; return whether the step is to be made."""
        if float(self.__dict__["found_inf"]):
            return False
        scale = self.__dict__.get("grad_scale")
        if scale is not None:
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad.div_(scale)
        return True

    def _look(self) -> list[Any]:
        """Bind anew what has changed since the last step; return what is to step now."""
        if self._y is not None:
            raise RuntimeError(f"{type(self).__name__}: call train() before step()")
        while len(self._plans) < len(self.param_groups):
            self._plans.append(Plan(self.translation, self._make_rule))
        exposed, self._exposed = self._exposed, False
        guide = None if self._guide is None else self._guide()
        found: list[Any] = []
        for place, (plan, group) in enumerate(zip(self._plans, self.param_groups, strict=True)):
            if exposed and any(bucket.is_replaced(self._state) for bucket in plan.buckets):
                plan.buckets, plan.steppers = [], []
            found += plan.look(group, place, self._state, guide)
        self._steppers = [each for plan in self._plans for each in plan.steppers]
        self._loose = any(plan.loose for plan in self._plans)
        return found

    def follow(self, guide: Any) -> None:
        """Read coefficients from a table while `guide`, a `Schedule`, is at the same step."""
        self._guide = weakref.ref(guide)
        self._keep_steps()

    # Rules that predict with other parameters than they step

    def eval(self) -> None:
        """Put the parameters to predict with in place, for rules that step others; see `train`."""
        if self._y is not None:
            return
        self._y = []
        for plan in self._plans:
            for bucket in plan.buckets:
                for p, averaged in bucket.averaged():
                    self._y.append((p, p.detach().clone()))
                    p.detach().copy_(averaged)

    def train(self) -> None:
        """Put the parameters that are stepped in place again."""
        for p, kept in self._y or ():
            p.detach().copy_(kept)
        self._y = None


def _refuse(settings: dict[str, Any], owner: str) -> None:
    for name, reason in _REFUSED.items():
        if settings.get(name):
            raise ValueError(f"{owner}: {name} must be False: {reason}")


def own_translation(rule: type[UpdateRule]) -> Translation:
    """Return the translation of a rule that torch does not have: its own words."""
    names = own_settings(rule)
    return Translation(lambda group: {name: group[name] for name in names if name in group}, {})


def own_settings(rule: type[UpdateRule]) -> dict[str, Any]:
    """Return the hyper-parameters of a rule that make sense in torch, with their defaults."""
    return {k: v for k, v in rule.parameter_defaults.items() if k not in _LEFT_OUT}


def own_signature(rule: type[UpdateRule]) -> inspect.Signature:
    """Return the signature of the class of a rule that torch does not have."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    given: Iterable[inspect.Parameter] = (
        inspect.Parameter(name, either if name == "lr" else keyword, default=default)
        for name, default in own_settings(rule).items()
    )
    return inspect.Signature([inspect.Parameter("params", either), *given])
