"""Records the optimizers that need whole arrays: ``python -m tests.recorded.make_arrays``.

It needs torch and optax. Everything else is as in `make_optimizers`. torch's Muon rounds to
bfloat16 before it iterates; for the recording that rounding is left out and its own code does the
rest in double precision, so that it can be compared as closely as the others.
"""

from __future__ import annotations

from pathlib import Path

from tests.recorded.make_optimizers import Case, record

FILE = Path(__file__).with_name("arrays_trajectories.npz")
LIBRARIES = ["torch", "optax"]


class TorchMuon:
    """torch's Muon for matrices and its AdamW for all others, as torch's documentation has it."""

    def __init__(self, params, adamw, **arguments):
        import torch

        torch.Tensor.bfloat16 = torch.Tensor.clone
        self.state = {}
        matrices = [p for p in params if p.ndim == 2]
        others = [p for p in params if p.ndim != 2]
        self.parts = [
            torch.optim.Muon(matrices, **arguments),
            torch.optim.AdamW(others, foreach=False, **adamw),
        ]

    def step(self):
        for part in self.parts:
            part.step()


def optax_sm3(learning_rate, b1, b2, eps):
    """Return optax's SM3, which refuses arrays of no dimension, with those as vectors of one."""
    import jax
    import optax

    inner = optax.chain(optax.scale_by_sm3(b1, b2, eps), optax.scale(-learning_rate))

    def vectors(arrays):
        return jax.tree.map(jax.numpy.atleast_1d, arrays)

    def update(grads, state, params):
        updates, state = inner.update(vectors(grads), state, vectors(params))
        return [u.reshape(g.shape) for u, g in zip(updates, grads, strict=True)], state

    return optax.GradientTransformation(lambda params: inner.init(vectors(params)), update)


optax_sm3.library = "optax"

_MUON = {"lr": 0.02, "momentum": 0.8, "weight_decay": 0.03}
_OURS = {**_MUON, "adamw_lr": 0.01, "adamw_beta1": 0.8, "adamw_beta2": 0.97, "adamw_eps": 1e-4}
_TORCH = {**_MUON, "adamw": {"lr": 0.01, "betas": (0.8, 0.97), "eps": 1e-4, "weight_decay": 0.03}}
_CUBIC = {"ns_steps": 3, "eps": 0.3}
_FACTOR = {"lr": 0.02, "weight_decay": 0.03}
_SM3 = {"lr": 0.1, "weight_decay": 0.02}

CASES = {
    "muon": Case("make_arrays.TorchMuon", _TORCH, "Muon", _OURS),
    "muon_heavy_ball": Case(
        "make_arrays.TorchMuon",
        {**_TORCH, **_CUBIC, "nesterov": False, "ns_coefficients": (1.5, -0.5, 0.0)},
        "Muon",
        {**_OURS, **_CUBIC, "nesterov": False, "ns_a": 1.5, "ns_b": -0.5, "ns_c": 0.0},
    ),
    "muon_match": Case(
        "make_arrays.TorchMuon",
        {**_TORCH, "adjust_lr_fn": "match_rms_adamw"},
        "Muon",
        {**_OURS, "adjust_lr_fn": "match_rms_adamw"},
    ),
    "adafactor": Case("torch.optim.Adafactor", _FACTOR, "Adafactor", _FACTOR),
    "adafactor_bounds": Case(
        "torch.optim.Adafactor",
        {**_FACTOR, "lr": 0.3, "beta2_decay": -0.6, "eps": (0.02, 0.5), "d": 1.2, "maximize": True},
        "Adafactor",
        {**_FACTOR, "lr": 0.3, "decay_rate": 0.6, "eps1": 0.02, "eps2": 0.5, "d": 1.2}
        | {"maximize": True},
    ),
    "sm3": Case(
        "make_arrays.optax_sm3",
        {"learning_rate": 0.1, "b1": 0.8, "b2": 1.0, "eps": 1e-8},
        "SM3",
        {**_SM3, "momentum": 0.8},
        adds_l2=True,
    ),
    "sm3_forgetting": Case(
        "make_arrays.optax_sm3",
        {"learning_rate": 0.1, "b1": 0.0, "b2": 0.95, "eps": 1e-3},
        "SM3",
        {**_SM3, "momentum": 0.0, "beta2": 0.95, "eps": 1e-3},
        adds_l2=True,
    ),
}


if __name__ == "__main__":
    record(FILE, CASES, LIBRARIES)
