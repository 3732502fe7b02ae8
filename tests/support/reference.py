"""What each optimizer must do, as plain NumPy in double precision, written to be read.

One function for each rule, from the papers and from what torch documents. Nothing of fastlr is
called, so a mistake there cannot hide here. A new optimizer needs an entry in `REFERENCES`; the
tests of trajectories fail until it has one.

A rule is ``rule(p, g, t, lr, s, **hyper-parameters) -> p``: parameter, gradient, step from 1,
rate, and a dict `s` in which it keeps its state. Before the first step that holds ``"start"``, the
parameter as it was given, and what `reference_sums` says. A rule that has an attribute `decays`
finds the share of p that decay takes off in ``s["share"]``; from others it has been taken off
before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support import reference_arrays, reference_direct, reference_scaled, reference_sums


def sgd(p, g, t, lr, s, momentum, dampening, nesterov, lr_in_momentum):
    """Heavy ball and Nesterov as torch writes them: the first buffer is the gradient itself."""
    if momentum == 0:
        return p - lr * g
    pull = lr * g if lr_in_momentum else g
    s["buf"] = pull if t == 1 else momentum * s["buf"] + (1 - dampening) * pull
    move = pull + momentum * s["buf"] if nesterov else s["buf"]
    return p - move if lr_in_momentum else p - lr * move


def adam(p, g, t, lr, s, beta1, beta2, eps, amsgrad, eps_mode, amsgrad_of):
    """Kingma & Ba 2015, algorithm 1; "hat" is the reordering at the end of their section 2."""
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    v = s["v"]
    if amsgrad:  # the largest v before its bias is corrected
        v = s["largest"] = np.maximum(s.get("largest", 0.0), v)
    if eps_mode == "hat":
        rate = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        return p - rate * s["m"] / (np.sqrt(v) + eps)
    m_hat = s["m"] / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    if amsgrad and amsgrad_of == "v_hat":
        v_hat = s["largest hat"] = np.maximum(s.get("largest hat", 0.0), s["v"] / (1 - beta2**t))
    return p - lr * m_hat / (np.sqrt(v_hat) + eps)


def rmsprop(
    p, g, t, lr, s, rho, eps, momentum, centered, eps_in_sqrt, lr_in_momentum, initial_scale
):
    """Hinton's lecture 6.5; centered as Graves 2013 (equations 38 to 45, without the constants).

    The variance is renewed as such (West 1979): mean squares less squared means would cancel.
    """
    if centered:
        off = g - s.get("mean", 0.0)
        s["v"] = rho * (s.get("v", initial_scale) + (1 - rho) * off**2)
        s["mean"] = rho * s.get("mean", 0.0) + (1 - rho) * g
    else:
        s["v"] = rho * s.get("v", initial_scale) + (1 - rho) * g**2
    spread = s["v"]
    scaled = g / np.sqrt(spread + eps) if eps_in_sqrt else g / (np.sqrt(spread) + eps)
    if momentum == 0:
        return p - lr * scaled
    s["buf"] = momentum * s.get("buf", 0.0) + (lr * scaled if lr_in_momentum else scaled)
    return p - s["buf"] if lr_in_momentum else p - lr * s["buf"]


def adagrad(p, g, t, lr, s, lr_decay, eps, initial_accumulator, eps_in_sqrt):
    """Duchi, Hazan & Singer 2011, diagonal form, with torch's decay of the rate."""
    s["sum"] = s.get("sum", initial_accumulator) + g**2
    rate = lr / (1 + (t - 1) * lr_decay)
    scale = np.sqrt(s["sum"] + eps) if eps_in_sqrt else np.sqrt(s["sum"]) + eps
    return p - rate * g / scale


@dataclass(frozen=True)
class Reference:
    """A rule, and settings under which it is compared; together they reach every branch."""

    rule: Callable[..., Any]
    settings: list[dict[str, Any]]


_SGD = {"lr": 0.03, "weight_decay": 0.02}
_ADAM = {"lr": 0.02, "beta1": 0.8, "beta2": 0.97, "eps": 1e-4, "weight_decay": 0.03}
_RMS = {"lr": 0.01, "rho": 0.95, "eps": 1e-3, "weight_decay": 0.03}
_MOMENTUM = {"momentum": 0.85, "lr_in_momentum": True}

