"""`sweep` finds what a grid search finds; without halving each candidate is a fit of its own."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import SGD, AdamW, LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from fastlr.optimizers import OPTIMIZERS, Optimizer
from fastlr.schedules import OneCycle, ReduceOnPlateau
from fastlr.tuning import log_grid, sweep
from fastlr.tuning.sweep_rounds import Standing, after_short_runs, after_whole_runs
from tests.support.estimators import ALL, CLASSIFIERS, data_for

RATES = [1e-4, 1e-2, 0.3]
FOLDS = 3


class SignedSteps(Optimizer):
    """A rule of a user's own."""

    lr: float = 1e-2

    def coefficients(self, t, lr):
        return {"step": lr}

    @staticmethod
    def update(p, g, step):
        p = p - step * sign(g)  # noqa: F821
        return p


def small(cls, **params):
    """Return a quick estimator and 120 rows for it."""
    X, y = data_for(cls)
    own = {"hidden_layer_sizes": (6,)} if cls.__name__.startswith("MLP") else {}
    given = {"max_epochs": 3, "batch_size": 16, "random_state": 3, **own, **params}
    return cls(**given), X[:120, :8].copy(), y[:120]


def splits(model, X, y):
    cv = StratifiedKFold(FOLDS) if is_classifier(model) else KFold(FOLDS)
    return list(cv.split(X, y))


def assert_each_is_a_fit_alone(model, X, y, weights=None, **more):
    found = sweep(model, X, y, RATES, cv=FOLDS, halving=False, sample_weight=weights, **more)
    last = model[-1] if hasattr(model, "steps") else model
    for fold, (train, test) in enumerate(splits(model, X, y)):
        X_train, X_test = X[train], X[test]
        if hasattr(model, "steps"):
            before = clone(model[:-1]).fit(X_train, y[train])
            X_train, X_test = before.transform(X_train), before.transform(X_test)
        for k, lr in enumerate(RATES):
            w = None if weights is None else weights[train]
            alone = clone(last).set_params(lr=lr).fit(X_train, y[train], w)
            rows = (found.table["candidate"] == k) & (found.table["fold"] == fold)
            np.testing.assert_array_equal(found.table["loss"][rows], alone.loss_curve_)
            w = None if weights is None else weights[test]
            assert found.scores[k, fold] == alone.score(X_test, y[test], w)
    return found


# Without halving


@pytest.mark.parametrize("given", ["dense", "sparse", "float32"])
@pytest.mark.parametrize("cls", ALL)
def test_each_candidate_is_to_the_bit_a_fit_alone(cls, given, monkeypatch):
    monkeypatch.setattr("fastlr.training.linear.epoch.CACHED", 0)  # as if there were many rows
    model, X, y = small(cls)
    if given == "sparse":
        X = csr_array(X * (np.abs(X) > 1))
    assert_each_is_a_fit_alone(model, X.astype("float32") if given == "float32" else X, y)


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": SGD(momentum=0.9, average="ema"), "schedule": "cosine"},
        {"optimizer": SignedSteps(), "schedule": None},
        {"schedule": ReduceOnPlateau(patience=0), "max_epochs": 5},
        {"early_stopping": True, "max_epochs": 8, "n_iter_no_change": 1, "tol": 1e-3},
        {"tol": 0.5, "n_iter_no_change": 1, "max_epochs": 8},
        {"batch_size": "auto", "shuffle": False},
        {"reference_batch_size": 64},
    ],
    ids=["averaged", "user rule", "plateau", "early stopping", "tol", "small data", "reference"],
)
@pytest.mark.parametrize("cls", [LinearClassifier, MLPRegressor])
@pytest.mark.filterwarnings("ignore:.*shuffle")
def test_every_way_of_training_is_kept(cls, params):
    assert_each_is_a_fit_alone(*small(cls, **params))


def in_one_session(monkeypatch):
    """Let candidates that are given sessions of their own fail."""

    def refuse(*args, **more):
        raise AssertionError("a candidate has a session of its own")

    monkeypatch.setattr("fastlr.estimators.search.candidates.FoldOfCandidates.train", refuse)


OWN_SESSIONS = {"adafactor", "muon", "sm3"}


