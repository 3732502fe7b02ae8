"""Plain NumPy forms of the rules that scale each gradient by the size of its past.

Written like those in `reference.py`, which describes the signature, from the papers named at each.
"""

import numpy as np


def means(s, g, beta1, beta2):
    """Return Adam's two running means, kept in `s`."""
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    return s["m"], s["v"]


def nadam(p, g, t, lr, s, beta1, beta2, eps, momentum_decay):
    """Dozat 2016, with the growing momentum of its section 3; the product is kept step by step."""
    m, v = means(s, g, beta1, beta2)
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    s["product"] = s.get("product", 1.0) * mu
    look = mu_next * m / (1 - s["product"] * mu_next) + (1 - mu) * g / (1 - s["product"])
    return p - lr * look / (np.sqrt(v / (1 - beta2**t)) + eps)


def radam(p, g, t, lr, s, beta1, beta2, eps, threshold):
    """Liu et al. 2020, algorithm 2; eps as in torch."""
    m, v = means(s, g, beta1, beta2)
    m_hat = m / (1 - beta1**t)
    wide = np.longdouble(beta2)  # near 1 both terms are large
    limit = 2 / (1 - beta2) - 1
    rho = float(2 / (1 - wide) - 1 - 2 * t * wide**t / (1 - wide**t))
    if rho <= threshold:
        return p - lr * m_hat
    r = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
    return p - lr * r * m_hat * np.sqrt(1 - beta2**t) / (np.sqrt(v) + eps)


def adamax(p, g, t, lr, s, beta1, beta2, eps, eps_in_max):
    """Kingma & Ba 2015, algorithm 2."""
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    seen = np.abs(g) + eps if eps_in_max else np.abs(g)
    s["u"] = np.maximum(beta2 * s.get("u", 0.0), seen)
    return p - lr / (1 - beta1**t) * s["m"] / (s["u"] if eps_in_max else s["u"] + eps)


def adabelief(p, g, t, lr, s, beta1, beta2, eps, eps_root):
    """Zhuang et al. 2020, algorithm 2."""
    off = beta1 * (g - s.get("m", 0.0))  # g - m, without its cancellation
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["s"] = beta2 * s.get("s", 0.0) + (1 - beta2) * off**2 + eps_root
    return p - lr * s["m"] / (1 - beta1**t) / (np.sqrt(s["s"] / (1 - beta2**t)) + eps)


def yogi(p, g, t, lr, s, beta1, beta2, eps, initial_accumulator, initial_momentum):
    """Zaheer et al. 2018, algorithm 2, with the bias correction that libraries add."""
    s["m"] = beta1 * s.get("m", initial_momentum) + (1 - beta1) * g
    v = s.get("v", initial_accumulator)
    s["v"] = v + (1 - beta2) * np.where(v < g**2, g**2, -(g**2))
    return p - lr * s["m"] / (1 - beta1**t) / (np.sqrt(s["v"] / (1 - beta2**t)) + eps)


def adabound(p, g, t, lr, s, beta1, beta2, eps, final_lr, gamma, amsgrad):
    """Luo et al. 2019, algorithm 2 or 3 (AMSBound), with the authors' bias correction."""
    base = s.setdefault("first lr", lr)  # a schedule begins at 1
    m, v = means(s, g, beta1, beta2)
    if amsgrad:
        v = s["largest"] = np.maximum(s.get("largest", 0.0), v)
    final = final_lr * lr / base
    rate = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) / (np.sqrt(v) + eps)
    return p - m * np.clip(rate, final - final / (gamma * t + 1), final + final / (gamma * t))


def laprop(p, g, t, lr, s, beta1, beta2, eps):
    """Ziyin, Wang & Ueda 2020, algorithm 1."""
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    scaled = g / (np.sqrt(s["v"] / (1 - beta2**t)) + eps)
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * scaled
    return p - lr * s["m"] / (1 - beta1**t)


def adadelta(p, g, t, lr, s, rho, eps):
    """Zeiler 2012, algorithm 1."""
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g**2
    move = np.sqrt(s.get("d", 0.0) + eps) / np.sqrt(s["v"] + eps) * g
    s["d"] = rho * s.get("d", 0.0) + (1 - rho) * move**2
    return p - lr * move


