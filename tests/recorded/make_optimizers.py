"""Records what other libraries' optimizers do: ``python -m tests.recorded.make_optimizers``.

It needs torch, optax, keras, timm, pytorch_optimizer, and the authors' qhoptim, adabound, madgrad
and schedulefree. Parameters and gradients are those of `make_torch`. Each case names a class or
function elsewhere and the fastlr optimizer that must walk the same path. Where a library has no
weight decay of the kind that is compared, the L2 term is added to the gradients here.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.recorded.libraries import run
from tests.recorded.make_torch import SNAPSHOTS, gradients, parameters

FILE = Path(__file__).with_name("optimizer_trajectories.npz")
LIBRARIES = ["torch", "optax", "keras", "timm", "pytorch_optimizer"]
LIBRARIES += ["qhoptim", "adabound", "madgrad", "schedulefree"]


@dataclass(frozen=True)
class Case:
    """A recorded run: what made it, and the fastlr optimizer that must repeat it."""

    source: str  # dotted name of what made it
    arguments: dict
    optimizer: str
    settings: dict
    adds_l2: bool = False  # the recorder adds settings["weight_decay"] times p to the gradient
    state: str | None = None  # what is compared too: a state array, or "averaged"


_ADAM = {"lr": 0.02, "beta1": 0.8, "beta2": 0.97, "eps": 1e-4, "weight_decay": 0.03}
_TORCH = {"lr": 0.02, "betas": (0.8, 0.97), "eps": 1e-4}
_DECAYED = {**_TORCH, "weight_decay": 0.03}
_OPTAX = {"learning_rate": 0.02, "b1": 0.8, "b2": 0.97, "eps": 1e-4}
_KERAS = {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.97, "epsilon": 1e-4}
_KERAS |= {"weight_decay": 0.03}
_DECOUPLED = {"decay": "decoupled"}
_SIGN = {"lr": 0.005, "weight_decay": 0.3}
_FTRL = {"lr": 0.3, "l1": 0.4, "l2": 0.6}
_MADGRAD = {"lr": 0.02, "momentum": 0.8, "eps": 1e-4, "weight_decay": 0.02}
_ASGD = {"lr": 0.05, "lambd": 0.01, "alpha": 0.6, "t0": 300.0, "weight_decay": 0.02}
_RPROP = {"eta_minus": 0.7, "eta_plus": 1.4, "min_step": 0.001, "max_step": 0.2}

CASES = {
    "nadam": Case(
        "torch.optim.NAdam",
        {**_DECAYED, "momentum_decay": 0.02},
        "NAdam",
        {**_ADAM, "momentum_decay": 0.02},
    ),
    "nadamw": Case(
        "torch.optim.NAdam",
        {**_DECAYED, "decoupled_weight_decay": True, "maximize": True},
        "NAdam",
        {**_ADAM, **_DECOUPLED, "maximize": True},
    ),
    "nadam_keras": Case(
        "keras.optimizers.Nadam", _KERAS, "NAdam", {**_ADAM, **_DECOUPLED, "momentum_decay": 1.0}
    ),
    "radam": Case("torch.optim.RAdam", _DECAYED, "RAdam", _ADAM),
    "radamw": Case(
        "torch.optim.RAdam",
        {**_DECAYED, "decoupled_weight_decay": True},
        "RAdam",
        {**_ADAM, **_DECOUPLED},
    ),
    "adamax": Case("torch.optim.Adamax", _DECAYED, "Adamax", _ADAM),
    "adamax_keras": Case(
        "keras.optimizers.Adamax", _KERAS, "Adamax", {**_ADAM, **_DECOUPLED, "eps_in_max": False}
    ),
    "adadelta": Case(
        "torch.optim.Adadelta",
        {"lr": 0.5, "rho": 0.95, "eps": 1e-3, "weight_decay": 0.03},
        "Adadelta",
        {"lr": 0.5, "rho": 0.95, "eps": 1e-3, "weight_decay": 0.03},
    ),
    "asgd": Case("torch.optim.ASGD", _ASGD, "ASGD", _ASGD, state="ax"),
    "rprop": Case(
        "torch.optim.Rprop",
        {"lr": 0.05, "etas": (0.7, 1.4), "step_sizes": (0.001, 0.2)},
        "Rprop",
        {"lr": 0.05, **_RPROP, "weight_decay": 0.02},
        adds_l2=True,
    ),
    "signum": Case(
        "optax.signum",
        {"learning_rate": 0.005, "beta": 0.8},
        "Signum",
        {**_SIGN, "momentum": 0.8, "decay": "l2"},
        adds_l2=True,
    ),
    "signsgd": Case(
        "optax.sign_sgd",
        {"learning_rate": 0.005},
        "Signum",
        {**_SIGN, "momentum": 0.0, "decay": "l2"},
        adds_l2=True,
    ),
    "lion": Case(
        "optax.lion",
        {"learning_rate": 0.005, "b1": 0.8, "b2": 0.95, "weight_decay": 0.3},
        "Lion",
        {**_SIGN, "beta1": 0.8, "beta2": 0.95},
    ),
    "adabelief": Case(
        "optax.adabelief",
        {**_OPTAX, "eps_root": 1e-5},
        "AdaBelief",
        {**_ADAM, "eps_root": 1e-5},
        adds_l2=True,
    ),
    "yogi": Case("optax.yogi", _OPTAX, "Yogi", {**_ADAM, "initial_momentum": 1e-6}, adds_l2=True),
    # Not optax, which weighs differences with the paper's beta2 but averages with 1 - beta2.
    "adan": Case(
        "timm.optim.adan.Adan",
        {
            "lr": 0.02,
            "betas": (0.8, 0.97, 0.95),
            "eps": 1e-4,
            "weight_decay": 0.03,
            "no_prox": True,
        },
        "Adan",
        {**_ADAM, "beta3": 0.95},
    ),
    "adopt": Case("optax.contrib.adopt", _OPTAX, "ADOPT", _ADAM, adds_l2=True),
    "adopt_unclipped": Case(
        "optax.contrib.adopt",
        {**_OPTAX, "eps": 0.1, "use_clipping": False},
        "ADOPT",
        {**_ADAM, "eps": 0.1, "clip_scaled": False},
        adds_l2=True,
    ),
    "ademamix": Case(
        "optax.contrib.ademamix",
        {**_OPTAX, "b3": 0.995, "alpha": 2.0, "weight_decay": 0.03},
        "AdEMAMix",
        {**_ADAM, "beta3": 0.995, "alpha": 2.0},
    ),
    "ademamix_warmup": Case(
        "pytorch_optimizer.AdEMAMix",
        {
            **_DECAYED,
            "betas": (0.8, 0.97, 0.995),
            "alpha": 2.0,
            "t_alpha_beta3": 400,
            "weight_decouple": True,
        },
        "AdEMAMix",
        {**_ADAM, "beta3": 0.995, "alpha": 2.0, "alpha_warmup": 400, "beta3_warmup": 400},
    ),
    "adabound": Case(
        "adabound.AdaBound",
        {**_DECAYED, "final_lr": 0.03, "gamma": 0.01},
        "AdaBound",
        {**_ADAM, "final_lr": 0.03, "gamma": 0.01},
    ),
    "amsbound": Case(
        "adabound.AdaBound",
        {**_DECAYED, "final_lr": 0.03, "gamma": 0.01, "amsbound": True},
        "AdaBound",
        {**_ADAM, "final_lr": 0.03, "gamma": 0.01, "amsgrad": True},
    ),
    "laprop": Case("timm.optim.laprop.LaProp", _TORCH, "LaProp", _ADAM, adds_l2=True),
    "qhm": Case(
        "qhoptim.pyt.QHM",
        {"lr": 0.05, "momentum": 0.95, "nu": 0.6, "weight_decay": 0.02},
        "QHM",
        {"lr": 0.05, "momentum": 0.95, "nu": 0.6, "weight_decay": 0.02},
    ),
    "qhadam": Case(
        "qhoptim.pyt.QHAdam",
        {**_DECAYED, "nus": (0.6, 0.9)},
        "QHAdam",
        {**_ADAM, "nu1": 0.6, "nu2": 0.9},
    ),
    "ftrl": Case(
        "pytorch_optimizer.FTRL",
        {"lr": 0.3, "beta": 0.7, "lambda_1": 0.4, "lambda_2": 0.6},
        "FTRL",
        {**_FTRL, "beta": 0.7, "weight_decay": 0.02},
        adds_l2=True,
    ),
    "ftrl_keras": Case(
        "keras.optimizers.Ftrl",
        {
            "learning_rate": 0.3,
            "initial_accumulator_value": 0.2,
            "l1_regularization_strength": 0.4,
            "l2_regularization_strength": 0.3,  # keras writes the penalty without the half
            "weight_decay": 0.02,
        },
        "FTRL",
        {**_FTRL, "beta": 0.0, "initial_accumulator": 0.2, "weight_decay": 0.02, **_DECOUPLED},
    ),
    # Both add eps to the rate, which the paper and fastlr do not.
    "madgrad": Case(
        "madgrad.MADGRAD",
        {"lr": 0.02 - 1e-4, "momentum": 0.8, "eps": 1e-4, "weight_decay": 0.02},
        "MADGRAD",
        _MADGRAD,
    ),
    "madgrad_no_momentum": Case(
        "timm.optim.madgrad.MADGRAD",
        {"lr": 0.02 - 1e-4, "momentum": 0.0, "eps": 1e-4, "weight_decay": 0.02},
        "MADGRAD",
        {**_MADGRAD, "momentum": 0.0},
    ),
    "schedule_free_sgd": Case(
        "schedulefree.SGDScheduleFree",
        {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.02, "warmup_steps": 40},
        "ScheduleFreeSGD",
        {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.02, "warmup_steps": 40},
        state="averaged",
    ),
    "schedule_free_sgd_weights": Case(
        "schedulefree.SGDScheduleFree",
        {
            "lr": 0.05,
            "momentum": 0.8,
            "weight_decay": 0.02,
            "warmup_steps": 40,
            "r": 1.5,
            "weight_lr_power": 1.0,
        },
        "ScheduleFreeSGD",
        {
            "lr": 0.05,
            "momentum": 0.8,
            "weight_decay": 0.02,
            "warmup_steps": 40,
            "r": 1.5,
            "weight_lr_power": 1.0,
        },
        state="averaged",
    ),
    "schedule_free_adamw_weights": Case(
        "schedulefree.AdamWScheduleFree",
        {**_DECAYED, "warmup_steps": 40, "r": 0.5, "weight_lr_power": 3.0},
        "ScheduleFreeAdamW",
        {**_ADAM, "warmup_steps": 40, "r": 0.5, "weight_lr_power": 3.0},
        state="averaged",
    ),
    "schedule_free_adamw": Case(
        "schedulefree.AdamWScheduleFree",
        {**_DECAYED, "warmup_steps": 40},
        "ScheduleFreeAdamW",
        {**_ADAM, "warmup_steps": 40},
        state="averaged",
    ),
}


def record(target, cases, libraries):
    """Run the cases and write snapshots and versions to a file."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    warnings.simplefilter("ignore")  # the authors' programs use old spellings of torch
    kept = {}
    for name, case in cases.items():
        path = run(case, parameters(), gradients, SNAPSHOTS[-1])
        kept[name] = np.array(
            [np.concatenate([p.ravel() for p in ps]) for t, ps in path if t in SNAPSHOTS]
        )
        print(name)
    made_with = {name: importlib.metadata.version(name) for name in [*libraries, "numpy"]}
    np.savez_compressed(target, made_with=json.dumps(made_with), **kept)


if __name__ == "__main__":
    record(FILE, CASES, LIBRARIES)
