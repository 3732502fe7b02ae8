"""What `fit` warns of by itself, and where it must keep quiet. (Warnings are errors here.)"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from fastlr import (
    DivergenceWarning,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    ScaleWarning,
    StuckWarning,
)

X, Y = load_digits(n_class=3, return_X_y=True)
WIDE = X[:, 10:20] * np.logspace(-3, 3, 10)


def network_with(change, **given):
    """Return a network that starts from weights that have been changed."""
    first = MLPClassifier((8,), lr=0.01, max_epochs=1, random_state=0).fit(X, Y)
    first.coefs_, first.intercepts_ = (
        [change(k, a.copy()) for k, a in enumerate(arrays)]
        for arrays in (first.coefs_, first.intercepts_)
    )
    return MLPClassifier((8,), lr=0.01, max_epochs=3, warm_start_from=first, **given)


@pytest.mark.parametrize(("estimator", "y"), [(LinearClassifier, Y), (LinearRegressor, X[:, 20])])
def test_a_loss_that_stays_where_it_is_with_the_rate_as_its_cause(estimator, y):
    model = estimator(lr=1e-13, max_epochs=3)
    with pytest.warns(StuckWarning, match=r"over 3 epochs\. The learning rate of 1e-13 is too"):
        model.fit(X, y)
    assert issubclass(StuckWarning, ConvergenceWarning)


def test_dead_units_are_named_as_the_cause():
    model = network_with(lambda k, a: a - 1e4 if k == 0 and a.ndim == 1 else a, frozen_layers=[1])
    with pytest.warns(StuckWarning, match="All hidden units are dead"):
        model.fit(X, Y)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_features_of_unlike_scale_are_warned_of_once(convert):
    model = LinearClassifier(lr=1e-4, standardize=False, max_epochs=2, warm_start=True)
    with pytest.warns(ScaleWarning, match=r"from 0\.0\d+ to 1\.6e\+04") as caught:
        model.fit(convert(WIDE), Y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    model.fit(convert(WIDE), Y)  # the warm start says it no more
    for standardize in ("auto", True):
        LinearClassifier(lr=1e-4, standardize=standardize, max_epochs=2).fit(convert(WIDE), Y)


def test_a_loss_that_rose_and_stayed_finite_has_diverged():
    model = LinearClassifier("adam", lr=1e4, schedule=None, max_epochs=2, standardize=False)
    with pytest.warns(DivergenceWarning, match="a model that knows nothing has") as caught:
        model.fit(X, Y)
    assert caught[0].message.step is None
    assert caught[0].message.lr == 1e4


def test_no_false_alarm():
    quiet = LinearClassifier(lr=0.01, standardize=False, max_epochs=3)
    quiet.fit(X * np.logspace(-1.5, 1.5, X.shape[1]), Y)  # a factor of 1,000 is no reason
    LinearClassifier(lr=0.0, max_epochs=3).fit(X, Y)  # as asked
    LinearClassifier(lr=0.01, max_epochs=3).fit(np.zeros((60, 3)), [0, 1] * 30)  # an optimum
    LinearRegressor(lr=0.01, max_epochs=3).fit(X, np.full(len(X), 7.0))  # nothing to learn
    LinearClassifier(lr=1e-13, max_epochs=1).fit(X, Y)  # one epoch tells nothing
    rng = np.random.default_rng(0)
    for estimator in (LinearClassifier, MLPClassifier):
        estimator(lr=0.01, max_epochs=5).fit(rng.standard_normal((90, 4)), rng.integers(0, 2, 90))
    warm = LinearClassifier(lr=0.05, max_epochs=40, warm_start=True, schedule=None).fit(X, Y)
    warm.set_params(lr=1e-13, max_epochs=3).fit(X, Y)
