"""What torch calls the hyper-parameters and the state of the rules that both libraries have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Settings = Mapping[str, Any]  # a parameter group without its parameters, as plain numbers


@dataclass(frozen=True)
class Translation:
    """How one optimizer of torch is told in the words of a rule.

    Parameters
    ----------
    settings : callable
        From a parameter group to hyper-parameters of the rule.
    state : dict of str to str
        Names of state arrays in torch, by their names in the rule.
    counts_steps : bool
        Whether torch keeps a step count for each parameter.
    starts_at_once : bool
        Whether the state is there before the first step.
    rate : {"now", "late", "start"}
        When a change of the rate acts: at the next step, at the one after it, or never, since
        the rate is but what the state starts from.
    extra : callable, optional
        From settings and step count to further numbers that torch keeps for each parameter.
    mean_of_squares : tuple of str, optional
        Names in the rule of a variance and a mean, where torch keeps the mean of squares.
    load, save : dict of str to callable, optional
        From torch's array to the rule's, and back with the last gradient.
    """

    settings: Callable[[Settings], dict[str, Any]]
    state: Mapping[str, str]
    counts_steps: bool = True
    starts_at_once: bool = False
    rate: str = "now"
    extra: Callable[[Settings, int], dict[str, float]] | None = None
    mean_of_squares: tuple[str, str] | None = None
    load: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)
    save: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = field(default_factory=dict)


def _common(g: Settings, *same: str) -> dict[str, Any]:
    names = ("lr", "weight_decay", "maximize", *same)
    return {name: g[name] for name in names if name in g}


def _betas(g: Settings, *same: str) -> dict[str, Any]:
    beta1, beta2 = g["betas"]
    decay = "decoupled" if g.get("decoupled_weight_decay") else "l2"
    settings = _common(g, "eps", *same) | {"beta1": beta1, "beta2": beta2}
    return settings | ({"decay": decay} if "decoupled_weight_decay" in g else {})


def _sgd(g: Settings) -> dict[str, Any]:
    return _common(g, "momentum", "dampening", "nesterov")


def _rmsprop(g: Settings) -> dict[str, Any]:
    return _common(g, "eps", "momentum", "centered") | {"rho": g["alpha"]}


def _adagrad(g: Settings) -> dict[str, Any]:
    start = g["initial_accumulator_value"]
    return _common(g, "lr_decay", "eps") | {"initial_accumulator": start}


def _rprop(g: Settings) -> dict[str, Any]:
    (down, up), (least, most) = g["etas"], g["step_sizes"]
    own = {"eta_minus": down, "eta_plus": up, "min_step": least, "max_step": most}
    return {"lr": g["lr"], "maximize": g["maximize"], **own}


def _adafactor(g: Settings) -> dict[str, Any]:
    eps1, eps2 = g["eps"]
    own = {"decay_rate": -g["beta2_decay"], "eps1": eps1, "eps2": eps2}
    return _common(g, "d") | own


def _muon(g: Settings) -> dict[str, Any]:
    a, b, c = g["ns_coefficients"]
    own = {"ns_a": a, "ns_b": b, "ns_c": c, "adjust_lr_fn": g["adjust_lr_fn"] or "original"}
    return _common(g, "momentum", "nesterov", "ns_steps", "eps") | own


def _momentum_product(g: Settings, t: int) -> dict[str, float]:
    steps = np.arange(1.0, t + 1.0)
    mu = g["betas"][0] * (1.0 - 0.5 * 0.96 ** (steps * g["momentum_decay"]))
    return {"mu_product": float(np.prod(mu))}


def _rates_of_asgd(g: Settings, t: int) -> dict[str, float]:
    lr = g["lr"]
    return {
        "eta": lr / (1.0 + g["lambd"] * lr * t) ** g["alpha"] if t else lr,
        "mu": 1.0 / max(1.0, t - g["t0"]) if t else 1.0,
    }


_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq", "vmax": "max_exp_avg_sq"}

TRANSLATIONS = {
    "Adadelta": Translation(
        lambda g: _common(g, "rho", "eps"), {"v": "square_avg", "d": "acc_delta"}
    ),
    "Adafactor": Translation(_adafactor, {"row": "row_var", "column": "col_var", "v": "variance"}),
    "Adagrad": Translation(_adagrad, {"s": "sum"}, starts_at_once=True),
    "Adam": Translation(lambda g: _betas(g, "amsgrad"), _MOMENTS),
    "AdamW": Translation(lambda g: _betas(g, "amsgrad"), _MOMENTS),
    "Adamax": Translation(_betas, {"m": "exp_avg", "u": "exp_inf"}),
    "ASGD": Translation(
        lambda g: _common(g, "lambd", "alpha", "t0"),
        {"ax": "ax"},
        rate="late",
        extra=_rates_of_asgd,
    ),
    "Muon": Translation(_muon, {"buf": "momentum_buffer"}, counts_steps=False),
    "NAdam": Translation(lambda g: _betas(g, "momentum_decay"), _MOMENTS, extra=_momentum_product),
    "RAdam": Translation(_betas, _MOMENTS),
    "RMSprop": Translation(
        _rmsprop,
        {"v": "square_avg", "a": "grad_avg", "buf": "momentum_buffer"},
        mean_of_squares=("v", "a"),
    ),
    "Rprop": Translation(
        _rprop,
        {"size": "step_size", "last": "prev"},
        rate="start",
        load={"last": np.sign},
        save={"last": lambda last, g: np.where(last == 0, last, g)},
    ),
    "SGD": Translation(_sgd, {"buf": "momentum_buffer"}, counts_steps=False),
}
