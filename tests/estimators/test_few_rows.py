"""Few rows are learnt without scikit-learn's validation, with all that it refuses and sets."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification
from sklearn.utils.validation import validate_data

from fastlr import LinearClassifier, LinearRegressor
from fastlr.estimators.data.rows import need_no_validation

X, y = make_classification(60, 5, random_state=0)
FLOATS = [np.float64, np.float32]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", [y, y == 1, y.astype(float), np.array(["no", "yes"])[y]])
def test_what_skips_validation_is_what_validation_returns(dtype, labels):
    rows = X.astype(dtype)
    assert need_no_validation(rows, labels)
    checked = validate_data(BaseEstimator(), rows, labels, dtype=FLOATS, order="C")
    assert checked[0] is rows
    assert np.shares_memory(checked[1], labels)
    assert checked[1].dtype == labels.dtype


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (X.tolist(), y),
        (X, y.tolist()),
        (np.asfortranarray(X), y),
        (X[:, ::2], y),
        (X.astype(int), y),
        (X.astype(">f8"), y),
        (X[:0], y[:0]),
        (X, y[:, None]),
        (X, y[:-1]),
        (X, y.astype(object)),
        (X, np.repeat(y, 2)[::2]),
        (X, np.where(y == 1, np.nan, 0.0)),
        (np.where(X > 0, np.inf, X), y),
        (np.ma.array(X), y),
        (np.zeros((2**14, 5)), np.zeros(2**14, int)),
    ],
)
def test_what_validation_would_change_or_refuse_is_given_to_it(rows, labels):
    assert not need_no_validation(rows, labels)


@pytest.mark.parametrize("model", [LinearClassifier, LinearRegressor])
def test_bad_rows_are_refused_as_by_scikit_learn(model):
    model = model(lr=0.1, max_epochs=1)
    for rows, labels, message in [
        (np.where(X > 2, np.nan, X), y, "Input X contains NaN"),
        (X, np.where(y == 1, np.inf, 0.0), "Input y contains infinity"),
        (X, y[1:], "inconsistent numbers of samples"),
        (X[0], y[:5], "Expected 2D array, got 1D array"),
        (X[:0], y[:0], "Found array with 0 sample"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.fit(rows, labels)


@pytest.mark.parametrize("rows", [1, 100, 5000, 20_000])  # beside the sizes at which checks change
def test_predict_refuses_a_bad_row_whatever_their_number(rows):
    model = LinearClassifier(lr=0.1, max_epochs=1).fit(X, y)
    many = np.tile(X, (rows // len(X) + 1, 1))[:rows]
    np.testing.assert_array_equal(
        model.decision_function(many), model.decision_function(many.tolist())
    )
    many[-1, -1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(many)


def test_a_fit_forgets_names_of_features_and_their_number():
    names = list("abcde")
    model = LinearClassifier(lr=0.1, max_epochs=1).fit(pd.DataFrame(X, columns=names), y)
    assert model.feature_names_in_.tolist() == names
    model.fit(X[:, :3].copy(), y)
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")
