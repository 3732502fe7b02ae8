"""Sparse rows without entries, first of all or throughout, are rows like any other."""

import numpy as np
import pytest

from tests.reliability.crashes import run_apart


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", ["LinearClassifier", "MLPClassifier"])
@pytest.mark.parametrize("classes", [2, 20])
def test_first_chunk_without_entries_trains_the_intercept_only(model, classes, dtype):
    printed = run_apart(f"""
model = {model}(random_state=0)
for X in (csr_matrix((1, 50), dtype="{dtype}"), csr_matrix((1, 50), dtype="{dtype}")):
    model.partial_fit(X, [0], classes=range({classes}))
assert not getattr(model, "coef_", np.zeros(1)).any()
row = np.zeros((1, 50), "{dtype}")
row[0, 3] = 1
model.partial_fit(csr_matrix(row), [1])
assert np.isfinite(model.predict_proba(csr_matrix(row))).all()
print(model.predict(csr_matrix((1, 50), dtype="{dtype}"))[0], model.t_)
""")
    assert printed == "0 3"


@pytest.mark.parametrize("outputs", [1, 20])
@pytest.mark.parametrize("model", ["LinearRegressor", "MLPRegressor"])
def test_regressor_whose_first_chunk_has_no_entries(model, outputs):
    printed = run_apart(f"""
y = np.ones((2, {outputs}))
y[1] = 3
model = {model}(random_state=0)
model.partial_fit(csr_matrix((2, 50)), y if {outputs} > 1 else y[:, 0])
predicted = model.predict(csr_matrix((1, 50)))
print(model.t_, predicted.size, np.isfinite(predicted).all())
""")
    assert printed == f"2 {outputs} True"


@pytest.mark.parametrize("first", ["empty", "weightless"])
@pytest.mark.parametrize("classes", [2, 20])
@pytest.mark.parametrize("model", ["LinearClassifier", "MLPClassifier"])
def test_stream_whose_first_row_is_empty_or_weighs_nothing(model, classes, first):
    printed = run_apart(f"""
rng = np.random.RandomState(0)
X = rng.rand(60, 30) * (rng.rand(60, 30) < 0.2)
y = np.arange(60) % {classes}
weights = np.ones(60)
if "{first}" == "empty":
    X[0] = 0
else:
    weights[0] = 0
X, model = csr_matrix(X), {model}(batch_size=1, shuffle=False, random_state=0)
model.fit_stream([(X, y, weights)], classes=range({classes}))
print(model.t_, np.isfinite(model.predict_proba(X)).all())
""")
    assert printed == "60 True"


@pytest.mark.parametrize("classes", [2, 20])
@pytest.mark.parametrize("model", ["LinearClassifier", "MLPClassifier"])
def test_fit_on_rows_that_are_all_empty_learns_how_frequent_classes_are(model, classes):
    printed = run_apart(f"""
y = np.r_[np.arange({classes}), np.zeros(100, int)]
X = csr_matrix((len(y), 50))
model = {model}(random_state=0, max_epochs=40).fit(X, y)
print(model.predict(X[:1])[0])
""")
    assert printed == "0"


@pytest.mark.parametrize("rule", ["SGD", "AdamW", "LAMB", "Muon"])
@pytest.mark.parametrize("outputs", [1, 16])
def test_engine_steps_over_empty_batches(rule, outputs):
    """An empty mini-batch is a step as one of zeros is, first of all and later."""
    printed = run_apart(f"""
from fastlr.training import Arena, LinearEpoch, SparseEpoch
y = np.random.RandomState(0).rand(4, {outputs})
found = []
for engine in ("auto", "numpy"):
    arena = Arena({{"coef": (50, {outputs}), "intercept": ({outputs},)}}, "float64")
    updater = fastlr.{rule}(lr=0.1).bind(arena.param)
    epoch = SparseEpoch(arena, updater, "squared_error", "each", engine)
    for X in (csr_matrix((4, 50)), csr_matrix(np.eye(4, 50)), csr_matrix((4, 50))):
        epoch.run(X, y, batch_size=2)
    found.append(arena.params.copy())
print(np.abs(found[0] - found[1]).max(), found[0].any())
""")
    difference, moved = printed.split()
    assert float(difference) < 1e-12
    assert moved == "True"


def test_reference_of_what_an_empty_row_teaches():
    """With squared error, the intercept of an empty row moves by rate times residual."""
    from scipy.sparse import csr_matrix

    from fastlr import SGD
    from fastlr.training import Arena, SparseEpoch

    arena = Arena({"coef": (3, 1), "intercept": (1,)}, "float64")
    epoch = SparseEpoch(arena, SGD(lr=0.5).bind(arena.param), "squared_error", "each")
    epoch.run(csr_matrix((1, 3)), np.array([[2.0]]), batch_size=1)
    assert arena.param["intercept"][0] != 0
    assert not arena.param["coef"].any()
