"""Linear estimators on sparse X: the same models as on dense X, at the cost of the entries."""

import pickle
import time
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from fastlr import SGD, Adagrad, Adam, AdamW, LinearClassifier, LinearRegressor
from fastlr.losses import Loss
from fastlr.optimizers import Optimizer
from tests.support.engines import needs_compiled


def corpus(rows=300, features=60, classes=3, dtype=np.float64, seed=0):
    """Return sparse rows, classes that depend on them, and numbers that do."""
    rng = np.random.default_rng(seed)
    X = sparse.random_array((rows, features), density=0.1, rng=rng, format="csr", dtype=dtype)
    Z = X @ rng.standard_normal((features, classes)).astype(dtype)
    return X, Z.argmax(axis=1), Z


KINDS = {
    "multinomial": (LinearClassifier, "y", {}),
    "binary": (LinearClassifier, "y2", {}),
    "hinge": (LinearClassifier, "y", {"loss": "hinge"}),
    "ovr": (LinearClassifier, "y", {"multi_class": "ovr", "class_weight": "balanced"}),
    "multilabel": (LinearClassifier, "labels", {}),
    "regression": (LinearRegressor, "z", {}),
    "many outputs": (LinearRegressor, "Z", {"loss": "huber", "fit_intercept": False}),
    "average": (LinearClassifier, "y", {"average": True, "penalty": "l2", "alpha": 1e-2}),
    "stopping": (LinearClassifier, "y", {"early_stopping": True, "max_epochs": 30}),
}


def targets(kind):
    X, y, Z = corpus()
    return X, {"y": y, "y2": y == 1, "labels": Z.mean(axis=0) < Z, "z": Z[:, 0], "Z": Z}[kind]


@pytest.mark.parametrize("optimizer", [SGD(lr=0.3, weight_decay=0.01), Adagrad(lr=0.1, eps=1e-3)])
@pytest.mark.parametrize("kind", KINDS)
def test_sparse_rows_make_the_model_that_dense_ones_make(kind, optimizer):
    cls, of, more = KINDS[kind]
    if isinstance(optimizer, Adagrad) and "penalty" in more:
        pytest.skip("its penalty is shared out among the mini-batches that hold a feature")
    X, y = targets(of)
    weight = np.random.default_rng(1).uniform(0.1, 2.0, X.shape[0])
    options = {"standardize": False, "max_epochs": 4, "batch_size": 10, "random_state": 0} | more
    dense, sparse_ = (
        cls(optimizer, **options).fit(rows, y, sample_weight=weight) for rows in (X.toarray(), X)
    )
    close = {"rtol": 1e-8, "atol": 1e-10}
    np.testing.assert_allclose(sparse_.coef_, dense.coef_, **close)
    np.testing.assert_allclose(sparse_.intercept_, dense.intercept_, **close)
    assert sparse_.coef_.shape == dense.coef_.shape
    np.testing.assert_allclose(sparse_.loss_curve_, dense.loss_curve_, **close)
    np.testing.assert_allclose(sparse_.predict(X), dense.predict(X.toarray()), **close)
    assert sparse_.score(X, y) == pytest.approx(dense.score(X.toarray(), y))
    np.testing.assert_allclose(sparse_.predict(X), sparse_.predict(X.toarray()), **close)
    if cls is LinearClassifier:
        scores = sparse_.decision_function(X)
        np.testing.assert_allclose(scores, dense.decision_function(X.toarray()), **close)


def test_an_l1_penalty_under_plain_steps_is_their_proximal_one():
    X, y, _ = corpus()
    optimizer = SGD(lr=0.3)
    options = {"standardize": False, "max_epochs": 4, "batch_size": 50, "random_state": 0}
    model = LinearClassifier(optimizer, penalty="l1", alpha=1e-2, **options).fit(X, y)
    other = LinearClassifier(optimizer.replace(l1=1e-2), **options).fit(X.toarray(), y)
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=1e-8, atol=1e-12)
    assert 0.05 < (model.coef_ == 0).mean() < 0.95


@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize("optimizer", [Adam(lr=0.05), SGD(lr=0.3, momentum=0.9)])
def test_a_penalty_goes_on_to_the_bit_from_a_pickle(optimizer, penalty):
    X, y, _ = corpus()
    options = {"penalty": penalty, "alpha": 1e-2, "standardize": False, "random_state": 0}
    model = LinearClassifier(optimizer, schedule=None, **options)
    for start in range(0, 150, 10):
        model.partial_fit(X[start : start + 10], y[start : start + 10], classes=[0, 1, 2])
    other = pickle.loads(pickle.dumps(model))
    for start in range(150, 300, 10):
        for each in (model, other):
            each.partial_fit(X[start : start + 10], y[start : start + 10])
    np.testing.assert_array_equal(model.coef_, other.coef_)


