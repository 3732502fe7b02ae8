"""Plain NumPy forms of the rules that need whole arrays, from the papers named at each.

Written like those in `reference_sums.py`. The polar factor that Muon approximates is not used: the
iterations themselves are what is compared, here by singular values.
"""

import functools

import numpy as np

from tests.support.reference_sums import applies


def per_shaped_array(rule):
    """Apply a rule to each array by itself, in its own shape."""

    @functools.wraps(rule)
    def whole(p, g, t, lr, s, **own):
        parts = []
        for k, (cut, shape) in enumerate(zip(s["cuts"], s["shapes"], strict=True)):
            mine = s.setdefault(k, {"weight_decay": s["weight_decay"]})
            new = rule(p[cut].reshape(shape), g[cut].reshape(shape), t, lr, mine, **own)
            parts.append(np.ravel(new))
        return np.concatenate(parts)

    return whole


@per_shaped_array
def muon(p, g, t, lr, s, momentum, nesterov, ns_steps, eps, adjust_lr_fn, adamw_lr, **own):
    """Jordan et al. 2024, with a mean of gradients; AdamW for what is no matrix."""
    if p.ndim != 2:
        beta1, beta2 = own["adamw_beta1"], own["adamw_beta2"]
        s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
        s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
        m_hat, v_hat = s["m"] / (1 - beta1**t), s["v"] / (1 - beta2**t)
        return p - lr * m_hat / (np.sqrt(v_hat) + own["adamw_eps"])
    s["buf"] = momentum * s.get("buf", 0.0) + (1 - momentum) * g
    x = (1 - momentum) * g + momentum * s["buf"] if nesterov else s["buf"]
    left, values, right = np.linalg.svd(x, full_matrices=False)
    values = values / max(np.sqrt(np.sum(values**2)), eps)
    for _ in range(ns_steps):  # an odd polynomial of x is one of its singular values
        values = own["ns_a"] * values + own["ns_b"] * values**3 + own["ns_c"] * values**5
    rows, columns = p.shape
    if adjust_lr_fn == "original":
        scale = np.sqrt(max(1, rows / columns))
    else:
        scale = 0.2 * np.sqrt(max(rows, columns))
    return p - lr * scale * (left * values) @ right


def root_mean_square(x):
    return np.sqrt(np.mean(x**2))


@applies("decoupled")
@per_shaped_array
def adafactor(p, g, t, lr, s, decay_rate, eps1, eps2, d):
    """Shazeer & Stern 2018, algorithms 4 and 5, the epsilons where torch has them."""
    eps1 = np.finfo(np.float64).eps if eps1 is None else eps1
    beta2 = 1 - t**-decay_rate
    if p.ndim < 2:
        s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
        v = s["v"]
    else:
        s["r"] = beta2 * s.get("r", 0.0) + (1 - beta2) * np.mean(g**2, axis=1)
        s["c"] = beta2 * s.get("c", 0.0) + (1 - beta2) * np.mean(g**2, axis=0)
        v = np.outer(s["r"], s["c"]) / max(np.mean(s["r"]), eps1)
    u = g / np.sqrt(np.maximum(v, eps1**2))
    u = u / max(1, root_mean_square(u) / d)
    rate = max(eps2, root_mean_square(p)) * min(lr, 1 / np.sqrt(t))
    return p - lr * s["weight_decay"] * p - rate * u


@per_shaped_array
def sm3(p, g, t, lr, s, momentum, beta2, eps):
    """Anil et al. 2019, SM3-II for matrices, Adagrad for vectors; the rest as in optax."""
    if p.ndim == 2:
        least = np.minimum.outer(s.get("rows", 0 * p[:, 0]), s.get("columns", 0 * p[0]))
    else:
        least = s.get("nu", 0.0)
    nu = s["nu"] = beta2 * least + (1.0 if beta2 == 1 else 1 - beta2) * g**2
    if p.ndim == 2:
        s["rows"], s["columns"] = np.max(nu, axis=1), np.max(nu, axis=0)
    s["m"] = momentum * s.get("m", 0.0) + (1 - momentum) * g / np.sqrt(nu + eps)
    return p - lr * s["m"]


_MUON = {"lr": 0.02, "momentum": 0.8, "eps": 1e-3, "weight_decay": 0.03, "adamw_eps": 1e-4}
_MUON |= {"adamw_beta1": 0.8, "adamw_beta2": 0.97}
_FACTOR = {"lr": 0.02, "decay_rate": 0.7, "weight_decay": 0.03}
_SM3 = {"lr": 0.1, "eps": 1e-3, "weight_decay": 0.02}

RULES = {
    "muon": (
        muon,
        [
            {**_MUON, "adjust_lr_fn": "match_rms_adamw"},
            {**_MUON, "nesterov": False, "ns_steps": 3, "ns_a": 1.5, "ns_b": -0.5, "ns_c": 0.0},
        ],
    ),
    "adafactor": (
        adafactor,
        [
            {**_FACTOR, "eps1": 1e-3, "eps2": 0.5, "d": 1.2},
            {**_FACTOR, "lr": 0.3},  # the rate is bounded by the number of steps first
        ],
    ),
    "sm3": (
        sm3,
        [{**_SM3, "momentum": 0.7}, {**_SM3, "momentum": 0.0, "beta2": 0.95}],
    ),
}