@pytest.fixture(params=["one after the other", "side by side"])
def manner(request, monkeypatch):
    """Train candidates as on few rows, and as on many."""
    if request.param == "side by side":
        monkeypatch.setattr("fastlr.training.linear.epoch.CACHED", 0)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize(
    ("cls", "together"),
    [(LinearClassifier, False), (LinearClassifier, True), (MLPRegressor, False)],
)
@pytest.mark.filterwarnings("ignore::fastlr.exceptions.StuckWarning")
def test_a_session_taken_back_to_its_start_trains_as_a_new_one_does(
    cls, together, name, monkeypatch
):
    if together:
        monkeypatch.setattr("fastlr.training.linear.epoch.CACHED", 0)
    if name not in OWN_SESSIONS:
        in_one_session(monkeypatch)
    own = {"dropout": 0.3} if cls is MLPRegressor else {"penalty": "l1", "alpha": 1e-3}
    assert_each_is_a_fit_alone(*small(cls, optimizer=OPTIMIZERS[name](), **own))


@pytest.mark.parametrize(
    "optimizer",
    [
        AdamW(average="ema", lookahead=2, schedule=ReduceOnPlateau(patience=0)),
        SGD(momentum=0.9, clip_norm=0.1, schedule=OneCycle(), l2=0.1),
        SignedSteps(average="polyak"),
    ],
    ids=["averages", "clipped", "user rule"],
)
def test_what_an_optimizer_keeps_is_taken_back_too(optimizer, monkeypatch):
    in_one_session(monkeypatch)
    assert_each_is_a_fit_alone(*small(LinearRegressor, optimizer=optimizer))


def test_layers_that_start_later_are_kept():
    assert_each_is_a_fit_alone(*small(MLPClassifier, unfreeze=1, frozen_layers=()))


def test_a_function_that_scores_is_given_the_history_of_a_fit():
    seen = []

    def score(fitted, X, y):
        seen.append((fitted.n_iter_, len(fitted.history_["loss"])))
        return fitted.score(X, y)

    model, X, y = small(LinearClassifier)
    own = sweep(model, X, y, RATES, cv=FOLDS, halving=False)
    given = sweep(model, X, y, RATES, cv=FOLDS, halving=False, scoring=score)
    assert set(seen) == {(3, 3)}
    np.testing.assert_array_equal(own.scores, given.scores)


@pytest.mark.parametrize("cls", ALL)
def test_weights_of_rows_and_of_classes(cls):
    own = {"class_weight": {0: 1.0, 1: 3.0}} if cls in CLASSIFIERS else {}
    model, X, y = small(cls, **own)
    weights = np.random.default_rng(0).uniform(0.1, 2, len(y))
    assert_each_is_a_fit_alone(model, X, y, weights)


def test_steps_before_the_last_are_fitted_to_each_fold():
    model, X, y = small(LinearClassifier)
    X[:40] += 30  # the first fold is unlike the others, so that a leak would be seen
    pipeline = make_pipeline(StandardScaler(), SelectKBest(k=4), model)
    found = assert_each_is_a_fit_alone(pipeline, X, y)
    assert set(found.best_params) == {"linearclassifier__lr"}
    assert found.refit(X, y)[-1].lr == found.best_lr


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "roc_auc"])
def test_the_table_is_that_of_a_grid_search(scoring):
    model, X, y = small(LinearClassifier)
    found = sweep(model, X, y, RATES, cv=FOLDS, scoring=scoring, halving=False)
    grid = GridSearchCV(model, {"lr": RATES}, cv=FOLDS, scoring=scoring).fit(X, y)
    for name, column in (("mean_score", "mean_test_score"), ("std_score", "std_test_score")):
        np.testing.assert_allclose(found.candidates[name], grid.cv_results_[column], rtol=1e-12)
    assert found.best_score == pytest.approx(grid.best_score_, rel=1e-12)
    assert found.candidates["mean_score"][found.candidates["rank"].argmin()] == found.best_score


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize(
    ("cls", "given"),
    [(LinearClassifier, "dense"), (LinearClassifier, "sparse"), (MLPRegressor, "dense")],
)
@pytest.mark.filterwarnings("ignore::fastlr.exceptions.StuckWarning")
def test_a_session_taken_back_to_its_start_takes_another_weight_decay(
    cls, given, name, monkeypatch
):
    """To the bit, whether the first one had none or not."""
    if name not in OWN_SESSIONS:
        in_one_session(monkeypatch)
    model, X, y = small(cls, optimizer=OPTIMIZERS[name]())
    X = csr_array(X * (np.abs(X) > 1)) if given == "sparse" else X
    for decays in ([0.0, 0.3], [0.3, 0.0]):
        found = sweep(model, X, y, [1e-2, 1e-3], decays, cv=FOLDS, halving=False)
        candidates = zip(found.candidates["lr"], found.candidates["weight_decay"], strict=True)
        for k, (lr, decay) in enumerate(candidates):
            train, test = splits(model, X, y)[0]
            alone = clone(model).set_params(lr=lr, optimizer__weight_decay=decay)
            alone.fit(X[train], y[train])
            rows = (found.table["candidate"] == k) & (found.table["fold"] == 0)
            np.testing.assert_array_equal(found.table["loss"][rows], alone.loss_curve_)
            assert found.scores[k, 0] == alone.score(X[test], y[test])


