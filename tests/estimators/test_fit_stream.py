"""fit_stream: one pass over chunks is what partial_fit does with each, and schedules know it."""

import numpy as np
import pytest

from fastlr import (
    SGD,
    AdamW,
    DivergenceWarning,
    InterruptionWarning,
    LinearClassifier,
    OneCycle,
)
from tests.estimators.test_linear_values import data
from tests.estimators.test_regressor_base import Regressor
from tests.estimators.test_regressor_base import X as X_REAL
from tests.estimators.test_regressor_base import Y as Y_REAL

X, Y = data(3, rows=330)
CLASSES = np.arange(3)
CUTS = [slice(0, 100), slice(100, 200), slice(200, 300), slice(300, 330)]


def classifier(schedule=None, **kwargs):
    given = {"batch_size": 20, "random_state": 5} | kwargs
    return LinearClassifier(AdamW(lr=0.03, weight_decay=0.1), schedule=schedule, **given)


def chunks(weight=None):
    for cut in CUTS:
        yield (X[cut], Y[cut]) if weight is None else (X[cut], Y[cut], weight[cut])


@pytest.mark.parametrize("weight", [None, np.random.default_rng(0).uniform(0, 2, 330)])
def test_each_chunk_is_a_call_of_partial_fit(weight):
    streamed = classifier().fit_stream(chunks(weight), classes=CLASSES)
    called = classifier()
    for x, y, *w in chunks(weight):
        called.partial_fit(x, y, CLASSES, *w)
    np.testing.assert_array_equal(streamed.coef_, called.coef_)
    np.testing.assert_array_equal(streamed.intercept_, called.intercept_)
    np.testing.assert_array_equal(streamed.loss_curve_, called.loss_curve_)
    assert (streamed.n_iter_, streamed.t_) == (4, 17)
    as_lists = [(x.tolist(), y.tolist(), *w) for x, y, *w in chunks(weight)]
    other = classifier().fit_stream(as_lists, classes=CLASSES)
    np.testing.assert_array_equal(streamed.coef_, other.coef_)
    assert (streamed.predict(X) == Y).mean() > 0.6


@pytest.mark.parametrize(
    ("known", "steps"), [({"total_rows": 330}, 17), ({"n_chunks": 4}, 20), ({}, None)]
)
def test_a_stretched_schedule_spans_the_stream_where_its_length_is_known(known, steps):
    model = classifier("onecycle").fit_stream(chunks(), classes=CLASSES, **known)
    ends = np.array([5, 10, 15, 17]) - 1
    expected = np.full(4, 0.03) if steps is None else OneCycle().simulate(steps, lr=0.03).lr[ends]
    np.testing.assert_allclose(model.history_["lr"], expected, rtol=1e-12)
    model.partial_fit(X, Y)
    after = 0.03 if steps is None else 0.03 * 2**-5  # a run has ended, and the model is trained
    assert model.history_["lr"][-1] == pytest.approx(after, rel=1e-12)


def test_a_stream_longer_than_it_was_said_goes_on_learning():
    model = classifier("onecycle")
    with pytest.warns(UserWarning, match="longer than n_chunks or total_rows say") as caught:
        model.fit_stream(chunks(), classes=CLASSES, n_chunks=2)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    np.testing.assert_allclose(model.history_["lr"][2:], 0.03 * 2**-5, rtol=1e-12)


def test_a_stream_that_breaks_keeps_what_it_has_learned():
    def parts():
        yield from list(chunks())[:2]
        raise OSError("no more")

    model = classifier()
    with pytest.raises(OSError, match="no more") as caught:
        model.fit_stream(parts(), classes=CLASSES)
    assert caught.value.__notes__ == ["LinearClassifier keeps what it learned from 2 chunks."]
    good = classifier().fit_stream(list(chunks())[:2], classes=CLASSES)
    np.testing.assert_array_equal(model.coef_, good.coef_)
    bad = [*list(chunks())[:2], (np.full((3, X.shape[1]), np.nan), Y[:3])]
    with pytest.raises(ValueError, match="NaN") as caught:
        model.fit_stream(bad, classes=CLASSES)
    np.testing.assert_array_equal(model.coef_, good.coef_)


