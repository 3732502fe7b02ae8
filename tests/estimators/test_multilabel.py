"""Rows with any number of labels: how y may be given, and every way of training on it."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import accuracy_score

from tests.support.estimators import ALL, CLASSIFIERS

every = pytest.mark.parametrize(
    "cls", [cls for cls in ALL if cls in CLASSIFIERS and cls._takes_multilabel]
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 5))
Y = (X @ RNG.standard_normal((5, 4)) + 0.3 * RNG.standard_normal((400, 4)) > 0).astype(int)


def small(cls, **params):
    given = {"max_epochs": 20, "batch_size": 20, "random_state": 0}
    return cls(**given | params)


@every
def test_labels_may_come_in_any_form_of_a_matrix(cls):
    model = small(cls).fit(X, Y)
    assert model.multilabel_ is True
    assert model.classes_.tolist() == [0, 1, 2, 3]
    predicted = model.predict(X)
    assert predicted.shape == Y.shape
    assert set(np.unique(predicted)) == {0, 1}
    assert model.score(X, Y) == accuracy_score(Y, predicted) > 0.6
    for given in (Y.astype(bool), Y.astype(float), Y.tolist(), csr_array(Y), csr_array(Y > 0)):
        np.testing.assert_array_equal(
            small(cls).fit(X, given).predict_proba(X), model.predict_proba(X)
        )


@every
def test_a_model_of_one_label_or_two_has_as_many_columns(cls):
    two = small(cls).fit(X, Y[:, :2])
    assert two.predict(X).shape == two.predict_proba(X).shape == (400, 2)
    with pytest.warns(UserWarning, match="column-vector y was passed"):
        one = small(cls).fit(X, Y[:, :1])
    assert one.multilabel_ is False
    np.testing.assert_array_equal(one.predict(X), small(cls).fit(X, Y[:, 0]).predict(X))


@every
def test_chunks_need_no_list_of_classes(cls):
    called, listed = small(cls, schedule=None), small(cls, schedule=None)
    parts = [(X[:200], Y[:200]), (X[200:], Y[200:])]
    for part in parts:
        called.partial_fit(*part)
        listed.partial_fit(*part, classes=[0, 1, 2, 3])
    streamed = small(cls, schedule=None).fit_stream(parts)
    for other in (listed, streamed):
        np.testing.assert_array_equal(other.predict_proba(X), called.predict_proba(X))
    for wrong in (Y[:, :3], Y[:, 0]):
        with pytest.raises(ValueError, match="y must have 4 columns"):
            called.partial_fit(X, wrong)
    with pytest.raises(ValueError, match="y must have one dimension"):
        small(cls).partial_fit(X, Y[:, 0], classes=[0, 1]).partial_fit(X, Y[:, :2])


@every
def test_validation_scores_are_shares_of_rows_with_every_label_right(cls):
    scores = []
    model = small(cls, max_epochs=5, early_stopping=True).fit(
        X, Y, X_val=X[:99], y_val=Y[:99],
        on_epoch=lambda m, row: scores.append(m.score(X[:99], Y[:99])),
    )  # fmt: skip
    np.testing.assert_allclose(model.validation_scores_, scores, rtol=1e-12)
    assert small(cls, early_stopping=True).fit(X, Y).best_validation_score_ > 0.5


@every
def test_what_is_no_indicator_matrix_is_refused(cls):
    with pytest.raises(ValueError, match="several columns must hold 0 and 1 only"):
        small(cls).fit(X, Y + np.arange(4))
    with pytest.raises(ValueError, match="class_weight is not available for multilabel"):
        small(cls, class_weight="balanced").fit(X, Y)
    model = small(cls, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="warm_start: y must have the classes"):
        model.fit(X, Y[:, :3])
    again = model.fit(X, csr_array(Y)).predict_proba(X)
    np.testing.assert_array_equal(
        small(cls, warm_start=True).fit(X, Y).fit(X, Y).predict_proba(X), again
    )