@pytest.mark.usefixtures("manner")
def test_weight_decays_are_those_of_a_grid_over_the_optimizer():
    decays = [0.0, 3.0]
    model, X, y = small(LinearRegressor, optimizer=AdamW(beta1=0.8))
    found = sweep(model, X, y, RATES, decays, cv=FOLDS, halving=False)
    grid = {"lr": RATES, "optimizer__weight_decay": decays}
    grid = GridSearchCV(model, grid, cv=FOLDS).fit(X, y)
    expected = {
        (p["lr"], p["optimizer__weight_decay"]): score
        for p, score in zip(
            grid.cv_results_["params"], grid.cv_results_["mean_test_score"], strict=True
        )
    }
    c = found.candidates
    for lr, decay, score in zip(c["lr"], c["weight_decay"], c["mean_score"], strict=True):
        assert score == pytest.approx(expected[lr, decay], rel=1e-12)
    assert found.best_params["optimizer"].beta1 == 0.8
    assert len({round(score, 9) for score in c["mean_score"]}) == 6


# With halving


def test_halving_finds_a_rate_as_good_as_the_grid_at_a_third_of_the_epochs():
    X, y = load_digits(return_X_y=True)
    rates = log_grid(1e-5, 10, 16)
    model = LinearClassifier(random_state=0)
    found = sweep(model, X / 16, y, rates)
    grid = sweep(model, X / 16, y, rates, halving=False)
    k = rates.index(found.best_lr)
    error = grid.candidates["std_score"].max() / np.sqrt(5)
    assert grid.candidates["mean_score"][k] >= grid.best_score - max(0.002, error)
    assert found.best_score == grid.candidates["mean_score"][k]
    assert len(found.table["epoch"]) < len(grid.table["epoch"]) / 3
    assert found.candidates["dropped"].sum() in (14, 15)
    assert not grid.candidates["dropped"].any()
    finished = ~found.candidates["dropped"]
    assert sorted(found.candidates["rank"][finished]) in ([1], [1, 2])
    assert (found.candidates["folds"][finished] == 5).all()
    assert (found.candidates["epochs"][finished] == model.max_epochs).all()


def standing(lr, right, n_rows=400, n_folds=1, known=True):
    """Return candidates at these rates that are right on so many rows, not quite the same ones."""
    rows = [(np.arange(n_rows) + 4 * k) % n_rows < n for k, n in enumerate(right)]
    scores = np.repeat(np.array(right)[:, None] / n_rows, n_folds, axis=1)
    return Standing(np.array(lr), scores, 1 - scores, rows if known else [None] * len(lr))


def test_after_short_runs_lower_rates_go_on_before_higher_ones():
    given = standing([0.1, 0.01, 1.0, 1e-3, 1e-4, 10.0], [360, 250, 359, 240, 230, 360])
    assert after_short_runs(given, 16) == [0, 5, 1, 3]
    assert after_short_runs(standing([0.1, 0.01, 1e-3, 1e-4], [360, 358, 358, 358]), 16) == [
        0, 1, 2, 3,
    ]  # fmt: skip


