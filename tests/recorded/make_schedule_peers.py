"""Records learning rates of keras, transformers and fastai in schedule_peers.json.

Run it with the three installed, and torch: ``python -m tests.recorded.make_schedule_peers``. The
form is that of schedules.json: the rate is 1, and each case names the fastlr schedule.
"""

import json
import os
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"  # the numpy backend rounds to single precision

import fastai
import keras
import torch
import transformers
from fastai.callback.schedule import combined_cos
from transformers import optimization

keras.config.set_floatx("float64")


def keras_case(schedule, steps):
    """Evaluate a keras schedule at every step."""
    return {"factor": [float(schedule(float(t))) for t in range(steps)], "momentum": None}


def transformers_case(build, steps):
    """Step a scheduler of transformers, as a training loop does."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, rates = build(optimizer), []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return {"factor": rates, "momentum": None}


def fastai_case(steps, div=25.0, div_final=1e5, pct_start=0.25, moms=(0.95, 0.85, 0.95)):
    """Evaluate what ``fit_one_cycle`` hands to its scheduler, at the times it does."""
    rate = combined_cos(pct_start, 1 / div, 1.0, 1 / div_final)
    momentum = combined_cos(pct_start, *moms)
    return {
        "factor": [float(rate(t / steps)) for t in range(steps)],
        "momentum": [float(momentum(t / steps)) for t in range(steps)],
    }


def keras_cases():
    """Return the keras schedules; its piecewise constants change after their boundaries."""
    lr = keras.optimizers.schedules
    return {
        "InverseTime(0.7, every=6)": (lr.InverseTimeDecay(1.0, 6, 0.7), 50),
        "InverseTime(0.7, every=6, staircase=True)": (
            lr.InverseTimeDecay(1.0, 6, 0.7, staircase=True),
            50,
        ),
        "Polynomial(30, power=0.6, min_factor=0.1)": (
            lr.PolynomialDecay(1.0, 30, 0.1, power=0.6),
            45,
        ),
        "Piecewise([6, 13], [1.0, 0.3, 0.05])": (
            lr.PiecewiseConstantDecay([5, 12], [1.0, 0.3, 0.05]),
            30,
        ),
        "ExponentialDecay(0.6, every=9)": (lr.ExponentialDecay(1.0, 9, 0.6), 40),
        "CosineRestarts(7, T_mult=2, decay=0.8, min_factor=0.1)": (
            lr.CosineDecayRestarts(1.0, 7, t_mul=2.0, m_mul=0.8, alpha=0.1),
            20,
        ),
    }


def transformers_cases():
    """Return the schedules of transformers, which begin at a rate of 0."""
    inverse_sqrt, wsd = optimization.get_inverse_sqrt_schedule, optimization.get_wsd_schedule
    return {
        "Warmup(8, InverseSqrt(8), start=0.0)": (lambda o: inverse_sqrt(o, 8), 60),
        "Warmup(8, InverseSqrt(21), start=0.0)": (
            lambda o: inverse_sqrt(o, 8, timescale=21),
            60,
        ),
        "InverseSqrt(10000)": (lambda o: inverse_sqrt(o, 0), 30),
        "Warmup(6, Linear(24), start=0.0)": (
            lambda o: optimization.get_linear_schedule_with_warmup(o, 6, 30),
            40,
        ),
        "Warmup(6, Polynomial(24, power=3.0, min_factor=0.01), start=0.0)": (
            lambda o: optimization.get_polynomial_decay_schedule_with_warmup(
                o, 6, 30, lr_end=0.01, power=3.0
            ),
            40,
        ),
        "WarmupStableDecay(6, 11, 30, 'linear', start=0.0)": (
            lambda o: wsd(o, 6, 11, 30, decay_type="linear"),
            40,
        ),
        "WarmupStableDecay(6, 11, 30, 'cosine', 0.1, start=0.1)": (
            lambda o: wsd(o, 6, 11, 30, decay_type="cosine", min_lr_ratio=0.1),
            40,
        ),
        "WarmupStableDecay(6, 11, 30, '1-sqrt', 0.2, start=0.2)": (
            lambda o: wsd(o, 6, 11, 30, decay_type="1-sqrt", min_lr_ratio=0.2),
            40,
        ),
    }


def fastai_cases():
    """Return arguments of ``fit_one_cycle``."""
    return {
        "OneCycle(60, preset='fastai')": {"steps": 60},
        "OneCycle(47, preset='fastai')": {"steps": 47},
        "OneCycle(50, 0.4, 'cos', True, 0.8, 0.9, 10.0, 50.0, preset='fastai')": {
            "steps": 50,
            "div": 10.0,
            "div_final": 500.0,
            "pct_start": 0.4,
            "moms": (0.9, 0.8, 0.9),
        },
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # torch complains of the unused optimizer step
    data = {
        "versions": {
            "keras": keras.__version__,
            "transformers": transformers.__version__,
            "fastai": fastai.__version__,
        },
        "keras": {name: keras_case(*case) for name, case in keras_cases().items()},
        "transformers": {
            name: transformers_case(*case) for name, case in transformers_cases().items()
        },
        "fastai": {name: fastai_case(**case) for name, case in fastai_cases().items()},
    }
    path = Path(__file__).with_name("schedule_peers.json")
    path.write_text(json.dumps(data, indent=None, separators=(",", ":")) + "\n")
