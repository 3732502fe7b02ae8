"""Plain NumPy forms of the rules that need norms or sums before they move an element.

Written like those in `reference.py`, which describes the signature, from the papers named at each.
``s["weight_decay"]`` is the strength of the decay where it is of the kind that the rule applies
itself, else 0.
"""

import functools

import numpy as np


def applies(decay):
    """Mark a rule that applies one kind of decay itself."""

    def mark(rule):
        rule.own_decay = decay
        return rule

    return mark


def per_array(rule):
    """Apply a rule to each array by itself."""

    @functools.wraps(rule)
    def whole(p, g, t, lr, s, **own):
        parts = []
        for k, cut in enumerate(s["cuts"]):
            mine = s.setdefault(k, {"weight_decay": s["weight_decay"]})
            parts.append(rule(p[cut], g[cut], t, lr, mine, **own))
        return np.concatenate(parts)

    return whole


def norm(x):
    return np.sqrt(np.sum(x**2))


@applies("l2")
@per_array
def lars(p, g, t, lr, s, momentum, trust_coefficient, eps, nesterov, decayed_norm):
    """You, Gitman & Ginsburg 2017, algorithm 1; `decayed_norm` as in optax."""
    decay = s["weight_decay"]
    r = g + decay * p
    below = norm(r) if decayed_norm else norm(g) + decay * norm(p)
    moves = norm(r) if decayed_norm else norm(g)
    trust = trust_coefficient * norm(p) / (below + eps) if norm(p) > 0 and moves > 0 else 1.0
    s["buf"] = momentum * s.get("buf", 0.0) + lr * trust * r
    return p - (lr * trust * r + momentum * s["buf"] if nesterov else s["buf"])


@applies("decoupled")
@per_array
def lamb(p, g, t, lr, s, beta1, beta2, eps, decay_in_trust):
    """You et al. 2020, algorithm 2."""
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    m_hat, v_hat = s["m"] / (1 - beta1**t), s["v"] / (1 - beta2**t)
    u = m_hat / (np.sqrt(v_hat) + eps) + s["weight_decay"] * p
    ratio = norm(p) / norm(u) if norm(p) > 0 and norm(u) > 0 else 1.0
    return p - lr * ratio * u


@applies("decoupled")
@per_array
def novograd(p, g, t, lr, s, beta1, beta2, eps, grad_averaging):
    """Ginsburg et al. 2019, algorithm 1; `grad_averaging` as in NVIDIA's program."""
    square = np.sum(g**2)
    s["v"] = square if t == 1 else beta2 * s["v"] + (1 - beta2) * square
    scaled = g / (np.sqrt(s["v"]) + eps) + s["weight_decay"] * p
    if grad_averaging:
        scaled = (1 - beta1) * scaled
    s["m"] = scaled if t == 1 else beta1 * s["m"] + scaled
    return p - lr * s["m"]


def dog(p, g, t, lr, s, initial_distance, eps):
    """Ivgi, Hinder & Carmon 2023, equation 1."""
    start = s["start"]
    far = s.get("far", initial_distance * (1 + norm(start)))
    s["far"] = max(far, norm(p - start))
    s["total"] = s.get("total", 0.0) + np.sum(g**2)
    return p - lr * s["far"] / np.sqrt(s["total"] + eps) * g


def corrected(lr, t, beta1, beta2, bias_correction):
    return lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) if bias_correction else lr


@applies("decoupled")
def prodigy(
    p,
    g,
    t,
    lr,
    s,
    beta1,
    beta2,
    beta3,
    eps,
    d0,
    d_coef,
    growth_rate,
    bias_correction,
    safeguard_warmup,
):
    """Mishchenko & Defazio 2024, algorithm 4, with the options of their program."""
    beta3 = np.sqrt(beta2) if beta3 is None else beta3
    d = s.get("d", d0)
    rate = d * corrected(lr, t, beta1, beta2, bias_correction)
    s["r"] = beta3 * s.get("r", 0.0) + d / d0 * rate * np.sum(g * (s["start"] - p))
    s["s"] = beta3 * s.get("s", 0.0) + d / d0 * (d if safeguard_warmup else rate) * g
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * d * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * (d * g) ** 2
    found = d_coef * s["r"] / np.sum(np.abs(s["s"]))
    if d == d0:
        d = max(d, found)
    s["highest"] = max(s.get("highest", d0), found)
    s["d"] = min(s["highest"], d * growth_rate)
    p = p - s["weight_decay"] * rate * p
    return p - rate * s["m"] / (np.sqrt(s["v"]) + s["d"] * eps)


@applies("decoupled")
def dadaptadam(p, g, t, lr, s, beta1, beta2, eps, d0, growth_rate, bias_correction):
    """Defazio & Mishchenko 2023, algorithm 5, with the options of their program."""
    b, d = np.sqrt(beta2), s.get("d", d0)
    rate = d * corrected(lr, t, beta1, beta2, bias_correction)
    pull = rate * np.sum(g * s.get("s", 0.0) / (np.sqrt(s.get("v", 0.0)) + eps))
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * rate * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    s["s"] = b * s.get("s", 0.0) + (1 - b) * rate * g
    s["r"] = b * s.get("r", 0.0) + (1 - b) * pull
    found = s["r"] / ((1 - b) * np.sum(np.abs(s["s"])))
    s["d"] = max(d, min(found, d * growth_rate))
    p = p - s["weight_decay"] * rate * p
    return p - s["m"] / (np.sqrt(s["v"]) + eps)


_LARS = {"lr": 0.8, "trust_coefficient": 0.02, "eps": 1e-3, "weight_decay": 0.03}
_PLAIN = {**_LARS, "momentum": 0.0}
_NESTEROV = {**_LARS, "momentum": 0.7, "nesterov": True}
_BETAS = {"beta1": 0.8, "beta2": 0.97}
_NOVO = {"lr": 0.004, "eps": 1e-2, "weight_decay": 0.03, **_BETAS}
# The gradients of the tests pull the same way for ever: without a bound, so does the estimate. And
# it must not start so low that the way walked is lost in the roundings of single precision.
_ESTIMATE = {"lr": 0.1, "d0": 0.1, "eps": 1e-4, "growth_rate": 1.001, "weight_decay": 0.03}
_ESTIMATE |= _BETAS

RULES = {
    "lars": (
        lars,
        [
            {**_LARS, "momentum": 0.7},
            {**_LARS, "momentum": 0.7, "decayed_norm": True},
            _NESTEROV,
            {**_NESTEROV, "decayed_norm": True},
            _PLAIN,
            {**_PLAIN, "decayed_norm": True},
        ],
    ),
    "lamb": (lamb, [{"lr": 0.01, "eps": 1e-4, "weight_decay": 0.03, **_BETAS}]),
    "novograd": (novograd, [_NOVO, {**_NOVO, "lr": 0.02, "grad_averaging": True}]),
    "dog": (dog, [{"lr": 0.7, "initial_distance": 0.01, "eps": 0.5, "weight_decay": 0.03}]),
    "prodigy": (
        prodigy,
        [
            {**_ESTIMATE, "d_coef": 1.5, "beta3": 0.95},
            {**_ESTIMATE, "safeguard_warmup": True, "bias_correction": True},
        ],
    ),
    "dadaptadam": (
        dadaptadam,
        [_ESTIMATE, {**_ESTIMATE, "bias_correction": True}],
    ),
}