def test_where_nothing_is_known_of_rows_the_best_quarter_goes_on():
    rates, right = np.logspace(1, -3, 20), range(360, 340, -1)
    assert after_short_runs(standing(rates, right, known=False), 20) == [0, 1, 2, 3, 4]
    assert len(after_short_runs(standing(rates, right), 20)) == 8
    assert after_whole_runs(standing([1, 2, 3], [9, 8, 7], known=False), 16, 400) == [0, 1]


def test_a_run_that_may_gain_nothing_worth_having_is_not_made():
    best, close, worse = 360, 358, 330
    assert after_whole_runs(standing([1, 2], [best, close], n_folds=2), 16, 2000) == [0, 1]
    assert after_whole_runs(standing([1, 2], [best, worse], n_folds=2), 16, 2000) == [0]
    same = standing([1, 2], [best, best], n_folds=2)
    same.rows[1] = same.rows[0]
    assert after_whole_runs(same, 16, 2000) == [0]
    # A single fold says nothing of how a rate does on others.
    assert after_whole_runs(standing([1, 2, 3], [best, worse, close]), 16, 2000) == [0, 2]


def test_one_that_diverged_does_not_go_on():
    given = standing([1e-3, 1e-2, 0.1], [390, 380, 389])
    given.scores[0] = np.nan
    assert after_short_runs(given, 3) == [2, 1]
    given.scores[:] = np.nan
    assert len(after_whole_runs(given, 3, 400)) == 1


@pytest.mark.usefixtures("manner")
@pytest.mark.parametrize("halving", [True, False])
@pytest.mark.parametrize("cls", [LinearClassifier, MLPRegressor])
def test_results_do_not_depend_on_the_number_of_threads(cls, halving, monkeypatch):
    monkeypatch.setattr("fastlr.tuning.sweeping._FEW", 0)  # as if runs were long
    model, X, y = small(cls, max_epochs=6)
    one, other = (
        sweep(model, X, y, log_grid(1e-5, 1, 9), cv=FOLDS, halving=halving, n_threads=n)
        for n in (1, 5)
    )
    for kept in ("candidates", "table"):
        for name, column in getattr(one, kept).items():
            np.testing.assert_array_equal(column, getattr(other, kept)[name], err_msg=name)


def test_short_runs_are_made_in_the_calling_thread(monkeypatch):
    model, X, y = small(LinearClassifier)
    seen = set()

    def score(fitted, X, y):
        seen.add(threading.current_thread())
        return fitted.score(X, y)

    sweep(model, X, y, RATES, cv=FOLDS, n_threads=2, scoring=score)
    assert seen == {threading.current_thread()}
    monkeypatch.setattr("fastlr.tuning.sweeping._FEW", 0)
    sweep(model, X, y, RATES, cv=FOLDS, n_threads=2, scoring=score)
    assert len(seen) > 1


@pytest.mark.usefixtures("manner")
def test_one_that_diverges_ranks_last_without_an_error():
    rates = [1e-3, 1e300, 1e-2, 0.1]
    model, X, y = small(LinearRegressor, optimizer=SGD(), schedule=None)
    for halving in (True, False):
        found = sweep(model, X, y, rates, cv=FOLDS, halving=halving)
        c = found.candidates
        assert c["diverged"].tolist() == [False, True, False, False]
        assert c["dropped"][1]
        assert c["rank"][1] == 4
        assert np.isnan(c["mean_score"][1])
        assert "1 of them diverged" in repr(found)
    with pytest.raises(ValueError, match="diverged at every one"):
        sweep(model, X, y, [1e300, 1e301], cv=FOLDS)


def test_a_class_that_only_a_held_out_row_has_counts_as_wrong():
    model, X, y = small(LinearClassifier)
    y = np.where(np.arange(len(y)) == 119, 2, y)
    with pytest.warns(UserWarning, match="least populated class"):
        found = sweep(model, X, y, RATES, cv=FOLDS)
    assert np.isfinite(found.best_score)
    assert np.isfinite(found.table["validation_loss"]).all()


