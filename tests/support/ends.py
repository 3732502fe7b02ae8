"""Every rule at the ends of its ranges, beside the double-precision references.

Each kind of gradient is an array, from 0 to the largest that a rule may square. Where a run leaves
what its precision can hold, it is compared up to there.
"""

from __future__ import annotations

import warnings

import numpy as np

from tests.support.cases import common
from tests.support.hashed import uniform
from tests.support.reference import REFERENCES, Walk

SQUARED = {"lars", "novograd", "dog", "madgrad"}  # rules that take an eps of 0 as it is
SPIKES = (10, 11, 30)  # steps at which some elements have a huge gradient

# Gradients of each element: an ordinary size, and a size at the spikes.
SIZES = {
    "zero": (0.0, 0.0),
    "denormal": (1e-41, 1e-41),
    "tiny": (1e-30, 1e-30),
    "ordinary": (1.0, 1.0),
    "huge": (1e18, 1e18),
    "spikes of 1e4": (1.0, 1e4),
    "spikes of 1e19": (1.0, 1e19),
    "spikes out of nothing": (0.0, 1e18),
    "spikes out of the tiny": (1e-30, 1.0),
    "steady": (0.3, 0.3),
}
START = np.array([0.5, -0.5, 1.0, -1.0, 2.0, 0.25, -2.0, 0.0, 1.5, 0.0])


def gradients(t):
    """Return the gradient of step t in double precision; elements keep most of their sign."""
    sizes = np.array([each[t in SPIKES] for each in SIZES.values()])
    wave = 0.4 + uniform(len(sizes), 5, t) * 0.7
    wave[-1] = 1.0
    return sizes * wave


def settings(cls):
    """Yield a name and hyper-parameters for each end of each range, and just inside."""
    yield "defaults", {}
    own = set(cls.parameter_defaults) - common(cls)
    for name in [n for n in cls.ranges if n in own and n != "preset"]:
        for label, value in ends(cls.ranges[name], cls.parameter_defaults[name]):
            more = {name: value}
            try:
                cls(**more)
            except (ValueError, TypeError):  # ruled out together with another default
                continue
            yield f"{name}={label}", more
    for name, choices in cls.choices.items():
        for value in choices if name in own and name != "preset" else ():
            if value != cls.parameter_defaults[name]:
                try:
                    cls(**{name: value})
                except ValueError:
                    continue
                yield f"{name}={value}", {name: value}


def ends(interval, default):
    """Return both ends of a range as far as they belong to it, and numbers just inside."""
    low, high = (float(x) for x in interval[1:-1].split(","))
    whole = isinstance(default, int) and not isinstance(default, bool)
    found = []
    if np.isfinite(low):
        found += [low] if interval[0] == "[" else []
        found += [low + 1 if whole else low + (1e-6 if low else 1e-8)]
    if np.isfinite(high):
        found += [high - 1e-7, high - 1e-3]
        found += [high] if interval[-1] == "]" else []
    else:
        found += [1e3]
    return [(f"{x:.9g}", int(x) if whole else x) for x in found]


def run(cls, more, dtype, backend="cython", steps=40):
    """Return what the reference expects at each step, and what came, for each kind of gradient.

    Each kind is an array by itself, and with rules that sum over all arrays a model by itself,
    which starts at 0: where it is, is then known as precisely as how far it went.
    """
    optimizer = cls(**more)
    together = cls.scope != "all"
    start = (START if together else 0 * START).astype(dtype)
    each = [slice(k, k + 1) for k in range(len(start))]
    params = [start[k].copy() for k in each]
    models = [slice(0, len(start))] if together else each
    updaters = [optimizer.bind(params[part], backend=backend) for part in models]
    names = set(cls.parameter_defaults) - common(cls)
    own = {n: v for n, v in as_kept(optimizer, dtype).items() if n in names}
    shared = {n: v for n, v in optimizer.get_params().items() if n not in names}
    rule = REFERENCES[cls.__name__.lower()].rule
    alone = each if cls.sums else models
    shapes = [start[k].shape for k in alone]
    walks = [Walk(rule, own, shared, start[k], [slice(0, None)]) for k in alone]
    got, expected = np.empty((2, steps, len(start)))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for t in range(1, steps + 1):
            g = gradients(t).astype(dtype)
            for updater, part in zip(updaters, models, strict=True):
                updater.step([g[k] for k in each[part]])
            for walk, k in zip(walks, alone, strict=True):
                walk.step(g[k])
            got[t - 1] = np.concatenate(params)
            at = [np.broadcast_to(w.p, shape) for w, shape in zip(walks, shapes, strict=True)]
            expected[t - 1] = np.concatenate(at)
    return np.vstack([start, expected]), np.vstack([start, got])


def as_kept(optimizer, dtype):
    """Return hyper-parameters as the documentation says that arrays of a dtype have them."""
    found = optimizer.get_params()
    if dtype == np.float32:
        largest = 1 - 2.0**-24
        found |= {n: min(float(np.float32(found[n])), largest) for n in optimizer.decays}
    if found.get("eps", 1) == 0 and not SQUARED & {type(optimizer).__name__.lower()}:
        found["eps"] = 1e-16 if dtype == np.float32 else 1e-150
    return found


def error(expected, got, most=1e30):
    """Return the largest distance of each kind from the reference, over the way that it went.

    What comes after a way of `most` is left out.
    """
    way = np.abs(expected[0]) + np.cumsum(np.abs(np.diff(expected, axis=0)), axis=0)
    known = np.isfinite(expected[1:]) & (way < most)
    with np.errstate(all="ignore"):
        far = np.where(known, np.abs(got[1:] - expected[1:]) / np.maximum(way, 1e-30), 0.0)
    return np.where(np.isnan(far), np.inf, far).max(axis=0)
