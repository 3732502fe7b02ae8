"""Plain NumPy forms of the rules that step by signs, by momentum alone, or from a sum of gradients.

Written like those in `reference.py`, which describes the signature, from the papers named at each.
"""

import numpy as np


def signum(p, g, t, lr, s, momentum):
    """Bernstein et al. 2018, algorithm 2, and algorithm 1 without momentum."""
    s["m"] = momentum * s.get("m", 0.0) + (1 - momentum) * g
    return p - lr * np.sign(s["m"])


def lion(p, g, t, lr, s, beta1, beta2):
    """Chen et al. 2023, algorithm 2."""
    m = s.get("m", 0.0)
    s["m"] = beta2 * m + (1 - beta2) * g
    return p - lr * np.sign(beta1 * m + (1 - beta1) * g)


def rprop(p, g, t, lr, s, eta_minus, eta_plus, min_step, max_step):
    """iRprop-, as torch has it; what a schedule does to it is fastlr's own choice."""
    base = s.setdefault("first lr", lr)  # a schedule begins at 1
    size, last = s.get("size", base), s.get("last", 0.0 * g)
    size = np.where(g * last > 0, size * eta_plus, np.where(g * last < 0, size * eta_minus, size))
    s["size"] = np.clip(size, min_step, max_step)
    s["last"] = np.where(g * last < 0, 0.0, g)
    return p - lr / base * s["size"] * np.sign(s["last"])


def qhm(p, g, t, lr, s, momentum, nu):
    """Ma & Yarats 2019, equations 3 and 4."""
    s["m"] = momentum * s.get("m", 0.0) + (1 - momentum) * g
    return p - lr * ((1 - nu) * g + nu * s["m"])


def asgd(p, g, t, lr, s, lambd, alpha, t0):
    """Bottou 2010, section 5, with torch's counting of steps; the average changes nothing here."""
    rate = lr / (1 + lambd * lr * (t - 1)) ** alpha
    return p * (1 - lambd * rate) - rate * g


def ftrl(p, g, t, lr, s, beta, l1, l2, initial_accumulator):
    """McMahan et al. 2013, algorithm 1, in the form with `z` in units of gradient.

    Gradients carry what a schedule does, relative to the rate of the first step.
    """
    base = s.setdefault("first lr", lr)
    n, z = s.get("n", initial_accumulator), s.get("z", 0.0)
    s["n"] = n + g**2
    s["z"] = z + lr / base * g - (np.sqrt(s["n"]) - np.sqrt(n)) / base * p
    shrunk = np.sign(s["z"]) * np.maximum(np.abs(s["z"]) - l1, 0.0)
    return -shrunk / ((beta + np.sqrt(s["n"])) / base + l2)


def madgrad(p, g, t, lr, s, momentum, eps):
    """Defazio & Jelassi 2021, algorithm 1."""
    if momentum == 0:  # the point that the sums so far lead to the parameter from
        back = s.get("s", 0.0) / (np.cbrt(s.get("v", 0.0)) + eps)
        origin = p + back
    else:
        origin = s["start"]
    weight = lr * np.sqrt(t)
    s["s"] = s.get("s", 0.0) + weight * g
    s["v"] = s.get("v", 0.0) + weight * g**2
    z = origin - s["s"] / (np.cbrt(s["v"]) + eps)
    return momentum * p + (1 - momentum) * z


def schedule_free_sgd(p, g, t, lr, s, momentum, **weights):
    """Defazio et al. 2024, equations 3 to 5, with z, x and y apart."""
    return schedule_free(p, g, t, lr, s, momentum, **weights)


def schedule_free_adamw(p, g, t, lr, s, beta1, beta2, eps, **weights):
    """Defazio et al. 2024, algorithm 1."""
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    scaled = g / (np.sqrt(s["v"] / (1 - beta2**t)) + eps)
    return schedule_free(p, scaled, t, lr, s, beta1, **weights)


def schedule_free(y, direction, t, lr, s, beta, warmup_steps, r, weight_lr_power):
    """Return the next y; a schedule leaves the weights of the average alone."""
    warm = min(1.0, t / warmup_steps) if warmup_steps else 1.0
    before = min(1.0, (t - 1) / warmup_steps) if warmup_steps else 1.0
    # The sum of the weights, in units of the last one: weights themselves may overflow.
    ratio = ((t - 1) / t) ** r * (before / warm) ** weight_lr_power if t > 1 else 0.0
    s["total"] = 1 + s.get("total", 0.0) * ratio
    c = 1 / s["total"]
    s["z"] = s.get("z", s["start"]) - warm * (lr * direction + s["share"] * y)
    s["x"] = (1 - c) * s.get("x", s["start"]) + c * s["z"]
    return (1 - beta) * s["z"] + beta * s["x"]


schedule_free_sgd.decays = schedule_free_adamw.decays = True

# A power of two: the rounding of steps of one length would add up in single precision.
_SIGN = {"lr": 2.0**-8, "weight_decay": 0.2}
_FREE = {"lr": 0.02, "beta1": 0.8, "beta2": 0.97, "eps": 1e-4, "weight_decay": 0.3}
_FTRL = {"lr": 2.0, "beta": 4.0, "l1": 0.2, "l2": 4.0, "weight_decay": 0.02}

RULES = {
    "signum": (signum, [{**_SIGN, "momentum": 0.8}, _SIGN | {"momentum": 0.0}]),
    "lion": (lion, [{**_SIGN, "beta1": 0.8, "beta2": 0.95}]),
    "rprop": (
        rprop,
        [
            {
                "lr": 0.05,
                "eta_minus": 0.7,
                "eta_plus": 1.4,
                "min_step": 0.001,
                "max_step": 0.2,
                "weight_decay": 0.02,
            }
        ],
    ),
    "qhm": (qhm, [{"lr": 0.05, "momentum": 0.95, "nu": 0.6, "weight_decay": 0.02}]),
    "asgd": (
        asgd,
        [{"lr": 0.05, "lambd": 0.01, "alpha": 0.6, "t0": 300.0, "weight_decay": 0.02}],
    ),
    "ftrl": (ftrl, [_FTRL, {**_FTRL, "beta": 0.0, "initial_accumulator": 0.2}]),
    "schedulefreesgd": (
        schedule_free_sgd,
        [
            {"lr": 0.05, "momentum": 0.8, "warmup_steps": 40, "weight_decay": 0.02},
            {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.02, "decay": "decoupled"},
            {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.02, "r": 1.5, "warmup_steps": 9},
        ],
    ),
    "schedulefreeadamw": (
        schedule_free_adamw,
        [
            {**_FREE, "warmup_steps": 40},
            {**_FREE, "decay": "l2"},
            {**_FREE, "warmup_steps": 40, "r": 0.5, "weight_lr_power": 1.0},
        ],
    ),
    "madgrad": (
        madgrad,
        [
            {"lr": 0.02, "momentum": 0.8, "eps": 1e-4, "weight_decay": 0.02},
            {"lr": 0.02, "momentum": 0.0, "eps": 1e-4, "weight_decay": 0.02},
        ],
    ),
}
