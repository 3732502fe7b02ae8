"""Gradients that a container makes when it is asked live until the step is over."""

import numpy as np
import pytest

from fastlr import AdamW
from tests.reliability.crashes import run_apart


class OnTheSpot(list):
    """Each look makes a new array, which nobody else holds."""

    def __getitem__(self, i):
        return super().__getitem__(i) * 1.0


class TupleOnTheSpot(tuple):
    __slots__ = ()

    def __getitem__(self, i):
        return tuple.__getitem__(self, i) * 1.0


@pytest.mark.parametrize("kind", [OnTheSpot, TupleOnTheSpot])
@pytest.mark.parametrize("n", [3, 1000])
def test_step_with_arrays_made_on_the_spot(kind, n):
    rng = np.random.RandomState(0)
    grads = [rng.randn(n) for _ in range(20)]
    found = []
    for given in (grads, kind(grads)):
        params = [np.zeros(n) for _ in grads]
        updater = AdamW(lr=0.1).bind(params)
        for _ in range(5):
            updater.step(given)
        found.append(np.array(params))
    assert np.array_equal(*found)


def test_large_arrays_made_on_the_spot_do_not_crash():
    printed = run_apart("""
class OnTheSpot(list):
    def __getitem__(self, i):
        return super().__getitem__(i) * 1.0
grads = [np.ones(300_000), 2 * np.ones(300_000)]
params = [np.zeros(300_000) for _ in grads]
updater = fastlr.SGD(lr=1.0).bind(params)
updater.step(OnTheSpot(grads))
print(params[0].mean(), params[1].mean())
""")
    assert printed == "-1.0 -2.0"
