"""What an updater holds goes when it goes, and does not wait for a garbage collection."""

import gc
import weakref

import numpy as np
import pytest

from fastlr import LAMB, SGD, AdamW, LinearClassifier, Muon
from fastlr.estimators.session.session import Session
from tests.support.engines import needs_compiled, use_engine

OPTIMIZERS = [
    AdamW(clip_norm=1.0, average="ema", schedule="onecycle"),
    AdamW(cautious=True, lookahead=2),
    SGD(momentum=0.9, schedule="reduceonplateau"),
    LAMB(),
    Muon(),
]


@pytest.fixture
def no_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@needs_compiled
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("engine", ["cython", "cython-python_stepper"])
def test_parameters_and_state_go_with_the_updater(optimizer, engine, no_collection):
    with use_engine(engine) as backend:
        params = {"w": np.ones((4, 3)), "bias": np.zeros(3)}
        held = weakref.ref(params["w"])
        updater = optimizer.bind(params, backend=backend, total_steps=9)
        for _ in range(3):
            updater.step({"w": np.ones((4, 3)), "bias": np.ones(3)})
        updater.observe(1.0)
        state = [weakref.ref(a) for arrays in updater.binding.state.values() for a in arrays]
        assert state
        assert held() is not None
        del updater, params
    assert held() is None
    assert [ref() for ref in state] == [None] * len(state)


def test_a_fit_leaves_nothing_behind_but_its_last_session(monkeypatch, no_collection):
    """Those of the search for a rate held as much memory again as the training did."""
    made = []
    start = Session.__init__

    def noted(self, *args, **kwargs):
        start(self, *args, **kwargs)
        made.append((weakref.ref(self), weakref.ref(self.updater)))

    monkeypatch.setattr(Session, "__init__", noted)
    X = np.random.default_rng(0).standard_normal((300, 3))
    model = LinearClassifier(max_epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    assert len(made) > 1
    assert [ref() is not None for refs in made for ref in refs[:2]] == [
        *[False] * (2 * len(made) - 2),
        *(True, True),
    ]
    del model
    assert [ref() for refs in made for ref in refs] == [None] * (2 * len(made))
