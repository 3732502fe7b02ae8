"""Scales that follow the rows, whichever came first, and outliers that do not stick."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from fastlr import (
    FTRL,
    SGD,
    Adam,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    ScheduleFreeAdamW,
)
from fastlr.estimators.session.running_moments import RunningMoments
from fastlr.estimators.session.running_scales import LATER, STRIDE
from fastlr.exceptions import DivergenceWarning

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3000, 5))
Y = X @ [0.8, 1.6, -0.8, 0.4, 0] + 3 + 0.15 * RNG.standard_normal(3000)


def fed(model, X, y, chunk=1, **options):
    for k in range(0, X.shape[0], chunk):
        model.partial_fit(X[k : k + chunk], y[k : k + chunk], **options)
    return model


@pytest.mark.parametrize("first", [0.0, 0.001, 0.3, -100.0, 1e6])
@pytest.mark.parametrize(("cls", "least"), [(LinearRegressor, 0.993), (MLPRegressor, 0.93)])
def test_a_regressor_does_not_depend_on_its_first_target(cls, least, first):
    y = Y.copy()
    y[0] = first
    assert fed(cls(random_state=0), X[:2000], y[:2000]).score(X[2000:], Y[2000:]) > least


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_units_of_features_and_targets_leave_what_is_learned(unit):
    a = fed(LinearRegressor(random_state=0, standardize=True), X[:600], Y[:600])
    b = fed(LinearRegressor(random_state=0, standardize=True), unit * X[:600], Y[:600] / unit)
    np.testing.assert_allclose(b.coef_ * unit**2, a.coef_, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0, 7.0])
@pytest.mark.parametrize("way", ["partial_fit", "fit_stream", "fit"])
@pytest.mark.parametrize("cls", [LinearClassifier, MLPClassifier])
def test_a_feature_that_is_constant_at_first_is_learned_when_it_varies(cls, way, value):
    rng = np.random.default_rng(2)
    A = 3 * rng.standard_normal((4000, 3)) + 5
    A[:200, 0] = value
    y = (A[:, 0] > value).astype(int)
    y[:200] = rng.integers(0, 2, 200)
    chunks = [(A[k : k + 100], y[k : k + 100]) for k in range(0, 4000, 100)]
    model = cls(standardize=True, lr=0.03, schedule=None, random_state=0)
    if way == "fit_stream":
        model.fit_stream(chunks, classes=[0, 1])
    else:
        if way == "fit":
            model.fit(A[:200], y[:200])
        for part in chunks if way == "partial_fit" else chunks[2:]:
            model.partial_fit(*part, **({"classes": [0, 1]} if way == "partial_fit" else {}))
    assert model.score(A[3000:], y[3000:]) > 0.93


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("column", "size"), [(0, 1e3), (0, 1e15), (None, 1e3), ("y", 1e3), ("y", 1e15)]
)
@pytest.mark.parametrize("cls", [LinearRegressor, MLPRegressor])
def test_a_row_far_out_does_not_lower_the_score(cls, column, size, dtype, trained):
    A, models = X.astype(dtype), [cls(random_state=0) for _ in range(2)]
    models = [m.fit(A[:800], Y[:800]) if trained else fed(m, A[:800], Y[:800], 4) for m in models]
    bad, y = A[:1].copy(), Y[:1].copy()
    if column == "y":
        y[:] = size
    else:
        bad[0, slice(None) if column is None else column] = size
    models[0].partial_fit(A[:1], Y[:1])
    models[1].partial_fit(bad, y)
    for rows in (slice(800, 801), slice(801, 1000)):
        scores = [fed(m, A[rows], Y[rows]).score(A[2000:], Y[2000:]) for m in models]
        assert scores[1] > scores[0] - 0.01
    assert models[1].n_rejected_ == 0


def test_an_outlier_in_a_silent_feature_does_not_silence_it():
    A = X.copy()
    A[:500, 4] = 0.0
    y = np.where(np.arange(3000) < 500, X[:, 0], A[:, 4])
    model = fed(LinearRegressor(optimizer=Adam(lr=0.01), schedule=None), A[:500], y[:500])
    row = A[:1].copy()
    row[0, 4] = 1e9
    model.partial_fit(row, y[:1])
    assert fed(model, A[500:2000], y[500:2000]).score(A[2000:], y[2000:]) > 0.95


def test_values_beyond_measure_are_rejected_and_counted():
    model = fed(LinearRegressor(random_state=0), X[:500], Y[:500], 50)
    coef = model.coef_.copy()
    bad = X[:10].copy()
    bad[3, 1] = 1e200
    with pytest.warns(DivergenceWarning, match="taken back"):
        model.partial_fit(bad, Y[:10])
    np.testing.assert_array_equal(model.coef_, coef)
    assert model.n_rejected_ == 1
    assert pickle.loads(pickle.dumps(model)).n_rejected_ == 1
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full((1, 5), np.nan), Y[:1])
    assert model.n_rejected_ == 1


def test_sparse_values_far_out_are_brought_back_to_the_usual():
    rng = np.random.default_rng(0)
    A = sparse.random_array((2000, 50), density=0.1, rng=rng, format="csr", dtype=np.float32)
    y = A @ rng.standard_normal(50)
    model = fed(LinearRegressor(random_state=0), A, y, 10)
    before = model.score(A, y)
    bad = A[:1].copy()
    bad.data[:] = 1e15
    model.partial_fit(bad, y[:1])
    fed(model, A[:200], y[:200], 10)
    assert model.score(A, y) > before - 0.01


@pytest.mark.parametrize("kind", ["partial_fit", "fit"])
@pytest.mark.parametrize("cls", [LinearRegressor, MLPRegressor])
def test_a_pickle_at_any_row_changes_no_bit(cls, kind):
    A, y = 100 * X + 7, 5 * Y
    y[100:] *= 3  # units change
    models = [cls(random_state=0) for _ in range(2)]
    if kind == "fit":
        models = [m.fit(A[:100], y[:100]) for m in models]
    for k in range(0, 700, 3):
        for m in models:
            m.partial_fit(A[k : k + 3], y[k : k + 3])
        models[1] = pickle.loads(pickle.dumps(models[1]))
    np.testing.assert_array_equal(models[0].predict(A), models[1].predict(A))


@pytest.mark.parametrize(
    "optimizer", [SGD(lr=0.01), Adam(lr=0.02), FTRL(lr=0.03), ScheduleFreeAdamW(lr=0.02)]
)
@pytest.mark.parametrize("average", [None, "ema"])
def test_a_change_of_units_leaves_predictions_and_learning_goes_on(optimizer, average):
    if average and optimizer.predicts_elsewhere:
        pytest.skip("averages by itself")
    A = X.copy()
    A[1000:] *= np.geomspace(1, 5, 2000)[:, None]
    y = A @ [0.8, 1.6, -0.8, 0.4, 0]
    model = LinearRegressor(optimizer.replace(average=average), standardize=True, random_state=0)
    fed(model, A[:1000], y[:1000], 10)
    scale = model._inputs["scale"].copy()
    for k in range(1000, 3000, 10):
        session, before = model._session, model.predict(X[:20])
        model.partial_fit(A[k : k + 10], y[k : k + 10])
        if model._session is not session:  # one step lies between
            np.testing.assert_allclose(model.predict(X[:20]), before, atol=2.5)
    changed = model._inputs["scale"] / scale
    if isinstance(optimizer, FTRL):  # its sums of gradients keep their units
        assert (changed == 1).all()
    else:
        assert (changed > 1.5).all()
        assert model.score(A[1000:], y[1000:]) > 0.9


def test_scales_do_not_change_while_rows_are_of_the_same_kind():
    model = LinearRegressor(standardize=True, random_state=0).fit(X, Y)
    session = None
    for k in range(0, 3000, 10):
        model.partial_fit(X[k : k + 10], Y[k : k + 10])
        session = session or model._session
    assert model._session is session


def test_rows_until_an_event_are_as_many_as_are_promised():
    model = fed(LinearRegressor(standardize=True, random_state=0), X[:64], Y[:64])
    scales = model._session.scales
    assert scales.warm
    assert scales.rows_until_event == STRIDE * (LATER - 1)
    for k in range(scales.rows_until_event):
        assert scales.rows_until_event == STRIDE * (LATER - 1) - k
        assert not scales.add(X[k : k + 1], Y[k : k + 1])
    assert scales.add(X[:1], Y[:1])


def test_moments_of_blocks_are_those_of_all_rows():
    moments = RunningMoments.of(X[:500])
    for k in range(500, 3000, 7):
        moments.add(X[k : k + 7])
    np.testing.assert_allclose(moments.mean, X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(moments.deviation, X.std(axis=0), rtol=1e-12)
