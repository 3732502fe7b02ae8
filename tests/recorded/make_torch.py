"""Records what torch's optimizers do: ``python -m tests.recorded.make_torch`` rewrites the file.

Each case names a torch optimizer and the fastlr one that must walk the same path. Parameters and
gradients are formulas (`hashed.uniform`), so that only snapshots are stored. The live test
(`tests/oracles`) runs the same cases against the torch that is installed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.support.hashed import uniform

FILE = Path(__file__).with_name("torch_trajectories.npz")
SEED = 71
SHAPES = [(), (1,), (2,), (3, 2), (2, 2, 2), (7,), (4, 1)]
SNAPSHOTS = [1, 2, 3, 10, 100, 300, 1000]

# name: (torch class and arguments), (fastlr class and arguments); clip: bound of the global norm
_SGD = {"lr": 0.03, "momentum": 0.85, "dampening": 0.2, "weight_decay": 0.02}
_NESTEROV = {"lr": 0.03, "momentum": 0.85, "nesterov": True, "weight_decay": 0.02}
_ADAM = {"lr": 0.02, "eps": 1e-5, "weight_decay": 0.03}
_BETAS = {"beta1": 0.8, "beta2": 0.97}
_RMS = {"lr": 0.004, "eps": 1e-4, "weight_decay": 0.03}
_ADAGRAD = {"lr": 0.05, "lr_decay": 0.003, "eps": 1e-6, "weight_decay": 0.02}


def _adam(name, **more):
    return (
        (name, {**_ADAM, "betas": [0.8, 0.97], **more}),
        (name, {**_ADAM, **_BETAS, **more}),
    )


def _rmsprop(**more):
    return ("RMSprop", {**_RMS, "alpha": 0.95, **more}), ("RMSprop", {**_RMS, "rho": 0.95, **more})


CASES = {
    "sgd": (("SGD", {"lr": 0.03, "weight_decay": 0.02}),) * 2,
    "sgd_dampening": (("SGD", _SGD),) * 2,
    "sgd_nesterov": (("SGD", _NESTEROV),) * 2,
    "sgd_maximize": (("SGD", {**_SGD, "maximize": True}),) * 2,
    "adam": _adam("Adam"),
    "adam_amsgrad": _adam("Adam", amsgrad=True),
    "adam_maximize": _adam("Adam", maximize=True),
    "adamw": _adam("AdamW"),
    "adamw_amsgrad": _adam("AdamW", amsgrad=True),
    "adamw_maximize": _adam("AdamW", maximize=True),
    "rmsprop": _rmsprop(),
    "rmsprop_momentum": _rmsprop(momentum=0.7),
    "rmsprop_centered": _rmsprop(centered=True),
    "rmsprop_momentum_centered": _rmsprop(momentum=0.7, centered=True),
    "adagrad": (
        ("Adagrad", {**_ADAGRAD, "initial_accumulator_value": 0.2}),
        ("Adagrad", {**_ADAGRAD, "initial_accumulator": 0.2}),
    ),
    "adagrad_maximize": (("Adagrad", {**_ADAGRAD, "maximize": True}),) * 2,
}
CLIPPED = ["sgd_dampening", "adam", "adamw_amsgrad", "rmsprop_momentum_centered", "adagrad"]
CLIP_NORM = 12.0  # two steps in three exceed it


def parameters(seed=SEED):
    """Return the initial parameters."""
    return [np.asarray(2.0 * uniform(s, seed, k)) for k, s in enumerate(SHAPES)]


def gradients(t, seed=SEED):
    """Return the gradients of step t (from 1): sizes differ between arrays and over time."""
    wave = 1.0 if t % 3 else 0.25
    return [
        np.asarray(wave * 10.0 ** (k % 3 - 1) * uniform(s, seed + 1 + k, t) + 0.01 * k)
        for k, s in enumerate(SHAPES)
    ]


def torch_run(case, clip_norm, start, grads_of, steps, dtype="float64"):
    """Yield (t, parameters as arrays) after each step of torch's optimizer."""
    import torch

    name, arguments = CASES[case][0]
    params = [torch.tensor(p, dtype=getattr(torch, dtype), requires_grad=True) for p in start]
    optimizer = getattr(torch.optim, name)(params, foreach=False, **arguments)
    for t in range(1, steps + 1):
        for p, g in zip(params, grads_of(t), strict=True):
            p.grad = torch.tensor(g, dtype=p.dtype)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(params, clip_norm)
        optimizer.step()
        yield t, [p.detach().numpy().copy() for p in params]


def main():
    import platform

    import torch

    kept = {}
    for clip in (False, True):
        for case in CLIPPED if clip else CASES:
            run = torch_run(case, CLIP_NORM * clip, parameters(), gradients, SNAPSHOTS[-1])
            path = [np.concatenate([p.ravel() for p in ps]) for t, ps in run if t in SNAPSHOTS]
            kept[case + ("_clipped" if clip else "")] = np.array(path)
    made_with = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "formula": "tests/support/hashed.py, tests/recorded/make_torch.py: parameters, gradients",
        "snapshots": SNAPSHOTS,
    }
    np.savez_compressed(FILE, made_with=json.dumps(made_with), **kept)


if __name__ == "__main__":
    main()