def qhadam(p, g, t, lr, s, beta1, beta2, nu1, nu2, eps):
    """Ma & Yarats 2019, section 6."""
    m, v = means(s, g, beta1, beta2)
    above = (1 - nu1) * g + nu1 * m / (1 - beta1**t)
    below = (1 - nu2) * g**2 + nu2 * v / (1 - beta2**t)
    return p - lr * above / (np.sqrt(below) + eps)


def ademamix(p, g, t, lr, s, beta1, beta2, beta3, alpha, eps, alpha_warmup, beta3_warmup):
    """Pagliardini, Ablin & Grangier 2024, algorithm 1 and appendix A."""
    m, v = means(s, g, beta1, beta2)
    if alpha_warmup is not None:
        alpha = min(t / alpha_warmup * alpha, alpha)
    if beta3_warmup is not None and t < beta3_warmup:
        low, high, done = np.log(beta1), np.log(beta3), t / beta3_warmup
        beta3 = min(np.exp(low * high / ((1 - done) * high + done * low)), beta3)
    s["slow"] = beta3 * s.get("slow", 0.0) + (1 - beta3) * g
    above = m / (1 - beta1**t) + alpha * s["slow"]
    return p - lr * above / (np.sqrt(v / (1 - beta2**t)) + eps)


def adopt(p, g, t, lr, s, beta1, beta2, eps, clip_scaled):
    """Taniguchi et al. 2024, algorithm 2, and the clipping that its authors added."""
    if t == 1:
        s["v"], s["m"] = g**2, 0.0
        return p
    scaled = g / np.maximum(np.sqrt(s["v"]), eps)
    if clip_scaled:
        scaled = np.clip(scaled, -((t - 1) ** 0.25), (t - 1) ** 0.25)
    s["m"] = beta1 * s["m"] + (1 - beta1) * scaled
    s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
    return p - lr * s["m"]


def adan(p, g, t, lr, s, beta1, beta2, beta3, eps):
    """Xie et al. 2022, algorithm 1, without restarts; betas as 1 - beta of the paper."""
    d = g - s.get("last", g)
    s["last"] = g
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * d
    s["n"] = beta3 * s.get("n", 0.0) + (1 - beta3) * (g + beta2 * d) ** 2
    above = s["m"] / (1 - beta1**t) + beta2 * s["v"] / (1 - beta2**t)
    return p - lr * above / (np.sqrt(s["n"] / (1 - beta3**t)) + eps)


_ADAM = {"lr": 0.02, "beta1": 0.8, "beta2": 0.97, "eps": 1e-4, "weight_decay": 0.03}
_MIX = {**_ADAM, "beta3": 0.995, "alpha": 2.0}

RULES = {
    "nadam": (
        nadam,
        [
            {**_ADAM, "momentum_decay": 0.02},
            {**_ADAM, "momentum_decay": 0.0, "decay": "decoupled"},
            {**_ADAM, "beta1": 0.995, "momentum_decay": 1.0},
        ],
    ),
    "radam": (radam, [_ADAM, {**_ADAM, "threshold": 12.5}, {**_ADAM, "beta2": 0.4}]),
    "adamax": (adamax, [_ADAM, {**_ADAM, "eps_in_max": False, "eps": 0.1}]),
    "adabelief": (adabelief, [{**_ADAM, "eps_root": 1e-5}]),
    "yogi": (yogi, [{**_ADAM, "initial_accumulator": 0.01, "initial_momentum": 0.1}]),
    "adabound": (
        adabound,
        [
            {**_ADAM, "final_lr": 0.03, "gamma": 0.01},
            {**_ADAM, "final_lr": 0.03, "gamma": 0.01, "amsgrad": True},
        ],
    ),
    "laprop": (laprop, [_ADAM]),
    "adadelta": (adadelta, [{"lr": 0.5, "rho": 0.95, "eps": 1e-3, "weight_decay": 0.03}]),
    "qhadam": (qhadam, [{**_ADAM, "nu1": 0.6, "nu2": 0.9}]),
    "ademamix": (ademamix, [{**_MIX, "alpha_warmup": 400, "beta3_warmup": 700}, _MIX]),
    "adopt": (adopt, [_ADAM, {**_ADAM, "clip_scaled": False, "eps": 0.3}]),
    "adan": (adan, [{**_ADAM, "beta3": 0.95}]),
}