# The first settings of each are compared under every modifier.
REFERENCES = {
    "sgd": Reference(
        sgd,
        [
            {**_SGD, "momentum": 0.85, "dampening": 0.2},
            {**_SGD, "momentum": 0.85, "nesterov": True},
            _SGD,
            {**_SGD, **_MOMENTUM, "dampening": 0.3},
            {**_SGD, **_MOMENTUM, "nesterov": True},
        ],
    ),
    "adam": Reference(
        adam,
        [
            {**_ADAM, "amsgrad": True},
            _ADAM,
            {**_ADAM, "amsgrad": True, "eps_mode": "hat"},
            {**_ADAM, "amsgrad": True, "amsgrad_of": "v_hat"},
        ],
    ),
    "adamw": Reference(adam, [_ADAM, {**_ADAM, "amsgrad": True}, {**_ADAM, "eps_mode": "hat"}]),
    "rmsprop": Reference(
        rmsprop,
        [
            {**_RMS, "momentum": 0.7, "centered": True},
            _RMS,
            {**_RMS, "centered": True, "eps_in_sqrt": True},
            {**_RMS, **_MOMENTUM, "initial_scale": 1.0},
            {**_RMS, **_MOMENTUM, "centered": True, "eps_in_sqrt": True},
            {**_RMS, "momentum": 0.7, "eps_in_sqrt": True},
            {**_RMS, "eps_in_sqrt": True},
            {**_RMS, "centered": True},
        ],
    ),
    "adagrad": Reference(
        adagrad,
        [
            {"lr": 0.05, "lr_decay": 0.003, "initial_accumulator": 0.2, "weight_decay": 0.02},
            {"lr": 0.05, "eps": 1e-3, "eps_in_sqrt": True, "weight_decay": 0.02},
        ],
    ),
}
REFERENCES |= {
    name: Reference(*entry)
    for module in (reference_direct, reference_scaled, reference_sums, reference_arrays)
    for name, entry in module.RULES.items()
}


class Walk:
    """A reference run: the modifiers that every optimizer has, around one rule.

    Parameters
    ----------
    rule : callable
        One of the rules above.
    own : dict
        Its hyper-parameters.
    common : dict
        Those that every optimizer has, `lr` among them.
    start : ndarray
        Parameters, all in one flat array.
    cuts : list of slice
        Which of them are one array, for rules that ask.
    shapes : list of tuple of int, optional
        Shapes of these, by default one dimension.
    groups : list of set of int, optional
        Which arrays are clipped together with ``clip_scope="group"``.
    """

    def __init__(self, rule, own, common, start, cuts, shapes=None, groups=None):
        self.rule, self.own, self.common = rule, own, common
        self.arrays = cuts
        self.groups = groups or [set(range(len(self.arrays)))]
        self.p = np.array(start, dtype=np.float64)
        own_decay = common["decay"] == getattr(rule, "own_decay", None)
        self.decay = None if own_decay else common["decay"]
        inside = common["weight_decay"] if own_decay else 0.0
        self.t, self.state = 0, {"start": self.p, "cuts": cuts, "weight_decay": inside}
        self.state["shapes"] = shapes or [(-1,)] * len(cuts)
        self.average, self.slow = None, self.p

    def clipped(self, g):
        """Return the gradient, parts of it scaled down to the bound where they are above it."""
        bound, scope = self.common["clip_norm"], self.common["clip_scope"]
        members = {
            "global": [range(len(self.arrays))],
            "group": self.groups,
            "parameter": [[i] for i in range(len(self.arrays))],
        }[scope]
        out = np.empty_like(g)
        for together in members:
            norm = np.sqrt(sum(np.sum(g[self.arrays[i]] ** 2) for i in together))
            scale = 1.0 if norm <= bound else bound / (norm + 1e-6 * min(bound, 1.0))
            for i in together:
                out[self.arrays[i]] = g[self.arrays[i]] * scale
        return out

    def follow(self, before, g, lr):
        """Apply what comes after the rule."""
        c = self.common
        if c["cautious"]:  # timm's caution: the mask, over its mean in each tensor
            move = self.p - before
            mask = ((np.sign(move) * np.sign(g) <= 0) & (g != 0)).astype(float)
            for each in self.arrays:
                mask[each] /= max(mask[each].mean(), 1e-3)
            self.p = before + mask * move
        if c.get("l1"):
            self.p = np.sign(self.p) * np.maximum(np.abs(self.p) - lr * c["l1"], 0.0)
        if c["lookahead"] is not None and self.t % c["lookahead"] == 0:
            self.p = self.slow = self.slow + c["lookahead_alpha"] * (self.p - self.slow)

    def step(self, g, factor=1.0):
        """Make one step; `factor` is what a schedule multiplies the rate with."""
        c = self.common
        self.t += 1
        g = np.array(g, dtype=np.float64)
        if c["maximize"]:
            g = -g
        if c["clip_norm"] is not None:
            g = self.clipped(g)
        if c["clip_value"] is not None:
            g = np.clip(g, -c["clip_value"], c["clip_value"])
        lr = c["lr"] * factor
        share = c["weight_decay"] * {"decoupled": lr, "independent": factor}.get(self.decay, 0.0)
        if self.decay == "l2":
            g = g + c["weight_decay"] * self.p
        g = g + c.get("l2", 0.0) * self.p
        if getattr(self.rule, "decays", False):
            self.state["share"] = share
        else:
            self.p = self.p * (1 - share)
        before = self.p
        self.p = self.rule(before, g, self.t, lr, self.state, **self.own)
        self.follow(before, g, lr)
        if c["average"] is None or self.t == 1:
            self.average = self.p
        elif c["average"] == "polyak":  # the mean of all parameters so far
            self.average = self.average + (self.p - self.average) / self.t
        else:
            d = c["average_decay"]
            self.average = d * self.average + (1 - d) * self.p
