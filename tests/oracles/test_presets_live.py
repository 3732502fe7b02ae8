"""The libraries that are installed, beside the presets that are named after them.

The recorded runs (`tests/test_presets.py`) fix one version of each library; these take whatever
version is there, on a problem where gradients follow parameters.
"""

import importlib
import os

import numpy as np
import pytest

from fastlr.optimizers import OPTIMIZERS
from tests.recorded.make_presets import CASES, constant, falling
from tests.recorded.make_torch import SHAPES, parameters
from tests.recorded.preset_libraries import run
from tests.support.hashed import uniform

STEPS = 50
TARGETS = [uniform(s, 3, k) for k, s in enumerate(SHAPES)]
CURVES = [10.0 ** uniform(s, 4, k) for k, s in enumerate(SHAPES)]


def slope(params, t):
    """Return the gradient of a noisy quadratic bowl with curvatures from 0.1 to 10."""
    return [
        np.asarray(c * (p - target) + 0.1 * uniform(p.shape, 5, 100 * t + k))
        for k, (p, c, target) in enumerate(zip(params, CURVES, TARGETS, strict=True))
    ]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", CASES)
def test_the_installed_library_walks_the_same_path_downhill(name, monkeypatch):
    case = CASES[name]
    for variable, value in (("KERAS_BACKEND", "jax"), ("JAX_ENABLE_X64", "1")):
        monkeypatch.setenv(variable, os.environ.get(variable, value))
    library = case.source.rpartition(".")[0]
    try:
        importlib.import_module(library)
    except ImportError as error:
        pytest.skip(f"{library} cannot be imported: {error}")
    params = parameters(seed=9)
    theirs = [p.copy() for p in params]
    cls = OPTIMIZERS[case.optimizer.lower()]
    factor = falling if case.falls else constant  # as recorded: FTRL of keras keeps old rates
    updater = cls(**case.settings, preset=case.preset, schedule=factor).bind(params)
    worst = 0.0
    for t, after in run(case, theirs, lambda t: slope(theirs, t), factor, STEPS):
        updater.step(slope(params, t))
        theirs[:] = after
        size = max(np.max(np.abs(a)) for a in after)
        worst = max(
            worst, *(np.max(np.abs(p - a)) / size for p, a in zip(params, after, strict=True))
        )
    assert worst < case.tolerance
