"""Names that are not known: what else was meant is said."""

import pytest

import fastlr
from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from fastlr.estimators.settings.names import _ELSEWHERE

KINDS = [LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", _ELSEWHERE)
def test_a_parameter_of_another_library_is_told_by_its_name_here(kind, name):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter '{name}'") as caught:
        kind(**{name: 1})
    message = str(caught.value)
    here = _ELSEWHERE[name].partition("=")[0].partition(",")[0]
    if here in kind().get_params():
        assert f"here it is {here}" in message


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_parameter_is_told_by_its_neighbour(kind):
    with pytest.raises(TypeError, match="'optimiser'; did you mean 'optimizer'"):
        kind(optimiser="sgd")


def test_other_mistakes_are_still_pythons_to_tell():
    class Taker(LinearClassifier):
        def __init__(self, optimizer="adamw", **more):
            self.more = more
            super().__init__(optimizer)

    assert Taker(anything=1).more == {"anything": 1}
    with pytest.raises(TypeError, match="positional"):
        LinearClassifier("adamw", "log_loss")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: LinearClassifier("adamww").fit(X, y), "did you mean 'adamw'"),
        (lambda X, y: LinearClassifier(schedule="one-cycel").fit(X, y), "did you mean 'onecycle'"),
        (lambda X, y: LinearClassifier(loss="hinges").fit(X, y), "did you mean 'hinge'"),
        (lambda X, y: LinearRegressor(loss="poison").fit(X, y), "did you mean 'poisson'"),
        (lambda X, y: MLPRegressor(loss="hubr").fit(X, y), "did you mean 'huber'"),
        (lambda X, y: fastlr.AdamW(weightdecay=1), "did you mean 'weight_decay'"),
    ],
)
def test_a_misspelt_value_is_told_by_its_neighbour(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call([[0.0], [1.0]], [0, 1])


def test_losses_are_listed_for_the_task_alone():
    with pytest.raises(ValueError, match="loss must be one of") as caught:
        LinearClassifier(loss="cubic").fit([[0.0], [1.0]], [0, 1])
    assert "'squared_hinge'" in str(caught.value)
    assert "poisson" not in str(caught.value)
