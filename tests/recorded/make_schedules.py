"""Records learning rates and momenta of torch and optax in schedules.json.

Run it with torch, optax and jax installed: ``python -m tests.recorded.make_schedules``. The rate
is 1 throughout, so what is recorded are factors. Each case names the fastlr schedule, as the
call that builds it, and the steps past which the library is known to be wrong are not recorded.
"""

import json
import warnings
from pathlib import Path

import jax
import numpy as np
import optax
import torch
from torch.optim import lr_scheduler as torch_lr

jax.config.update("jax_enable_x64", True)


def torch_case(build, steps):
    """Step a torch scheduler, as a training loop does."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0, momentum=0.9)
    scheduler = build(optimizer)
    rates, momenta = [], []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        momenta.append(float(optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step()
    driven = any(m != 0.9 for m in momenta)
    return {"factor": rates, "momentum": momenta if driven else None}


def optax_case(schedule, steps):
    """Evaluate an optax schedule at every step."""
    return {"factor": [float(schedule(np.int64(t))) for t in range(steps)], "momentum": None}


def plateau_case(metrics, **settings):
    """Give a torch plateau scheduler one metric per epoch; record the rate of the next."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch_lr.ReduceLROnPlateau(optimizer, eps=0.0, **settings)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return {"metrics": metrics, "factor": rates}


def torch_cases():
    """Return the step-wise torch schedulers."""
    one_cycle = torch_lr.OneCycleLR
    cyclic = torch_lr.CyclicLR
    restarts = torch_lr.CosineAnnealingWarmRestarts
    return {
        "StepDecay(7, gamma=0.3)": (lambda o: torch_lr.StepLR(o, 7, gamma=0.3), 60),
        "ExponentialDecay(0.97, every=1)": (lambda o: torch_lr.ExponentialLR(o, 0.97), 60),
        "CosineAnnealing(40, min_factor=0.05)": (
            lambda o: torch_lr.CosineAnnealingLR(o, 40, eta_min=0.05),
            41,
        ),
        "CosineAnnealing(20, min_factor=0.05, after='periodic')": (
            lambda o: torch_lr.CosineAnnealingLR(o, 20, eta_min=0.05),
            75,
        ),
        "CosineRestarts(9, min_factor=0.01)": (lambda o: restarts(o, 9, 1, eta_min=0.01), 60),
        "CosineRestarts(10, T_mult=3, min_factor=0.01)": (
            lambda o: restarts(o, 10, 3, eta_min=0.01),
            140,
        ),
        "Warmup(12, start=1 / 3)": (
            lambda o: torch_lr.LinearLR(o, start_factor=1 / 3, total_iters=12),
            20,
        ),
        "Cyclical(6, 9, min_factor=0.2, base_momentum=0.7, max_momentum=0.95)": (
            lambda o: cyclic(o, 0.2, 1.0, 6, 9, base_momentum=0.7, max_momentum=0.95),
            60,
        ),
        "Cyclical(5, min_factor=0.1, mode='triangular2')": (
            lambda o: cyclic(o, 0.1, 1.0, 5, mode="triangular2"),
            60,
        ),
        "Cyclical(5, 3, min_factor=0.1, mode='exp_range', gamma=0.98)": (
            lambda o: cyclic(o, 0.1, 1.0, 5, 3, mode="exp_range", gamma=0.98),
            60,
        ),
        "Cyclical(5, 3, min_factor=0.1, mode='exp_range', gamma=0.8, scale_mode='cycle')": (
            lambda o: cyclic(o, 0.1, 1.0, 5, 3, scale_fn=lambda x: 0.8**x, scale_mode="cycle"),
            60,
        ),
        "Cyclical(5, 3, min_factor=0.1, scale_mode='cycle', scale=lambda i: 1 / (1 + 0.3 * i))": (
            lambda o: cyclic(
                o, 0.1, 1.0, 5, 3, scale_fn=lambda i: 1 / (1 + 0.3 * i), scale_mode="cycle"
            ),
            60,
        ),
        "Cyclical(5, 3, min_factor=0.1, scale=lambda t: 0.97**t)": (
            lambda o: cyclic(
                o, 0.1, 1.0, 5, 3, scale_fn=lambda t: 0.97**t, scale_mode="iterations"
            ),
            60,
        ),
        "MultiStep([4, 11, 30], gamma=0.3)": (
            lambda o: torch_lr.MultiStepLR(o, [4, 11, 30], gamma=0.3),
            60,
        ),
        "Polynomial(30, power=2.3)": (lambda o: torch_lr.PolynomialLR(o, 30, power=2.3), 45),
        "Linear(17, start=0.9, end=0.2)": (
            lambda o: torch_lr.LinearLR(o, start_factor=0.9, end_factor=0.2, total_iters=17),
            30,
        ),
        "Warmup(7, shape='constant')": (lambda o: torch_lr.ConstantLR(o, 1 / 3, 7), 20),
        "Warmup(7, start=0.2, shape='constant')": (lambda o: torch_lr.ConstantLR(o, 0.2, 7), 20),
        "Function(lambda t: 1 / (1 + t) ** 0.7)": (
            lambda o: torch_lr.LambdaLR(o, lambda t: 1 / (1 + t) ** 0.7),
            40,
        ),
        "OneCycle(60)": (lambda o: one_cycle(o, 1.0, 60), 60),
        "OneCycle(47, 0.41, 'linear', True, 0.8, 0.97, 10.0, 50.0)": (
            lambda o: one_cycle(
                o,
                1.0,
                47,
                pct_start=0.41,
                anneal_strategy="linear",
                base_momentum=0.8,
                max_momentum=0.97,
                div_factor=10.0,
                final_div_factor=50.0,
            ),
            47,
        ),
        "OneCycle(55, 0.37, three_phase=True)": (
            lambda o: one_cycle(o, 1.0, 55, pct_start=0.37, three_phase=True),
            55,
        ),
        "OneCycle(55, 0.45, 'linear', False, three_phase=True)": (
            lambda o: one_cycle(
                o,
                1.0,
                55,
                pct_start=0.45,
                anneal_strategy="linear",
                cycle_momentum=False,
                three_phase=True,
            ),
            55,
        ),
    }