@pytest.mark.parametrize("known", [{}, {"total_rows": 330}, {"n_chunks": 2}])
def test_a_known_length_leaves_automatic_batches_and_the_number_of_steps(known):
    cut = [(X[:165], Y[:165]), (X[165:], Y[165:])]
    auto = classifier(batch_size="auto").fit_stream(cut, classes=CLASSES, **known)
    said = classifier(batch_size=1).fit_stream(cut, classes=CLASSES)
    assert auto.t_ == 330
    np.testing.assert_array_equal(auto.coef_, said.coef_)


def test_it_begins_anew_and_with_warm_start_goes_on():
    first = classifier().fit_stream(chunks(), classes=CLASSES)
    coef = first.coef_.copy()
    np.testing.assert_array_equal(first.fit_stream(chunks(), classes=CLASSES).coef_, coef)
    first.set_params(warm_start=True).fit_stream(chunks())
    twice = classifier().fit_stream([*chunks(), *chunks()], classes=CLASSES)
    np.testing.assert_array_equal(first.coef_, twice.coef_)
    assert first.n_iter_ == 8


def test_chunks_are_taken_one_at_a_time():
    model, seen = classifier(), []

    def watched():
        for number, chunk in enumerate(chunks()):
            seen.append(getattr(model, "n_iter_", 0))
            assert seen[-1] == number
            yield chunk

    model.fit_stream(watched(), classes=CLASSES)
    assert seen == [0, 1, 2, 3]


def test_regressors_take_mean_and_scale_from_the_first_chunk():
    parts = [(X_REAL[k::4], Y_REAL[k::4]) for k in range(4)]
    model = Regressor(schedule=None).fit_stream(parts)
    called = Regressor(schedule=None)
    for part in parts:
        called.partial_fit(*part)
    np.testing.assert_array_equal(model.coef_, called.coef_)
    np.testing.assert_allclose(model._shift, Y_REAL[::4].mean(axis=0))
    assert "_stale" not in vars(model)
    model = Regressor(batch_size=5).fit_stream(parts * 20, n_chunks=80)
    assert model.score(X_REAL, Y_REAL) > 0.97


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (([],), ValueError, "chunks is empty"),
        (([X],), TypeError, r"must yield \(X, y\) or .*, got ndarray as chunk 0"),
        (([(X,)],), TypeError, "got 1 items as chunk 0"),
        ((chunks(), {"classes": None}), ValueError, "classes must be passed .* fit_stream"),
        ((chunks(), {"total_rows": 0}), ValueError, "total_rows must be at least 1, got 0"),
        ((chunks(), {"n_chunks": 2.0}), TypeError, "n_chunks must be an int or None, got 2.0"),
        (([(X, Y), (X[:, :3], Y)],), ValueError, "3 features"),
        (([(X, Y), (X, Y + 1)],), ValueError, "not among the classes"),
    ],
)
def test_unfit_chunks_are_named(given, error, message):
    options = {"classes": CLASSES} | (given[1] if len(given) > 1 else {})
    with pytest.raises(error, match=message):
        classifier().fit_stream(given[0], **options)


def test_a_chunk_that_diverges_is_taken_back_and_the_stream_goes_on():
    taken = []

    def parts():
        for number, (x, y) in enumerate(chunks()):
            taken.append(number)
            yield (np.full_like(x, np.finfo(float).max / 4), y) if number == 2 else (x, y)

    model = LinearClassifier(SGD(lr=3.0), schedule=None, batch_size=20, random_state=0)
    with pytest.warns(DivergenceWarning, match=r"taken back.* at step 11 with") as caught:
        model.fit_stream(parts(), classes=CLASSES)
    assert caught[0].filename == __file__
    assert taken == [0, 1, 2, 3]
    good = LinearClassifier(SGD(lr=3.0), schedule=None, batch_size=20, random_state=0)
    first, second, _, last = chunks()
    good.fit_stream([first, second], classes=CLASSES)
    good._session.permutation(len(first[0]))  # the chunk that was taken back drew an order too
    good.partial_fit(*last)
    np.testing.assert_array_equal(model.coef_, good.coef_)


def test_ctrl_c_keeps_the_steps_made():
    def parts():
        yield from list(chunks())[:2]
        raise KeyboardInterrupt

    with pytest.warns(InterruptionWarning, match="weights of the last step, 10, are kept"):
        model = classifier().fit_stream(parts(), classes=CLASSES)
    good = classifier().fit_stream(list(chunks())[:2], classes=CLASSES)
    np.testing.assert_array_equal(model.coef_, good.coef_)
