"""Records what presets must repeat: ``python -m tests.recorded.make_presets`` rewrites the file.

It needs torch, optax, keras, scikit-learn and fastai. Each preset is recorded twice: with nothing
but the library's defaults, and with other hyper-parameters and weight decay. The rate falls from
step to step, since where it stands in the momentum shows only then. Parameters and gradients are
those of `make_torch`. Where a library has no weight decay, or none of the kind that the preset
takes, the L2 term is added to the gradients here. TensorFlow's own optimizers (presets
``"tf"``) are recorded from libraries that have the same form, told to start and divide as it does.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.recorded.make_torch import gradients, parameters

FILE = Path(__file__).with_name("preset_trajectories.npz")
LIBRARIES = ["torch", "optax", "keras", "jax", "scikit-learn", "fastai"]
SNAPSHOTS = [1, 2, 10, 100]


def falling(t):
    """Return what the rate of step t (from 0) is multiplied with."""
    return 1.0 / (1.0 + 0.03 * t)


def constant(t):
    """Return 1."""
    return 1.0


@dataclass(frozen=True)
class Case:
    """A recorded run: what made it, and the fastlr preset that must repeat it."""

    source: str  # dotted name of what made it
    arguments: dict
    optimizer: str
    preset: str
    settings: dict = field(default_factory=dict)
    falls: bool = True  # the rate, from step to step
    tolerance: float = 1e-12  # of the largest parameter
    adds_l2: bool = False  # the recorder adds settings["weight_decay"] times p to the gradient


_SKLEARN = "sklearn.neural_network._stochastic_optimizers."
_RATE = {"learning_rate": 1e-3}
_SGD = {"lr": 0.03, "momentum": 0.85, "weight_decay": 0.02}
_ADAM = {"lr": 0.02, "beta1": 0.8, "beta2": 0.97, "weight_decay": 0.03}
_TORCH = {"lr": 0.02, "betas": (0.8, 0.97), "weight_decay": 0.03}
_KERAS = {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.97, "weight_decay": 0.03}
_OPTAX = {"learning_rate": 0.02, "b1": 0.8, "b2": 0.97}
_FASTAI = {"lr": 0.02, "mom": 0.8, "sqr_mom": 0.97, "wd": 0.03}
_RMS = {"lr": 0.004, "rho": 0.95, "momentum": 0.7, "centered": True, "weight_decay": 0.03}
_OPTAX_RMS = {"learning_rate": 0.004, "decay": 0.95, "momentum": 0.7, "centered": True}
_TF_RMS = {"eps": 1e-10, "initial_scale": 1.0}
_GRAD = {"lr": 0.05, "weight_decay": 0.02}
_DELTA = {"lr": 0.5, "rho": 0.8, "weight_decay": 0.03}

CASES = {
    "sgd_torch": Case("torch.optim.SGD", {}, "SGD", "torch"),
    "sgd_torch_moved": Case(
        "torch.optim.SGD", {**_SGD, "dampening": 0.2}, "SGD", "torch", {**_SGD, "dampening": 0.2}
    ),
    "sgd_keras": Case("keras.optimizers.SGD", {}, "SGD", "keras"),
    "sgd_keras_moved": Case(
        "keras.optimizers.SGD",
        {"learning_rate": 0.03, "momentum": 0.85, "weight_decay": 0.02},
        "SGD",
        "keras",
        _SGD,
    ),
    "sgd_keras_nesterov": Case(
        "keras.optimizers.SGD",
        {"learning_rate": 0.03, "momentum": 0.85, "weight_decay": 0.02, "nesterov": True},
        "SGD",
        "keras",
        {**_SGD, "nesterov": True},
    ),
    "sgd_optax": Case("optax.sgd", {"learning_rate": 0.01}, "SGD", "optax"),
    "sgd_optax_moved": Case(
        "optax.sgd",
        {"learning_rate": 0.03, "momentum": 0.85, "nesterov": True},
        "SGD",
        "optax",
        {**_SGD, "nesterov": True},
        adds_l2=True,
    ),
    "sgd_sklearn": Case(_SKLEARN + "SGDOptimizer", {"learning_rate_init": 1e-3}, "SGD", "sklearn"),
    "sgd_sklearn_moved": Case(
        _SKLEARN + "SGDOptimizer",
        {"learning_rate_init": 0.03, "momentum": 0.85, "nesterov": False},
        "SGD",
        "sklearn",
        {**_SGD, "nesterov": False},
        adds_l2=True,
    ),
    "sgd_fastai": Case("fastai.optimizer.SGD", {"lr": 1e-3}, "SGD", "fastai"),
    "sgd_fastai_moved": Case(
        "fastai.optimizer.SGD", {"lr": 0.03, "mom": 0.85, "wd": 0.02}, "SGD", "fastai", _SGD
    ),
    "adam_torch": Case("torch.optim.Adam", {}, "Adam", "torch"),
    "adam_torch_moved": Case("torch.optim.Adam", _TORCH, "Adam", "torch", _ADAM),
    "adam_keras": Case("keras.optimizers.Adam", {}, "Adam", "keras"),
    "adam_keras_moved": Case("keras.optimizers.Adam", _KERAS, "Adam", "keras", _ADAM),
    "adam_keras_amsgrad": Case(
        "keras.optimizers.Adam",
        {**_KERAS, "amsgrad": True},
        "Adam",
        "keras",
        {**_ADAM, "amsgrad": True},
    ),
    "adam_tf": Case("keras.optimizers.Adam", {"epsilon": 1e-8}, "Adam", "tf"),
    "adam_tf_moved": Case(
        "keras.optimizers.Adam",
        {**_KERAS, "epsilon": 1e-8, "weight_decay": None},
        "Adam",
        "tf",
        _ADAM,
        adds_l2=True,
    ),
    "adam_optax": Case("optax.adam", _RATE, "Adam", "optax"),
    "adam_optax_moved": Case("optax.adam", _OPTAX, "Adam", "optax", _ADAM, adds_l2=True),
    "adam_sklearn": Case(_SKLEARN + "AdamOptimizer", {}, "Adam", "sklearn"),
    "adam_sklearn_moved": Case(
        _SKLEARN + "AdamOptimizer",
        {"learning_rate_init": 0.02, "beta_1": 0.8, "beta_2": 0.97},
        "Adam",
        "sklearn",
        _ADAM,
        adds_l2=True,
    ),
    "adam_fastai": Case("fastai.optimizer.Adam", {"lr": 1e-3}, "Adam", "fastai"),
    "adam_fastai_moved": Case("fastai.optimizer.Adam", _FASTAI, "Adam", "fastai", _ADAM),
    "adam_optax_amsgrad": Case(
        "optax.amsgrad", _OPTAX, "Adam", "optax", {**_ADAM, "amsgrad": True}, adds_l2=True
    ),
    # keras divides by the norm itself, without torch's 1e-6: paths part by a millionth.
    "adam_keras_clipped": Case(
        "keras.optimizers.Adam",
        {**_KERAS, "clipnorm": 0.8, "epsilon": 1e-3},
        "Adam",
        "keras",
        {**_ADAM, "clip_norm": 0.8, "clip_scope": "parameter", "eps": 1e-3},
        tolerance=1e-6,
    ),
    "adamw_torch": Case("torch.optim.AdamW", {}, "AdamW", "torch"),
    "adamw_torch_moved": Case("torch.optim.AdamW", _TORCH, "AdamW", "torch", _ADAM),
    "adamw_keras": Case("keras.optimizers.AdamW", {}, "AdamW", "keras"),
    "adamw_keras_moved": Case("keras.optimizers.AdamW", _KERAS, "AdamW", "keras", _ADAM),
    "adamw_optax": Case("optax.adamw", _RATE, "AdamW", "optax"),
    "adamw_optax_moved": Case(
        "optax.adamw", {**_OPTAX, "weight_decay": 0.03}, "AdamW", "optax", _ADAM
    ),
    "adamw_fastai": Case("fastai.optimizer.Adam", {"lr": 1e-3}, "AdamW", "fastai"),
    "adamw_fastai_moved": Case("fastai.optimizer.Adam", _FASTAI, "AdamW", "fastai", _ADAM),
    "rmsprop_torch": Case("torch.optim.RMSprop", {}, "RMSprop", "torch"),
    "rmsprop_torch_moved": Case(
        "torch.optim.RMSprop",
        {"lr": 0.004, "alpha": 0.95, "momentum": 0.7, "centered": True, "weight_decay": 0.03},
        "RMSprop",
        "torch",
        _RMS,
    ),
    "rmsprop_keras": Case("keras.optimizers.RMSprop", {}, "RMSprop", "keras"),
    "rmsprop_keras_moved": Case(
        "keras.optimizers.RMSprop",
        {
            "learning_rate": 0.004,
            "rho": 0.95,
            "momentum": 0.7,
            "centered": True,
            "weight_decay": 0.03,
        },
        "RMSprop",
        "keras",
        _RMS,
    ),
    "rmsprop_tf": Case("optax.rmsprop", {**_RATE, **_TF_RMS}, "RMSprop", "tf"),
    "rmsprop_tf_moved": Case(
        "optax.rmsprop", {**_OPTAX_RMS, **_TF_RMS}, "RMSprop", "tf", _RMS, adds_l2=True
    ),
    "rmsprop_tf_eps": Case(
        "optax.rmsprop",
        {**_OPTAX_RMS, **_TF_RMS, "eps": 1e-4},
        "RMSprop",
        "tf",
        {**_RMS, "eps": 1e-4},
        adds_l2=True,
    ),
    "rmsprop_optax": Case("optax.rmsprop", _RATE, "RMSprop", "optax"),
    "rmsprop_optax_moved": Case(
        "optax.rmsprop", _OPTAX_RMS, "RMSprop", "optax", _RMS, adds_l2=True
    ),
    "adagrad_torch": Case("torch.optim.Adagrad", {}, "Adagrad", "torch"),
    "adagrad_torch_moved": Case("torch.optim.Adagrad", _GRAD, "Adagrad", "torch", _GRAD),
    "adagrad_keras": Case("keras.optimizers.Adagrad", {}, "Adagrad", "keras"),
    "adagrad_keras_moved": Case(
        "keras.optimizers.Adagrad",
        {"learning_rate": 0.05, "weight_decay": 0.02},
        "Adagrad",
        "keras",
        _GRAD,
    ),
    "adagrad_tf": Case("optax.adagrad", {"learning_rate": 0.01, "eps": 0.0}, "Adagrad", "tf"),
    "adagrad_tf_moved": Case(
        "optax.adagrad", {"learning_rate": 0.05, "eps": 0.0}, "Adagrad", "tf", _GRAD, adds_l2=True
    ),
    "adagrad_optax": Case("optax.adagrad", {"learning_rate": 0.01}, "Adagrad", "optax"),
    "adagrad_optax_moved": Case(
        "optax.adagrad", {"learning_rate": 0.05}, "Adagrad", "optax", _GRAD, adds_l2=True
    ),
    "adadelta_torch": Case("torch.optim.Adadelta", {}, "Adadelta", "torch"),
    "adadelta_torch_moved": Case("torch.optim.Adadelta", _DELTA, "Adadelta", "torch", _DELTA),
    "adadelta_keras": Case("keras.optimizers.Adadelta", {}, "Adadelta", "keras"),
    "adadelta_keras_moved": Case(
        "keras.optimizers.Adadelta",
        {"learning_rate": 0.5, "rho": 0.8, "weight_decay": 0.03},
        "Adadelta",
        "keras",
        _DELTA,
    ),
    "adadelta_tf": Case("keras.optimizers.Adadelta", {"epsilon": 1e-8}, "Adadelta", "tf"),
    "adadelta_tf_moved": Case(
        "keras.optimizers.Adadelta",
        {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-8},
        "Adadelta",
        "tf",
        _DELTA,
        adds_l2=True,
    ),
    "adadelta_optax": Case("optax.adadelta", {"learning_rate": 1.0}, "Adadelta", "optax"),
    "adadelta_optax_moved": Case(
        "optax.adadelta",
        {"learning_rate": 0.5, "rho": 0.8, "weight_decay": 0.03},
        "Adadelta",
        "optax",
        _DELTA,
    ),
    "adamax_torch": Case("torch.optim.Adamax", {}, "Adamax", "torch"),
    "adamax_torch_moved": Case("torch.optim.Adamax", _TORCH, "Adamax", "torch", _ADAM),
    "adamax_keras": Case("keras.optimizers.Adamax", {}, "Adamax", "keras"),
    "adamax_keras_moved": Case("keras.optimizers.Adamax", _KERAS, "Adamax", "keras", _ADAM),
    "adamax_optax": Case("optax.adamax", {"learning_rate": 2e-3}, "Adamax", "optax"),
    "adamax_optax_moved": Case("optax.adamax", _OPTAX, "Adamax", "optax", _ADAM, adds_l2=True),
    "lion_keras": Case("keras.optimizers.Lion", {}, "Lion", "keras"),
    "lion_keras_moved": Case(
        "keras.optimizers.Lion",
        {"learning_rate": 0.004, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": 0.2},
        "Lion",
        "keras",
        {"lr": 0.004, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.2},
    ),
    "lamb_keras": Case("keras.optimizers.Lamb", {}, "LAMB", "keras"),
    "lamb_keras_moved": Case("keras.optimizers.Lamb", _KERAS, "LAMB", "keras", _ADAM),
    # keras divides by the rate of the step in what it keeps: see `FTRL`.
    "ftrl_keras": Case("keras.optimizers.Ftrl", {}, "FTRL", "keras", falls=False),
    "ftrl_keras_moved": Case(
        "keras.optimizers.Ftrl",
        {
            "learning_rate": 0.05,
            "initial_accumulator_value": 0.2,
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.2,
            "beta": 0.5,
            "weight_decay": 0.02,
        },
        "FTRL",
        "keras",
        {
            "lr": 0.05,
            "initial_accumulator": 0.2,
            "l1": 0.3,
            "l2": 0.4,
            "beta": 0.5,
            "weight_decay": 0.02,
        },
        falls=False,
    ),
    "nadam_torch": Case("torch.optim.NAdam", {}, "NAdam", "torch"),
    "nadam_torch_moved": Case("torch.optim.NAdam", _TORCH, "NAdam", "torch", _ADAM),
    "nadam_keras": Case("keras.optimizers.Nadam", {}, "NAdam", "keras"),
    "nadam_keras_moved": Case("keras.optimizers.Nadam", _KERAS, "NAdam", "keras", _ADAM),
}


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_ENABLE_X64"] = "1"
    run = importlib.import_module("preset_libraries").run
    kept = {}
    for name, case in CASES.items():
        factor = falling if case.falls else constant
        path = run(case, parameters(), gradients, factor, SNAPSHOTS[-1])
        kept[name] = np.array(
            [np.concatenate([p.ravel() for p in ps]) for t, ps in path if t in SNAPSHOTS]
        )
        print(name)
    made_with = {name: importlib.metadata.version(name) for name in [*LIBRARIES, "numpy"]}
    np.savez_compressed(FILE, made_with=json.dumps(made_with), **kept)


if __name__ == "__main__":
    main()
