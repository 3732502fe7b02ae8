"""Records the optimizers that need sums first: ``python -m tests.recorded.make_sums``.

It needs torch, optax, timm, and the authors' prodigyopt and dadaptation. Everything else is as in
`make_optimizers`; without a bound on their growth, the estimated rates would leave for infinity,
since the gradients do not depend on the parameters.
"""

from __future__ import annotations

from pathlib import Path

from tests.recorded.make_optimizers import Case, record

FILE = Path(__file__).with_name("sums_trajectories.npz")
LIBRARIES = ["torch", "optax", "timm", "prodigyopt", "dadaptation"]

_LARS = {"lr": 0.8, "momentum": 0.7, "eps": 1e-3, "weight_decay": 0.03}
_TIMM = {**_LARS, "trust_coeff": 0.02}
_OPTAX_LARS = {"learning_rate": 0.8, "momentum": 0.7, "eps": 1e-3, "weight_decay": 0.03}
_OPTAX_LARS |= {"trust_coefficient": 0.02}
_BETAS = {"beta1": 0.8, "beta2": 0.97}
_ESTIMATE = {"lr": 0.7, "d0": 0.01, "eps": 1e-4, "growth_rate": 1.002, "weight_decay": 0.03}
_TORCH = {**_ESTIMATE, "betas": (0.8, 0.97)}

CASES = {
    "lars": Case("timm.optim.lars.Lars", _TIMM, "LARS", {**_LARS, "trust_coefficient": 0.02}),
    "lars_nesterov": Case(
        "timm.optim.lars.Lars",
        {**_TIMM, "nesterov": True},
        "LARS",
        {**_LARS, "trust_coefficient": 0.02, "nesterov": True},
    ),
    "lars_decayed_norm": Case(
        "optax.lars",
        _OPTAX_LARS,
        "LARS",
        {**_LARS, "trust_coefficient": 0.02, "decayed_norm": True},
    ),
    "lars_decayed_norm_nesterov": Case(
        "optax.lars",
        {**_OPTAX_LARS, "nesterov": True},
        "LARS",
        {**_LARS, "trust_coefficient": 0.02, "decayed_norm": True, "nesterov": True},
    ),
    "lamb": Case(
        "optax.lamb",
        {"learning_rate": 0.01, "b1": 0.8, "b2": 0.97, "eps": 1e-4, "weight_decay": 0.03},
        "LAMB",
        {"lr": 0.01, **_BETAS, "eps": 1e-4, "weight_decay": 0.03},
    ),
    "novograd": Case(
        "optax.novograd",
        {"learning_rate": 0.004, "b1": 0.8, "b2": 0.97, "eps": 1e-2, "weight_decay": 0.03},
        "NovoGrad",
        {"lr": 0.004, **_BETAS, "eps": 1e-2, "weight_decay": 0.03},
    ),
    "dog": Case(
        "optax.contrib.dog",
        {"learning_rate": 0.7, "init_step": ("heuristic", 0.01), "eps": 0.5},
        "DoG",
        {"lr": 0.7, "initial_distance": 0.01, "eps": 0.5, "weight_decay": 0.03},
        adds_l2=True,
    ),
    "prodigy": Case(
        "prodigyopt.Prodigy",
        {**_TORCH, "beta3": 0.95, "d_coef": 1.5},
        "Prodigy",
        {**_ESTIMATE, **_BETAS, "beta3": 0.95, "d_coef": 1.5},
        state="s",
    ),
    "prodigy_warmup": Case(
        "prodigyopt.Prodigy",
        {**_TORCH, "safeguard_warmup": True, "use_bias_correction": True},
        "Prodigy",
        {**_ESTIMATE, **_BETAS, "safeguard_warmup": True, "bias_correction": True},
    ),
    "prodigy_l2": Case(
        "prodigyopt.Prodigy",
        {**_TORCH, "decouple": False},
        "Prodigy",
        {**_ESTIMATE, **_BETAS, "decay": "l2"},
    ),
    "dadaptadam": Case(
        "dadaptation.DAdaptAdam",
        {**_TORCH, "decouple": True},
        "DAdaptAdam",
        {**_ESTIMATE, **_BETAS},
        state="s",
    ),
    "dadaptadam_l2": Case(
        "dadaptation.DAdaptAdam",
        {**_TORCH, "use_bias_correction": True},
        "DAdaptAdam",
        {**_ESTIMATE, **_BETAS, "bias_correction": True, "decay": "l2"},
    ),
}


if __name__ == "__main__":
    record(FILE, CASES, LIBRARIES)
