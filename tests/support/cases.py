"""Every registered rule with settings for each of its variants, and arrays to step.

All of it comes from the registry, so that an optimizer file dropped into the package is under
the tests of updates without a word being added to them.
"""

from __future__ import annotations

import contextlib
import functools
import itertools

import numpy as np

from fastlr.optimizers import OPTIMIZERS, Optimizer
from fastlr.optimizers._array import ArrayOptimizer
from tests.support.hashed import uniform

DTYPES = [np.float32, np.float64]

# Everything an optimizer can be asked to do around its rule; all of it at once at the end.
MODIFIERS = {
    "plain": {},
    "clip_norm": {"clip_norm": 2.0},
    "clip_value": {"clip_value": 0.4},
    "l2": {"weight_decay": 0.05, "decay": "l2"},
    "decoupled": {"weight_decay": 0.05, "decay": "decoupled"},
    "independent": {"weight_decay": 0.002, "decay": "independent"},
    "maximize": {"maximize": True},
    "clip_parameter": {"clip_norm": 0.5, "clip_scope": "parameter"},
    "clip_group": {"clip_norm": 0.5, "clip_scope": "group"},
    "l1": {"l1": 0.02},
    "penalty": {"l2": 0.05, "weight_decay": 0.05, "decay": "decoupled", "clip_value": 0.4},
    "cautious": {"cautious": True, "weight_decay": 0.05, "decay": "l2", "clip_value": 0.4},
    "lookahead": {"lookahead": 4, "lookahead_alpha": 0.3},
    "ema": {"average": "ema", "average_decay": 0.9},
    "polyak": {"average": "polyak"},
    "all": {
        "clip_norm": 2.0,
        "clip_value": 0.4,
        "weight_decay": 0.05,
        "decay": "decoupled",
        "maximize": True,
        "l2": 0.03,
        "nonfinite": "skip",
        "average": "ema",
        "average_decay": 0.9,
    },
    "all that follows the rule": {
        "clip_norm": 0.5,
        "clip_scope": "parameter",
        "weight_decay": 0.05,
        "decay": "decoupled",
        "maximize": True,
        "l1": 0.02,
        "cautious": True,
        "lookahead": 3,
        "average": "polyak",
    },
}


def modifiers_of(cls):
    """Return the modifiers that an optimizer can be asked for."""
    if not (cls().predicts_elsewhere or issubclass(cls, ArrayOptimizer)):
        return MODIFIERS
    follow = {"l1", "cautious", "lookahead"}
    return {name: more for name, more in MODIFIERS.items() if not follow & set(more)}


def common(cls):
    """Return the names of what every optimizer can be told around its rule."""
    return (set(Optimizer.parameter_defaults) | {"lr", "preset"}) - set(cls.own_fields)


def settings_of(cls):
    """Return settings that reach every variant of a rule, other hyper-parameters off default."""
    moved = {}
    for name, default in cls.parameter_defaults.items():
        if name in common(cls) or name in cls.flags or not isinstance(default, float):
            continue
        for candidate in (default * 0.9 + 0.01, default * 0.5, 0.5):
            with contextlib.suppress(ValueError):
                cls(**{**moved, name: candidate})
                moved[name] = candidate
                break
    found, seen = [], set()
    for choice in itertools.product((False, True), repeat=len(cls.flags)):
        flags = {
            name: on if isinstance(cls.parameter_defaults[name], bool) else 0.7 * on
            for name, on in zip(cls.flags, choice, strict=True)
        }
        # A cross-check may refuse the moved values together with a switch: then the defaults.
        for rest in (moved, {}):
            try:
                optimizer = cls(lr=0.03, **flags, **rest)
            except ValueError:
                continue
            switches = tuple(optimizer.switches().items())
            if switches not in seen:
                seen.add(switches)
                found.append({"lr": 0.03, **flags, **rest})
            break
    return found


CASES = {
    f"{name}-{'-'.join(f for f in cls.flags if settings[f]) or 'plain'}": (cls, settings)
    for name, cls in OPTIMIZERS.items()
    for settings in settings_of(cls)
}

# One variant of each optimizer, the one with most switches on: it keeps the most state.
FULLEST = {name.partition("-")[0]: name for name in CASES}

# Those whose rule is compiled; the others are array code.
COMPILED = {n: cls for n, cls in OPTIMIZERS.items() if not issubclass(cls, ArrayOptimizer)}
COMPILED_CASES = {name: case for name, case in CASES.items() if case[0] in COMPILED.values()}


def make(case, **more):
    """Return the optimizer of a case, with more hyper-parameters set."""
    cls, settings = CASES[case]
    return cls(**{**settings, **more})


def tree(dtype=np.float64, seed=1):
    """Return parameters of many shapes: 0-d, empty, column-major, and every vector tail."""
    return {name: values.copy("K") for name, values in _tree(np.dtype(dtype), seed).items()}


@functools.cache
def _tree(dtype, seed):
    shapes = [(), (0,), (3, 0), (2, 3), (5, 1, 2), *range(1, 41)]
    params = {f"p{k}": np.asarray(uniform(s, seed, k), dtype) for k, s in enumerate(shapes)}
    params["column"] = np.asfortranarray(uniform((6, 7), seed, 99), dtype)
    return params


def small(dtype=np.float64, seed=1):
    """Return three parameters with names that patterns can tell apart."""
    shapes = {"a.weight": (3, 4), "a.bias": 4, "b.weight": (2, 4)}
    return {n: uniform(s, seed, k).astype(dtype) for k, (n, s) in enumerate(shapes.items())}


@functools.lru_cache(maxsize=64)
def _numbers(count, dtype, seed, t):
    numbers = uniform(count, seed, t).astype(dtype)
    numbers.setflags(write=False)
    return numbers


def gradients(params, t, seed=2):
    """Return gradients for step t, shaped and laid out like the parameters; read-only."""
    dtype = next(iter(params.values())).dtype
    flat = _numbers(sum(p.size for p in params.values()), dtype, seed, t)
    found, start = {}, 0
    for name, p in params.items():
        order = "C" if p.flags.c_contiguous else "F"
        found[name] = flat[start : start + p.size].reshape(p.shape, order=order)
        start += p.size
    return found


def walk(updater, steps, first=1):
    """Make steps with the gradients above."""
    for t in range(first, first + steps):
        updater.step(gradients(updater.params, t))
    return updater


def bits(arrays):
    """Return the bytes of nested dicts or lists of arrays: equal only if every bit is."""
    if isinstance(arrays, np.ndarray):
        return arrays.shape, str(arrays.dtype), arrays.tobytes("A")
    items = arrays.items() if isinstance(arrays, dict) else enumerate(arrays)
    return {key: bits(value) for key, value in items}


def snapshot(updater):
    """Return everything that a step may change: parameters, state, counts."""
    kept = updater.state_dict()
    counts = {k: v for k, v in kept.items() if k != "state"}
    return {"params": bits(updater.params), "state": bits(kept["state"]), **counts}
