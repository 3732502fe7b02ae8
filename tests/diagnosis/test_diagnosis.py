"""What `diagnose` takes, and what it hands out."""

import copy

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr import LinearClassifier, diagnose
from fastlr.diagnosis.result import VERDICTS

X, Y = load_digits(n_class=3, return_X_y=True)


@pytest.fixture(scope="module")
def slow():
    return LinearClassifier(lr=1e-5, max_epochs=5, random_state=0).fit(X, Y)


def test_verdict_evidence_and_a_change_that_the_estimator_takes(slow):
    found = diagnose(slow)
    assert found.verdict in VERDICTS
    assert found.summary.endswith(".")
    assert all(each.name and each.text and np.isfinite(each.value) for each in found.evidence)
    assert found.next_step
    slow.set_params(**found.change)
    assert list(found.history) == list(slow.history_)
    assert found.verdict in str(found)
    assert found.next_step[:20] in repr(found)


def test_a_history_alone_gives_what_its_estimator_gives(slow):
    slow.set_params(lr=1e-5)
    plain = {name: values.tolist() for name, values in slow.history_.items()}
    assert diagnose(plain).verdict == diagnose(slow).verdict
    assert diagnose(plain).evidence == diagnose(slow).evidence


def test_pipelines_and_searches_are_looked_into():
    pipe = make_pipeline(StandardScaler(), LinearClassifier(lr=1e-7, max_epochs=3))
    search = GridSearchCV(pipe, {"linearclassifier__lr": [1e-7]}, cv=2).fit(X, Y)
    assert diagnose(search) == diagnose(search.best_estimator_[-1])


def test_null_is_taken_for_what_is_not_known():
    assert diagnose({"loss": [1.0, 0.5, None]}).verdict == "diverging"
    found = diagnose({"loss": [1.0, 0.5, 0.4], "validation_loss": [None, None, None]})
    assert found.verdict in VERDICTS


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({}, ValueError, "history must have 'loss', got nothing"),
        ({"losses": [1]}, ValueError, "history must have 'loss', got losses"),
        ({"loss": ["low"]}, TypeError, r"history\['loss'\] must hold numbers"),
        ({"loss": [[1.0]]}, ValueError, r"history\['loss'\] must have one dimension"),
        ({"loss": [1.0], "lr": [1, 2]}, ValueError, r"history\['lr'\] must have as many values"),
        ([1.0, 2.0], TypeError, "estimator_or_history must be a fitted estimator .* got list"),
        (LinearRegression(), TypeError, "got LinearRegression"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(given, error, says):
    with pytest.raises(error, match=says):
        diagnose(given)


def test_an_estimator_must_be_fitted():
    with pytest.raises(NotFittedError):
        diagnose(LinearClassifier())


def test_a_rate_is_advised_and_where_there_is_none_to_find_it_fastlrs_own_way_to_it(slow):
    said = diagnose(slow).next_step
    assert "lr=0.001" in said or "lr=0.0001" in said
    assert 'or use lr="auto"' in said
    for other in (dict(slow.history_), _found_by_itself(slow)):
        assert "auto" not in diagnose(other).next_step


def _found_by_itself(model):
    """Return a copy of a model that looks as if it had found its rate."""
    found = copy.copy(model)
    found.lr = "auto"
    return found


def test_a_loss_that_is_finite_and_high_is_not_said_to_have_left_the_numbers():
    known = {"loss": [1.0, 50.0, 60.0], "start_loss": [1.1] * 3, "constant_loss": [1.1] * 3}
    assert "loss of a constant model" in diagnose(known).summary
    assert "finite" in diagnose({"loss": [1.0, float("nan")]}).summary


@pytest.mark.parametrize(
    ("level", "says"), [(1.0, "0.00% below the 1 of"), (10.0, "10 times the 1 of")]
)
def test_how_far_a_loss_is_off_is_said_in_the_plainest_way(level, says):
    history = {"loss": [level] * 6, "start_loss": [level] * 6, "constant_loss": [1.0] * 6}
    found = diagnose(history | {"alignment": [0.99] * 6})
    assert found.verdict == "stuck"
    assert says in found.evidence[0].text


def test_a_run_that_ended_in_its_first_epoch_has_diverged():
    model = LinearClassifier(lr=1e300, standardize=False, schedule=None)
    with pytest.warns(fastlr.DivergenceWarning):
        model.fit(X * 1e10, Y)
    found = diagnose(model)
    assert found.verdict == "diverging"
    assert diagnose(dict(model.history_)).verdict == "diverging"


@pytest.mark.parametrize("loss", [[], [0.7], [0.7, 0.6]])
def test_one_or_two_losses_that_nothing_is_known_of_are_too_short_to_tell(loss):
    found = diagnose({"loss": loss})
    assert found.verdict == "too short"
    assert found.change == {}
    assert f"{len(loss)} epochs" in found.causes[0]
    assert diagnose({"loss": [*loss, float("nan")]}).verdict == "diverging"
    known = {"start_loss": [1.0], "constant_loss": [1.0], "end_loss": [0.1]}
    assert diagnose({"loss": [0.5]} | known).verdict != "too short"