def test_without_rates_sixteen_around_the_usual_one_are_tried():
    model, X, y = small(MLPClassifier)
    found = sweep(model, X, y, cv=2)
    rates = found.candidates["lr"]
    assert len(rates) == 16
    assert rates.max() / rates.min() == pytest.approx(1e4)
    assert np.sqrt(rates.max() * rates.min()) == pytest.approx(5e-3)


def test_the_estimator_is_left_as_it_is_and_a_seed_is_drawn_once():
    model, X, y = small(LinearClassifier, random_state=None)
    first = sweep(model, X, y, RATES, cv=FOLDS, random_state=5)
    again = sweep(model, X, y, RATES, cv=FOLDS, random_state=5)
    assert not hasattr(model, "coef_")
    assert model.random_state is None
    np.testing.assert_array_equal(first.table["loss"], again.table["loss"])


@pytest.mark.parametrize("kind", ["score", "curves"])
def test_a_result_draws_itself_and_says_what_it_found(kind):
    model, X, y = small(LinearClassifier, max_epochs=6)
    found = sweep(model, X, y, log_grid(1e-4, 1, 8), [0, 0.1], cv=FOLDS)
    assert len(found.plot(kind=kind).lines_) == (2 if kind == "score" else 16)
    assert repr(found).startswith("<SweepResult of LinearClassifier with AdamW: best lr ")
    assert "16 candidates over 3 folds" in repr(found)
    assert repr(found).count("weight_decay") == 5


def test_progress_is_told_of_each_piece():
    told = []
    model, X, y = small(LinearClassifier, max_epochs=10)
    rates = log_grid(1e-4, 1, 8)
    sweep(model, X, y, rates, cv=FOLDS, n_threads=1, progress=lambda *said: told.append(said))
    assert told[0] == (1, 3, 8)
    assert told[-1][0] == told[-1][1]
    assert [said[2] for said in told] == sorted((said[2] for said in told), reverse=True)


def test_an_error_while_threads_are_at_work_ends_them(monkeypatch):
    monkeypatch.setattr("fastlr.tuning.sweeping._FEW", 0)

    def stop(*said):
        raise KeyboardInterrupt

    model, X, y = small(LinearClassifier, max_epochs=1000)
    with pytest.raises(KeyboardInterrupt):
        sweep(model, X, y, RATES, cv=FOLDS, n_threads=2, progress=stop, halving=False)
    assert not [t for t in threading.enumerate() if t.name.startswith("fastlr")]


def test_importing_it_does_not_import_what_only_a_sweep_needs():
    code = "import sys, fastlr.tuning; print('sklearn.model_selection' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"lrs": []}, "lrs must hold one number or more"),
        ({"lrs": 0.1}, "lrs must be a list"),
        ({"lrs": [0.1, 0.1]}, "lrs must hold"),
        ({"lrs": [0.1, -1]}, "every one of lrs"),
        ({"lrs": [0.1, float("inf")]}, "every one of lrs"),
        ({"lrs": ["auto"]}, "every one of lrs"),
        ({"weight_decays": [-0.1]}, "every one of weight_decays"),
        ({"halving": "yes"}, "halving"),
        ({"n_threads": 0}, "n_threads"),
        ({"n_threads": 1.5}, "n_threads"),
        ({"scoring": ["r2"]}, "scoring"),
        ({"scoring": "no such"}, "no such"),
        ({"progress": 1}, "progress"),
        ({"sample_weight": np.ones(3)}, "sample_weight"),
        ({"y": None}, "y must be given"),
        ({"cv": 1}, "k-fold"),
        ({"estimator": StandardScaler()}, "estimator must be"),
        ({"estimator": make_pipeline(LinearRegressor(), StandardScaler())}, "estimator must be"),
        ({"estimator": LinearRegressor(max_epochs=0)}, "max_epochs"),
    ],
)
def test_bad_arguments_are_refused_by_name(more, named):
    model, X, y = small(LinearRegressor)
    given = {"estimator": model, "X": X, "y": y, "lrs": RATES} | more
    with pytest.raises((TypeError, ValueError), match=named):
        sweep(**given)