def test_a_search_for_a_rate_leaves_nothing_behind_of_where_features_were_met():
    X, y, _ = corpus()
    options = {"penalty": "l2", "alpha": 1e-2, "standardize": False, "random_state": 0}
    model = LinearClassifier(**options).fit(X, y)
    other = LinearClassifier(lr=model.lr_, **options).fit(X, y)
    np.testing.assert_array_equal(model.coef_, other.coef_)


def test_losses_and_rules_of_ones_own_train_on_sparse_rows():
    class Cauchy(Loss):
        scale: float = 1.0

        def coefficients(self):
            return {"inverse": 1 / self.scale, "half": 0.5}

        @staticmethod
        def loss(z, y, inverse, half):
            r = (z - y) * inverse
            return half * log1p(r * r), r * inverse / (r * r + half + half)  # noqa: F821

    class Plain(Optimizer):
        lr: float = 0.1

        def coefficients(self, t, lr):
            return {"rate": lr}

        @staticmethod
        def update(p, g, rate):
            return p - rate * g

    X, _, Z = corpus()
    options = {"loss": Cauchy(scale=2.0), "max_epochs": 2, "random_state": 0, "standardize": False}
    sparse_, dense = (
        LinearRegressor(Plain(lr=0.2), **options).fit(rows, Z) for rows in (X, X.toarray())
    )
    np.testing.assert_allclose(sparse_.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
    assert (sparse_.coef_ != 0).mean() > 0.9


@pytest.mark.parametrize("standardize", ["auto", True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_features_are_divided_but_never_shifted_and_only_if_asked(fit_intercept, standardize):
    X, y, _ = corpus()
    scale = np.random.default_rng(2).uniform(0.01, 100.0, X.shape[1])
    X = sparse.csr_array(X @ sparse.diags_array(scale))
    weight = np.random.default_rng(1).integers(1, 3, X.shape[0])
    options = {"max_epochs": 3, "random_state": 0, "fit_intercept": fit_intercept}
    model = LinearClassifier(SGD(lr=0.1), standardize=standardize, **options)
    model.fit(X, y, sample_weight=weight)
    divisor = np.ones(X.shape[1])
    if standardize is True:
        given = np.repeat(X.toarray(), weight, axis=0)
        divisor = given.std(axis=0) if fit_intercept else np.sqrt((given**2).mean(axis=0))
    other = LinearClassifier(SGD(lr=0.1), standardize=False, **options)
    other.fit(sparse.csr_array(X / divisor), y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, other.coef_ / divisor, rtol=1e-8)
    np.testing.assert_allclose(model.intercept_, other.intercept_, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_far_larger_than_others_are_divided(dtype):
    X, y, _ = corpus(dtype=dtype)
    X.data = np.abs(X.data) + dtype(0.5)
    divisor = np.ones(X.shape[1], dtype)
    divisor[[3, 20]] = 1e3, 1e6
    large = sparse.csr_array(X @ sparse.diags_array(divisor))
    options = {"optimizer": SGD(lr=0.1), "max_epochs": 3, "random_state": 0}
    for rows in (X, large):
        model = LinearClassifier(**options).fit(rows, y)
        assert ("scale" in model._inputs) == (rows is large)
    scale = model._inputs["scale"]
    assert set(np.flatnonzero(scale != 1)) == {3, 20}
    given = LinearClassifier(standardize=False, **options).fit(sparse.csr_array(large / scale), y)
    np.testing.assert_allclose(model.coef_, given.coef_ / scale, rtol=1e-3)
    assert model.score(large, y) > 0.8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["csc_array", "coo_array", "lil_array", "csr_matrix", "wide"])
def test_every_format_and_index_width_is_taken(form, dtype):
    X, y, _ = corpus(dtype=dtype)
    expected = LinearClassifier(random_state=0).fit(X, y)
    if form == "wide":
        other = X.copy()
        other.indices, other.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    else:
        other = getattr(sparse, form)(X)
    model = LinearClassifier(random_state=0).fit(other, y)
    assert model.coef_.dtype == dtype
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(model.predict_proba(other), expected.predict_proba(X))


@pytest.mark.parametrize(
    "optimizer", [AdamW(lr=0.01), SGD(lr=0.1, average="ema", weight_decay=0.1)]
)
def test_partial_fit_and_streams_and_pickles_go_on_as_one_run(optimizer):
    X, y, _ = corpus()
    options = {"schedule": None, "batch_size": 10, "shuffle": False, "random_state": 0}
    whole = LinearClassifier(optimizer, max_epochs=1, **options).fit(X, y)
    chunks = [(X[k : k + 50], y[k : k + 50]) for k in range(0, 300, 50)]
    chunked = LinearClassifier(optimizer, **options)
    pickled = LinearClassifier(optimizer, **options)
    for k, chunk in enumerate(chunks):
        chunked.partial_fit(*chunk, classes=[0, 1, 2] if k == 0 else None)
        pickled.partial_fit(*chunk, classes=[0, 1, 2])
        pickled = pickle.loads(pickle.dumps(pickled))
    streamed = LinearClassifier(optimizer, **options).fit_stream(iter(chunks), classes=[0, 1, 2])
    for model in (chunked, pickled, streamed):
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-12, atol=1e-15)
        assert model.t_ == 30


def test_attributes_that_are_read_or_set_between_chunks_are_those_of_the_moment():
    X, y, _ = corpus()
    options = {"batch_size": 5, "shuffle": False, "random_state": 0}
    quiet, watched = (LinearClassifier(AdamW(lr=0.01, weight_decay=3.0), **options) for _ in "ab")
    for start in range(0, 100, 20):
        rows = slice(start, start + 20)
        quiet.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        watched.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        before = watched.coef_
        assert watched.coef_ is before
    np.testing.assert_allclose(watched.coef_, quiet.coef_, rtol=1e-12)
    watched.coef_ = np.zeros_like(watched.coef_)
    watched.partial_fit(X[: 0 + 1], y[:1])
    assert 0 < (watched.coef_ != 0).sum() <= 3 * X[:1].nnz


def test_models_go_on_with_rows_of_the_other_kind():
    X, y, _ = corpus()
    for first, second in ((X, X.toarray()), (X.toarray(), X)):
        mixed = LinearClassifier(SGD(lr=0.1), random_state=0, standardize=False)
        plain = LinearClassifier(SGD(lr=0.1), random_state=0, standardize=False)
        mixed.partial_fit(first, y, classes=[0, 1, 2]).partial_fit(second, y)
        plain.partial_fit(first, y, classes=[0, 1, 2]).partial_fit(first, y)
        np.testing.assert_array_equal(mixed.coef_, plain.coef_)
        held_out = LinearClassifier(SGD(lr=0.1), random_state=0, standardize=False)
        held_out.fit(first, y, X_val=second, y_val=y)
        assert held_out.validation_scores_[-1] == held_out.score(first, y)


def test_a_warm_start_goes_on_and_keeps_the_shape_of_coefficients():
    X, y, _ = corpus()
    warm = LinearClassifier(
        Adam(lr=0.01), schedule=None, max_epochs=2, warm_start=True, shuffle=False
    )
    warm.fit(X, y).fit(X, y)
    once = LinearClassifier(Adam(lr=0.01), schedule=None, max_epochs=4, shuffle=False).fit(X, y)
    np.testing.assert_allclose(warm.coef_, once.coef_, rtol=1e-12)
    with pytest.raises(ValueError, match=r"\(3, 60\).*\(3, 59\)"):
        warm.fit(X[:, :-1], y)


def test_sparse_coefficients_predict_and_train_as_dense_ones():
    X, y, _ = corpus()
    model = LinearClassifier(
        SGD(lr=0.3), penalty="l1", alpha=0.02, batch_size=50, random_state=0
    ).fit(X, y)
    expected, coef = model.decision_function(X), model.coef_.copy()
    assert (coef == 0).mean() > 0.3
    assert sparse.issparse(model.sparsify().coef_)
    assert model.coef_.nnz == (coef != 0).sum()
    for rows in (X, X.toarray()):
        np.testing.assert_allclose(model.decision_function(rows), expected, rtol=1e-12, atol=1e-13)
    again = pickle.loads(pickle.dumps(model))
    other = LinearClassifier(
        SGD(lr=0.3), penalty="l1", alpha=0.02, batch_size=50, random_state=0
    ).fit(X, y)
    other.partial_fit(X, y)
    for each in (model, again):
        np.testing.assert_array_equal(each.partial_fit(X, y).coef_, other.coef_)
    np.testing.assert_array_equal(again.sparsify().densify().coef_, model.densify().coef_)


@needs_compiled
def test_cost_of_a_small_chunk_does_not_grow_with_the_features():
    fastest = []
    for features in (1_000, 1_000_000):
        X = sparse.random_array((8, 900), density=0.02, rng=np.random.default_rng(0), format="csr")
        X = sparse.csr_array((X.data, X.indices, X.indptr), (8, features))
        y = np.arange(8) % 2
        model = LinearClassifier(AdamW(lr=0.01, weight_decay=0.1)).partial_fit(X, y, [0, 1])
        times = []
        for _ in range(30):
            start = time.process_time()
            model.partial_fit(X, y)
            times.append(time.process_time() - start)
        fastest.append(min(times))
    assert fastest[1] < 4 * fastest[0]  # a visit to each feature takes 10 times as long


@needs_compiled
def test_fit_needs_little_memory_beside_the_rows():
    rng = np.random.default_rng(0)
    X = sparse.random_array((40_000, 2_000), density=0.02, rng=rng, format="csr", dtype=np.float32)
    y = rng.integers(0, 2, X.shape[0])
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    model = LinearClassifier(lr=0.01, max_epochs=2)  # to find one takes a copy of 512 rows
    model.fit(X[:100], y[:100])  # imports
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * size
