"""Ordinary input at the edges: the right value, or an error of a documented kind."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack

from fastlr import (
    AdamW,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
)

RNG = np.random.RandomState(0)
X = RNG.rand(60, 5)
Y = np.arange(60) % 2
SPARSE = csr_matrix(X * (X > 0.6))


@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier, LinearRegressor, MLPRegressor])
def test_early_stopping_holds_out_rows_that_weigh_something(kind):
    for seed in range(20):
        weights = np.zeros(60)
        weights[:24] = 1
        model = kind(early_stopping=True, random_state=seed, max_epochs=3)
        model.fit(X, Y, sample_weight=weights)
        assert np.isfinite(model.validation_scores_).all()
        few = np.zeros(60)
        few[0] = 1
        with pytest.raises(ValueError, match=r"early_stopping|validation"):
            model.fit(X, Y, sample_weight=few)


def test_validation_outputs_that_overflow_end_no_fit():
    model = LinearRegressor(loss="poisson", random_state=0, max_epochs=3, standardize=False)
    model.fit(X, Y + 1.0, X_val=X * 1e30, y_val=Y + 1.0)
    assert model.n_iter_ == 3
    assert (model.validation_scores_ == -np.inf).all()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, LinearClassifier])
def test_narrow_indices_with_wide_row_starts(kind):
    mixed = SPARSE.copy()
    mixed.indptr = mixed.indptr.astype(np.int64)
    assert mixed.indices.dtype == np.int32
    expected = kind(max_epochs=3, random_state=0).fit(SPARSE, Y)
    model = kind(max_epochs=3, random_state=0).fit(mixed, Y)
    assert np.array_equal(model.predict(mixed), expected.predict(SPARSE))
    assert np.array_equal(
        model.partial_fit(mixed, Y).predict(X), expected.partial_fit(SPARSE, Y).predict(X)
    )


@pytest.mark.parametrize("dense", [True, False])
def test_sparsified_models_return_arrays(dense):
    rows = X if dense else csr_matrix(X)
    model = LinearClassifier(max_epochs=3, random_state=0).fit(SPARSE, np.arange(60) % 3)
    expected = model.decision_function(rows)
    model.sparsify()
    scores = model.decision_function(rows)
    assert type(scores) is np.ndarray
    assert np.allclose(scores, expected, atol=1e-12)
    assert type(model.predict(rows)) is np.ndarray


@pytest.mark.parametrize("dtype", [str, object])
def test_class_weight_of_labels_that_look_like_numbers(dtype):
    labels = np.where(Y, "1", "2").astype(dtype)
    plain = LinearClassifier(max_epochs=3, random_state=0, class_weight={0: 3.0, 1: 0.5}).fit(
        X, 1 - Y
    )
    model = LinearClassifier(max_epochs=3, random_state=0, class_weight={"1": 3.0, "2": 0.5})
    model.fit(X, labels)
    assert np.array_equal(model.coef_, plain.coef_)
    missing = LinearClassifier(max_epochs=3, class_weight={"1": 3.0, "3": 0.5})
    with pytest.raises(ValueError, match="class_weight"):
        missing.fit(X, labels)


@pytest.mark.filterwarnings("ignore::fastlr.exceptions.DivergenceWarning")
@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize(
    "loss",
    ["huber", "log_cosh", "epsilon_insensitive", "squared_error", "pinball", "poisson", "gamma"],
)
def test_targets_of_any_size(loss, size):
    model = LinearRegressor(loss=loss, max_epochs=2, random_state=0).fit(X, (Y + 1) * size)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("size", [1e-30, 1e-26, 1e-18])
def test_tiny_float32_features_are_not_constant(size):
    rows = (X * size * np.where(Y, 1, 3)[:, None]).astype(np.float32)
    rows[:, 4] = 0
    rows[:, 3] = np.float32(size)
    model = LinearClassifier(max_epochs=30, standardize=True, random_state=0).fit(rows, Y)
    assert model.score(rows, Y) > 0.9
    scale, shift = model._inputs["scale"], model._inputs["shift"]
    wide = rows.astype(np.float64)
    assert np.allclose(scale[:3], wide[:, :3].std(axis=0), rtol=1e-6, atol=0)
    assert np.allclose(shift, wide.mean(axis=0), rtol=1e-6, atol=0)
    assert scale[4] == 1
    assert scale[3] >= size  # a constant stays silent


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier])
def test_zeros_that_are_stored_change_nothing(kind, call):
    empty = csr_matrix((60, 20))
    plain = hstack([SPARSE, empty]).tocsr()
    stored = csr_matrix(np.ones((60, 5)))
    stored.data = (X * (X > 0.6)).ravel().copy()
    stored = hstack([stored, empty]).tocsr()
    assert stored.nnz == 300 > plain.nnz
    found = []
    for rows in (plain, stored):
        model = kind(optimizer="adam", batch_size=1, max_epochs=2, random_state=0)
        for _ in range(2):
            model.fit(rows, Y) if call == "fit" else model.partial_fit(rows, Y, classes=[0, 1])
        found.append(model.decision_function(plain))
    assert np.array_equal(*found)
    assert stored.nnz == 300  # the user's matrix is as it was


@pytest.mark.parametrize("value", [2**31, 10**400])
def test_too_many_threads_are_a_value_error(value):
    for call in (
        lambda: LinearClassifier(n_threads=value).fit(X, Y),
        lambda: MLPClassifier(n_threads=value).partial_fit(X, Y, classes=[0, 1]),
        lambda: AdamW().bind({"w": np.zeros(3)}, n_threads=value),
    ):
        with pytest.raises(ValueError, match="n_threads"):
            call()


@pytest.mark.parametrize(
    "name", ["lr", "alpha", "tol", "batch_size", "max_epochs", "n_iter_no_change"]
)
def test_parameters_beyond_floats_are_value_errors(name):
    with pytest.raises(ValueError, match=name):
        LinearClassifier(**{name: 10**400}).fit(X, Y)


@pytest.mark.parametrize("name", ["lr", "clip_norm", "beta1", "weight_decay"])
def test_hyper_parameters_beyond_floats_are_value_errors(name):
    with pytest.raises(ValueError, match=name):
        AdamW(**{name: 10**400})


@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier, LinearRegressor, MLPRegressor])
def test_pickles_without_newer_parameters_get_their_defaults(kind):
    model = kind(max_epochs=2, random_state=0).fit(X, Y)
    state = model.__getstate__()
    for name in ("n_threads", "reference_batch_size", "early_stopping", "_facts"):
        del state[name]
    old = kind.__new__(kind)
    old.__setstate__(state)
    assert (old.n_threads, old.reference_batch_size, old.early_stopping) == (1, None, False)
    assert np.array_equal(old.predict(X), model.predict(X))
    assert np.array_equal(old.partial_fit(X, Y).predict(X), model.partial_fit(X, Y).predict(X))
    assert len(old.history_["loss"]) == 3
