"""Recommended rates, scaling by batch size, and what searches draw from."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV

from fastlr import AdamW, LinearClassifier, RMSprop, recommend, scale_lr
from fastlr.optimizers import OPTIMIZERS
from fastlr.rates.recommendations import TASKS
from fastlr.tuning import log_grid, log_uniform

GUIDE = {"sgd": 0.01, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "adagrad": 0.01}
X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize(("name", "lr"), GUIDE.items())
def test_the_guides_rates(name, lr):
    found = recommend(name)
    assert found.lr == lr
    assert found.low <= found.lr <= found.high
    assert found.source
    assert found.where


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_and_task_has_a_rate_that_can_be_used(name, task):
    found = recommend(name, task)
    assert 0 < found.low <= found.lr <= found.high
    optimizer = OPTIMIZERS[name]()
    changed = optimizer.replace(lr=found.lr, **found.params)
    assert all(getattr(changed, key) == value for key, value in found.params.items())


def test_tasks_move_the_rate():
    assert recommend("rmsprop", "recurrent").high == 0.001
    assert recommend("sgd", "recurrent").lr == 0.001
    assert recommend("adagrad", "sparse").lr == 0.1
    assert "squared_hinge" in recommend("adagrad", "sparse").mind
    assert recommend(AdamW(lr=5.0), "transfer")[:3] == (0.0001, 0.0001, 0.001)


@pytest.mark.parametrize(
    ("rule", "new", "factor"),
    [
        ("linear", 512, 2.0),
        ("linear", 128, 0.5),
        ("sqrt", 1024, 2.0),
        ("auto", 1000, 1000 / 256),
        ("auto", 4000, 1000 / 256 * 2),
        ("auto", 64, 0.25),
    ],
)
def test_batch_size_scales_the_rate(rule, new, factor):
    assert scale_lr(0.1, 256, new, rule) == pytest.approx(0.1 * factor, rel=1e-12)
    assert scale_lr(scale_lr(0.1, 256, new, rule), new, 256, rule) == pytest.approx(0.1)


def test_two_large_batches_differ_by_the_root():
    assert scale_lr(0.1, 2000, 8000) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((-1.0, 1, 2), ValueError, "lr"),
        ((0.1, 0, 2), ValueError, "batch_size"),
        ((0.1, 1, "2"), TypeError, "new_batch_size"),
        ((0.1, 1, 2, "cubic"), ValueError, "rule must be one of"),
    ],
)
def test_bad_batches_are_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        scale_lr(*arguments)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="task must be one of"):
        recommend("sgd", "vision")
    with pytest.raises(ValueError, match="optimizer must be one of"):
        recommend("sdg")
    for ends in [(0, 1), (1, 1), (2, 1)]:
        with pytest.raises(ValueError, match=r"low|high"):
            log_uniform(*ends)
        with pytest.raises(ValueError, match=r"low|high"):
            log_grid(*ends)
    with pytest.raises(ValueError, match="n must be"):
        log_grid(1, 2, 1)


def test_a_grid_has_equal_ratios_and_a_distribution_equal_decades():
    grid = np.array(log_grid(1e-5, 1.0, 11))
    np.testing.assert_allclose(grid[1:] / grid[:-1], np.sqrt(10), rtol=1e-12)
    drawn = log_uniform(1e-4, 1.0).rvs(4000, random_state=1)
    counts, _ = np.histogram(np.log10(drawn), bins=4, range=(-4, 0))
    assert counts.sum() == 4000
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_they_go_into_scikit_learns_searches():
    model = LinearClassifier(RMSprop(), max_epochs=2, random_state=0)
    grid = GridSearchCV(model, {"lr": log_grid(1e-3, 1.0, 3)}, cv=3).fit(X, Y)
    drawn = RandomizedSearchCV(
        model, {"lr": log_uniform(1e-3, 1.0)}, n_iter=3, cv=3, random_state=0
    ).fit(X, Y)
    halved = HalvingRandomSearchCV(
        model, {"lr": log_uniform(1e-3, 1.0)}, cv=3, min_resources=50, random_state=0
    ).fit(X, Y)
    for search in (grid, drawn, halved):
        assert 1e-3 <= search.best_estimator_.lr_ <= 1.0
        assert search.best_score_ > 0.6


# Rules that are scaled to batches: what `batch_rule` says is what steps do with gradients.


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_the_batch_rule_follows_from_how_steps_go_with_gradients(name):
    grads = np.random.default_rng(0).standard_normal((40, 4, 3))
    moves = []
    for size in (1.0, 16.0):
        params = {"w": np.full((4, 3), 0.5)}
        updater = OPTIMIZERS[name]().bind(params)
        for g in grads:
            updater.step({"w": size * g})
        moves.append(np.linalg.norm(params["w"] - 0.5))
    proportional = moves[1] > 15 * moves[0]
    finds_its_own = OPTIMIZERS[name].batch_rule == "none"
    assert (OPTIMIZERS[name].batch_rule == "linear") == proportional
    if finds_its_own:
        assert OPTIMIZERS[name]().lr == 1.0


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [("sgd", 0.4), (AdamW(), 0.2), ("prodigy", 0.1), ("lion", 0.2), (None, 0.4)],
)
def test_the_optimizer_says_how_batches_scale(optimizer, expected):
    assert scale_lr(0.1, 32, 128, optimizer=optimizer) == pytest.approx(expected)
    assert scale_lr(0.1, 32, 128, "linear", optimizer) == pytest.approx(0.4)


def test_rules_that_find_their_rate_keep_it_for_every_task():
    assert {recommend("prodigy", task).lr for task in TASKS} == {1.0}
    assert recommend("adadelta", "transfer").lr == 0.1
