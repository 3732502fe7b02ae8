"""Parameters by the names that other libraries have for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...core.suggest import did_you_mean

_ELSEWHERE = {
    "max_iter": "max_epochs",
    "n_iter": "max_epochs",
    "epochs": "max_epochs",
    "n_epochs": "max_epochs",
    "learning_rate_init": "lr",
    "eta0": "lr",
    "learning_rate": "lr, or schedule for how the rate changes",
    "power_t": "schedule=InvScaling(power=...)",
    "solver": "optimizer",
    "n_jobs": "n_threads",
    "C": "penalty='l2' with alpha=1 / (C * n_samples)",
    "momentum": "optimizer=SGD(momentum=...)",
    "nesterovs_momentum": "optimizer=SGD(momentum=0.9, nesterov=True)",
    "weight_decay": "optimizer=AdamW(weight_decay=...)",
    "beta_1": "optimizer=Adam(beta1=...)",
    "beta_2": "optimizer=Adam(beta2=...)",
    "epsilon": "optimizer=Adam(eps=...)",
    "hidden_layers": "hidden_layer_sizes",
    "dropout_rate": "dropout",
    "patience": "n_iter_no_change",
    "seed": "random_state",
}
_VAR_KEYWORDS = 0x08  # flag of code that takes any keyword


def check_names(cls: type, names: Iterable[str]) -> None:
    """Raise ``TypeError`` for a parameter that a constructor does not take, with its name here."""
    init: Callable[..., Any] = cls.__init__  # type: ignore[misc]
    code = getattr(init, "__code__", None)
    if code is None or code.co_flags & _VAR_KEYWORDS:
        return
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    for name in names:
        if name not in known:
            raise TypeError(f"{cls.__name__} has no parameter {name!r}{_hint(name, known)}")


def _hint(name: str, known: Iterable[str]) -> str:
    here = _ELSEWHERE.get(name)
    if here is None or here.partition("=")[0].partition(",")[0] not in known:
        return did_you_mean(name, known)
    return f"; here it is {here}, and the classes of fastlr.compat take scikit-learn's names"
