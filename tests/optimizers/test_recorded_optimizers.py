"""Every rule walks the path that another library's walked, recorded once.

`test_trajectories` does so with torch's basic optimizers; these are all the others, from whichever
library has them, and often from the program of the rule's authors.
"""

import functools
import json

import numpy as np
import pytest

from fastlr.optimizers import OPTIMIZERS
from tests.recorded import make_arrays, make_optimizers, make_sums
from tests.recorded.make_torch import SNAPSHOTS, gradients, parameters

MODULES = [make_optimizers, make_sums, make_arrays]
CASES = {name: case for module in MODULES for name, case in module.CASES.items()}


@functools.cache
def recorded():
    found = {}
    for module in MODULES:
        with np.load(module.FILE) as file:
            found |= {name: file[name] for name in file}
    return found


@functools.cache
def inputs():
    return [gradients(t) for t in range(1, SNAPSHOTS[-1] + 1)]


def more(updater, name):
    if name == "averaged":
        return updater.averaged
    return updater.state_dict()["state"][name].values() if name else []


@pytest.mark.parametrize("name", CASES)
def test_another_library_walks_the_same_path(name):
    case = CASES[name]
    assert case.settings["weight_decay"] > 0
    params = parameters()
    updater = OPTIMIZERS[case.optimizer.lower()](**case.settings).bind(params)
    expected = iter(recorded()[name])
    for t, grads in enumerate(inputs(), 1):
        updater.step(grads)
        if t in SNAPSHOTS:
            kept = more(updater, case.state)
            got = np.concatenate([p.ravel() for p in [*params, *kept]])
            wanted = next(expected)
            assert np.max(np.abs(got - wanted)) < 1e-12 * np.max(np.abs(wanted)), f"step {t}"


@pytest.mark.parametrize("module", MODULES)
def test_a_recording_says_what_made_it_and_holds_every_case(module):
    with np.load(module.FILE) as file:
        made_with = json.loads(str(file["made_with"]))
        assert set(made_with) == {*module.LIBRARIES, "numpy"}
        assert set(file) == {*module.CASES, "made_with"}


def test_no_case_was_recorded_standing_still():
    start = np.concatenate([p.ravel() for p in parameters()])
    for name in CASES:
        moved = np.abs(recorded()[name][-1][: start.size] - start)
        assert np.median(moved) > 1e-3, f"{name} was recorded standing still"
