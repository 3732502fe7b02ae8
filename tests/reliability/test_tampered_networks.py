"""Fitted attributes out of a file may be anything: networks check them before they are read."""

import numpy as np
import pytest

from tests.reliability.crashes import run_apart

CHANGES = {
    "short intercept": "model.intercepts_[0] = model.intercepts_[0][:1]",
    "short last intercept": "model.intercepts_[-1] = model.intercepts_[-1][:0]",
    "few intercepts": "model.intercepts_ = model.intercepts_[:1]",
    "mixed dtypes": "model.coefs_[1] = model.coefs_[1].astype(np.float32)",
    "half intercept": "model.intercepts_[1] = model.intercepts_[1].astype(np.float16)",
    "objects": "model.coefs_[0] = model.coefs_[0].astype(object)",
    "object intercepts": "model.intercepts_[0] = model.intercepts_[0].astype(object)",
    "integers": "model.coefs_ = [c.astype(int) for c in model.coefs_]",
    "one dimension": "model.coefs_[1] = model.coefs_[1].ravel()",
    "turned": "model.coefs_[1] = model.coefs_[1].T",
    "narrow": "model.coefs_[1] = model.coefs_[1][:3]",
    "byte-swapped": "model.coefs_[1] = model.coefs_[1].astype('>f8')",
    "a list": "model.intercepts_[0] = list(model.intercepts_[0])",
}


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_prediction_of_a_tampered_network_ends_in_an_error_or_in_the_right_numbers(kind):
    printed = run_apart(f"""
rng = np.random.RandomState(0)
X = rng.rand(60, 8)
y = np.arange(60) % 3
for name, change in {CHANGES!r}.items():
    for rows in (X, X[:1], csr_matrix(X)):
        model = {kind}((5, 4), max_epochs=2, random_state=0).fit(X, y)
        right = model.predict(rows)
        exec(change)
        try:
            found = model.predict(rows)
        except (ValueError, TypeError):
            continue
        assert name in ("byte-swapped", "a list") and (found == right).all(), name
print("done")
""")
    assert printed == "done"


def test_learning_goes_on_from_a_tampered_network_only_if_it_fits():
    printed = run_apart(f"""
rng = np.random.RandomState(0)
X = rng.rand(60, 8)
y = np.arange(60) % 3
for name, change in {CHANGES!r}.items():
    model = MLPClassifier((5, 4), max_epochs=2, random_state=0).fit(X, y)
    exec(change)
    try:
        model.partial_fit(X, y)
    except (ValueError, TypeError):
        pass
print("done")
""")
    assert printed == "done"


def test_scaling_of_another_width_is_refused():
    from fastlr import Adam
    from fastlr.training import Arena, FeatureScaling, MLPEpoch

    shapes = {"coef_0": (8, 2), "intercept_0": (2,), "coef_1": (2, 1), "intercept_1": (1,)}
    arena = Arena(shapes, "float64")
    updater = Adam().bind(arena.param)
    for scaling in (
        FeatureScaling(None, np.ones(3)),
        FeatureScaling(np.zeros(3), np.ones(8)),
        FeatureScaling(None, np.float64(1)),
    ):
        with pytest.raises(ValueError, match="scaling must hold arrays of shape"):
            MLPEpoch(arena, updater, "squared_error", "each", ["tanh"], scaling=scaling)