def optax_cases():
    """Return the optax schedules, times past the end included."""
    return {
        "ExponentialDecay(0.6, every=9, min_factor=0.05)": (
            optax.exponential_decay(1.0, 9, 0.6, end_value=0.05),
            70,
        ),
        "ExponentialDecay(0.6, every=9, staircase=True)": (
            optax.exponential_decay(1.0, 9, 0.6, staircase=True),
            70,
        ),
        "CosineAnnealing(40, min_factor=0.1)": (
            optax.cosine_decay_schedule(1.0, 40, alpha=0.1),
            60,
        ),
        "Warmup(10, CosineAnnealing(30, min_factor=0.1), start=0.0)": (
            optax.warmup_cosine_decay_schedule(0.0, 1.0, 10, 40, end_value=0.1),
            60,
        ),
        "Polynomial(30, power=1.7, min_factor=0.2)": (
            optax.polynomial_schedule(1.0, 0.2, 1.7, 30),
            45,
        ),
        "Linear(25, start=0.3, end=1.2)": (optax.linear_schedule(0.3, 1.2, 25), 40),
        "Piecewise([5, 12, 30], [1.0, 0.5, 0.8, 0.1])": (
            optax.piecewise_constant_schedule(1.0, {5: 0.5, 12: 1.6, 30: 0.125}),
            45,
        ),
        "Piecewise([5, 12, 30], [0.4, 1.0, 0.5, 0.1], 'linear')": (
            optax.piecewise_interpolate_schedule("linear", 0.4, {5: 2.5, 12: 0.5, 30: 0.2}),
            45,
        ),
        "Constant().then(CosineAnnealing(20), after=15)": (
            optax.join_schedules(
                [optax.constant_schedule(1.0), optax.cosine_decay_schedule(1.0, 20)], [15]
            ),
            50,
        ),
    }


def plateau_cases():
    """Return plateau runs on a noisy curve that levels off."""
    rng = np.random.default_rng(0)
    loss = (1 / (1 + np.arange(60)) + 0.5 + 0.03 * rng.standard_normal(60)).round(4).tolist()
    score = (1 - np.array(loss) / 2).round(4).tolist()
    return {
        "ReduceOnPlateau(0.5, 3)": plateau_case(loss, factor=0.5, patience=3),
        "ReduceOnPlateau(0.3, 0, 0.01, cooldown=2, min_factor=0.02)": plateau_case(
            loss, factor=0.3, patience=0, threshold=0.01, cooldown=2, min_lr=0.02
        ),
        "ReduceOnPlateau(0.7, 2, 0.02, 'abs', 1)": plateau_case(
            loss, factor=0.7, patience=2, threshold=0.02, threshold_mode="abs", cooldown=1
        ),
        "ReduceOnPlateau(0.5, 2, 0.003, mode='max')": plateau_case(
            score, factor=0.5, patience=2, threshold=0.003, mode="max"
        ),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # torch complains of the unused optimizer step
    data = {
        "versions": {
            "torch": torch.__version__,
            "optax": optax.__version__,
            "jax": jax.__version__,
        },
        "torch": {name: torch_case(*case) for name, case in torch_cases().items()},
        "optax": {name: optax_case(*case) for name, case in optax_cases().items()},
        "plateau": plateau_cases(),
    }
    path = Path(__file__).with_name("schedules.json")
    path.write_text(json.dumps(data, indent=None, separators=(",", ":")) + "\n")
