"""Optimizers of torch with compiled steps: ``from fastlr.torch import AdamW``.

There is a class for every optimizer of `fastlr`. Those that torch has too take torch's names and
defaults, and exchange state dicts with torch's class of the same name, in both directions.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch as _torch

from ..optimizers import OPTIMIZERS as _OPTIMIZERS
from . import optimizer as _optimizer
from .optimizer import CompiledOptimizer
from .schedule import Schedule
from .translation import TRANSLATIONS as _TRANSLATIONS

_REASONS = {
    "SparseAdam": "its gradients are sparse, and kernels take dense ones",
    "LBFGS": "it makes many evaluations a step, of which the update is the least",
}


def _make(rule: Any) -> type[CompiledOptimizer]:
    name = rule.__name__
    theirs = getattr(_torch.optim, name, None) if name in _TRANSLATIONS else None
    translation = _TRANSLATIONS[name] if theirs else _optimizer.own_translation(rule)
    signature = inspect.signature(theirs) if theirs else _optimizer.own_signature(rule)
    settings = "torch.optim" if theirs else "fastlr"
    return type(
        name,
        (CompiledOptimizer,),
        {
            "__module__": __name__,
            "__qualname__": name,
            "__doc__": f"Compiled `torch.optim.Optimizer` with the settings of "
            f"`{settings}.{name}`.\n\nThe rule is that of `fastlr.{name}`; "
            f"`CompiledOptimizer` describes the interface.",
            "__signature__": signature,
            "rule": rule,
            "torch_class": theirs,
            "translation": translation,
        },
    )


for _rule in _OPTIMIZERS.values():
    globals()[_rule.__name__] = _make(_rule)

__all__ = [
    "CompiledOptimizer",
    "Schedule",
    *sorted(_rule.__name__ for _rule in _OPTIMIZERS.values()),
]


def __getattr__(name: str) -> Any:
    if name in _REASONS:
        raise AttributeError(
            f"fastlr.torch has no {name}: {_REASONS[name]}; use torch.optim.{name}"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
