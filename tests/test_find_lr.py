"""The learning-rate range test, against problems whose answer is known."""

import copy

import matplotlib.figure
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr import SGD, AdamW, LinearClassifier, find_lr
from fastlr.optimizers import OPTIMIZERS
from fastlr.tuning.curve import METHODS, noise, smooth, suggest
from fastlr.tuning.sweep import at_rates, sweep

DIGITS, DIGITS_Y = load_digits(return_X_y=True)
DIGITS = DIGITS / 16


def quadratic(curvature, scale=1.0, offset=0.0):
    curvature = np.asarray(curvature, float)

    def loss(w, rng):
        return scale * 0.5 * w @ (curvature * w) + offset, curvature * w

    return loss


def noisy_line(w, rng):
    """Least squares on 16 rows drawn anew: gradients with noise, whose sizes are known."""
    X = rng.standard_normal((16, 4))
    r = X @ (w - 1) + 0.1 * rng.standard_normal(16)
    return 0.5 * np.mean(r**2), X.T @ r / 16


# The curve


def test_smoothing_keeps_a_line_in_place_where_a_one_sided_mean_would_lag():
    line = np.linspace(5, 1, 201)
    inner = slice(60, 141)
    assert np.abs(smooth(line, 0.8) - line)[inner].max() < 1e-4
    past = 0.8 ** np.arange(40)
    one_sided = past @ line[100:60:-1] / past.sum()
    assert one_sided - line[100] > 0.07


def test_smoothing_with_beta_0_changes_nothing():
    losses = np.array([1.0, 5.0, 2.0])
    np.testing.assert_array_equal(smooth(losses, 0.0), losses)


def test_steepest_is_where_the_slope_against_the_logarithm_is_least():
    """A logistic curve in log(lr) falls fastest at its middle, 0.01; against lr itself it would
    be at the lowest rate."""
    lr = np.geomspace(1e-6, 1e0, 121)
    loss = 1 / (1 + np.exp(3 * (np.log10(lr) + 2)))
    assert suggest(lr, loss)["steepest"] == pytest.approx(1e-2, rel=0.13)


def test_minimum_and_edge_of_a_known_curve():
    lr = np.geomspace(1e-4, 1e2, 61)
    loss = (np.log10(lr) - np.log10(0.1)) ** 2  # a parabola: 0 at 0.1, 9 at the lower end
    found = suggest(lr, loss)
    assert found["minimum / 10"] == pytest.approx(0.01)
    # A fiftieth of 9 is reached sqrt(0.18) decades above the minimum, between two rates.
    assert 0.1 * 10 ** (np.sqrt(0.18) - 0.1) <= found["edge"] <= 0.1 * 10 ** np.sqrt(0.18)


def test_valley_lies_inside_of_the_fall_and_does_not_see_where_the_sweep_began():
    def curve(lr):
        return 1 / (1 + lr / 0.01) + 0.1 * lr

    found = []
    for low in (1e-5, 1e-9):
        lr = np.geomspace(low, 1e2, int(np.log10(1e2 / low) * 30) + 1)
        found.append(suggest(lr, curve(lr))["valley"])
    assert 0.003 < found[0] < 0.1
    assert found[1] == pytest.approx(found[0], rel=0.1)


@pytest.mark.parametrize("loss", [np.ones(50), np.linspace(1, 2, 50)])
def test_a_loss_that_never_falls_gives_no_rate(loss):
    assert np.isnan(list(suggest(np.geomspace(1e-3, 1, 50), loss).values())).all()


# Stopping


def test_a_run_stops_by_the_exponential_mean_corrected_for_its_start():
    """Ones, then a jump: with a mean of 0.9 the jump counts a tenth, more while steps are few."""

    class Jump:
        label, optimizer = "jump", SGD()

        def __init__(self, at, height):
            self.losses = iter([1.0 + 0.1 * (-1) ** k for k in range(at)] + [height] * 100)

        def start(self, optimizer, n_steps, seed):
            return lambda: next(self.losses)

    lr = np.geomspace(1e-3, 1, 100)
    # Noise of 0.1 allows 3 * 4 * noise above the minimum; see how soon a jump of 10 crosses that.
    late = sweep(Jump(60, 10.0), lr, 0, 0.9, 3.0)
    assert late.ended == "diverged"
    mean, steps = 1.0, 0
    allowed = 1 + 3 * 4 * noise(np.array([1.0 + 0.1 * (-1) ** k for k in range(60)]))
    while mean < allowed:
        mean, steps = 0.9 * mean + 0.1 * 10, steps + 1
    assert abs(len(late.loss) - 60 - steps) <= 1
    assert sweep(Jump(60, 10.0), lr, 0, 0.9, 1e6).ended == "all steps"


# Functions


@pytest.mark.parametrize("largest", [0.5, 30.0, 2000.0])
def test_edge_of_gradient_descent_is_two_over_the_largest_curvature(largest):
    """Beyond it the loss must grow; how fast tells within how many steps that is seen."""
    loss = quadratic([largest / 50, largest / 3, largest])
    test = find_lr(loss, params=np.ones(3), optimizer=SGD(), n_runs=1, n_steps=200)
    assert test.ended == ["diverged"]
    assert 2 / largest / 2 < test.suggestions["edge"] < 2 / largest * 3
    for name in ("valley", "steepest", "minimum / 10"):
        assert test.suggestions[name] < 2 / largest


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1e6, 0.0), (1.0, -50.0)])
def test_units_of_the_loss_do_not_matter(scale, offset):
    curvature = [1.0, 20.0]
    plain = find_lr(quadratic(curvature), params=np.ones(2), optimizer=SGD(), n_runs=1)
    other = find_lr(
        quadratic(curvature, scale, offset), params=np.ones(2), optimizer=SGD(), n_runs=1
    )
    for name in METHODS:
        assert other.suggestions[name] == pytest.approx(plain.suggestions[name], rel=1e-9)


def test_units_of_the_gradient_do_not_matter_to_adam():
    """A loss whose gradient is scaled, too: Adam with eps 0 makes the same steps."""

    def times(factor):
        def loss(w, rng):
            value, grad = noisy_line(w, rng)
            return factor * value, factor * grad

        return loss

    found = [
        find_lr(times(f), params=np.zeros(4), optimizer=AdamW(eps=0.0), random_state=3)
        for f in (1.0, 1024.0)
    ]
    assert found[0].suggestions == pytest.approx(found[1].suggestions, rel=1e-9)


def test_seeds_decide_and_are_spread():
    def run(seed):
        return find_lr(noisy_line, params=np.zeros(4), optimizer=SGD(), random_state=seed)

    first, again, other = run(0), run(0), run(1)
    for name, column in first.table.items():
        np.testing.assert_array_equal(column, again.table[name])
    assert not np.array_equal(first.table["loss"][:50], other.table["loss"][:50])
    low, high = first.spread["steepest"]
    assert low <= first.suggestions["steepest"] <= high
    assert low < high
    # Three seeds say the same within a factor that a learning rate bears.
    assert high / low < 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_not_finite_ends_a_run(bad, where):
    calls = []

    def loss(w, rng):
        calls.append(w.copy())
        value, grad = quadratic([1.0, 2.0])(w, rng)
        if len(calls) == 150:
            value, grad = (bad, grad) if where == "loss" else (value, grad * bad)
        return value, grad

    params = np.ones(2)
    test = find_lr(loss, params=params, optimizer=SGD(momentum=0.5), n_runs=1)
    assert test.ended == ["not finite"]
    assert len(test.table["lr"]) == len(calls) - 1 == 149
    assert np.isfinite(test.table["loss"]).all()
    np.testing.assert_array_equal(params, 1.0)


def test_a_run_that_is_never_finite_suggests_nothing_and_says_so():
    with pytest.warns(UserWarning, match="fell at no rate"):
        test = find_lr(lambda w, rng: (np.nan, w), params=np.ones(2), optimizer=SGD(), n_runs=2)
    assert np.isnan(test.suggestion)
    assert test.ended == ["not finite"] * 2
    assert "suggestion nan" in repr(test)


def test_a_loss_that_bears_every_rate_tells_to_go_higher():
    with pytest.warns(UserWarning, match="raise `high`"):
        find_lr(
            lambda w, rng: (float(w[0]), np.ones(1) * 1e-9),
            params=np.ones(1),
            optimizer=SGD(),
            n_runs=1,
        )


def test_a_loss_with_many_minima_still_has_a_valley():
    """Rastrigin's function: gradients point the wrong way half of the time."""

    def rastrigin(w, rng):
        g = 2 * w + 2 * np.pi * 3 * np.sin(2 * np.pi * w) + 0.3 * rng.standard_normal(w.shape)
        return float(np.sum(w**2 + 3 * (1 - np.cos(2 * np.pi * w)))), g

    start = np.random.default_rng(0).uniform(-2, 2, 30)
    test = find_lr(rastrigin, params=start, optimizer=SGD())
    # The largest curvature is 2 + 12 pi^2.
    edge = 2 / (2 + 12 * np.pi**2)
    assert edge / 5 < test.suggestions["edge"] < edge * 5
    assert 0 < test.suggestion < test.suggestions["edge"]


@pytest.mark.parametrize(
    "params", [np.ones(3), [np.ones(2), np.ones((1, 1))], {"w": np.ones(2), "b": np.ones(1)}]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_of_every_form_stay_as_they_are(params, dtype):
    def map_arrays(f, p):
        if isinstance(p, dict):
            return {k: f(v) for k, v in p.items()}
        return [f(v) for v in p] if isinstance(p, list) else f(p)

    def flat(p):
        parts = p.values() if isinstance(p, dict) else p if isinstance(p, list) else [p]
        return np.concatenate([np.ravel(v) for v in parts])

    given = map_arrays(lambda a: a.astype(dtype), params)
    before = copy.deepcopy(given)
    test = find_lr(
        lambda p, rng: (0.5 * float(flat(p) @ flat(p)), map_arrays(np.copy, p)),
        params=given,
        optimizer=SGD(),
        n_runs=1,
    )
    assert 1 < test.suggestions["edge"] < 6
    np.testing.assert_array_equal(flat(given), flat(before))


# Optimizers


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.filterwarnings("ignore:find_lr")  # some find their own rate, whatever they are given
def test_every_optimizer_can_be_swept_and_is_left_alone(name):
    optimizer = OPTIMIZERS[name]()
    before = optimizer.get_params()
    w = {"w": np.full((4, 3), 1.0), "b": np.ones(3)}  # Muon and Adafactor want a matrix
    curvature = np.linspace(1, 5, 12).reshape(4, 3)

    def loss(p, rng):
        value = 0.5 * np.sum(curvature * p["w"] ** 2) + 0.5 * p["b"] @ p["b"]
        return value, {"w": curvature * p["w"], "b": p["b"].copy()}

    test = find_lr(loss, params=w, optimizer=optimizer, n_runs=1, n_steps=60, high=1e3)
    assert optimizer.get_params() == before
    assert len(test.table["lr"]) > 10


def test_rates_are_made_as_asked_for_whatever_the_schedule_was():
    lr = np.linspace(0.5, 3.0, 12)
    updater = at_rates(SGD(schedule="cosine"), lr).bind(np.zeros(1), total_steps=12)
    made = []
    for _ in range(12):
        made.append(updater.lr)
        updater.step(np.ones(1))
    np.testing.assert_allclose(made, lr, rtol=1e-15)


def test_independent_decay_does_not_follow_the_rate():
    lr = np.geomspace(1e-3, 1.0, 5)
    optimizer = SGD(weight_decay=0.01, decay="independent")
    w = np.ones(1)
    updater = at_rates(optimizer, lr).bind(w)
    for _ in range(5):
        updater.step(np.zeros(1))
    assert w[0] == pytest.approx(0.99**5, rel=1e-12)


# Estimators


@pytest.mark.parametrize("fitted", [False, True])
def test_an_estimator_is_untouched(fitted):
    optimizer = SGD(momentum=0.9)
    model = LinearClassifier(optimizer, random_state=np.random.RandomState(5))
    if fitted:
        model.fit(DIGITS, DIGITS_Y)
    before, params = dict(model.__dict__), model.get_params(deep=False)
    draws = copy.deepcopy(model.random_state)
    coef = model.coef_.copy() if fitted else None
    find_lr(model, DIGITS, DIGITS_Y, n_runs=1, n_steps=60)
    assert model.__dict__.keys() == before.keys()
    assert all(model.__dict__[name] is value for name, value in before.items())
    assert all(model.get_params(deep=False)[k] is v for k, v in params.items())
    assert optimizer == SGD(momentum=0.9)
    assert model.random_state.randint(10**6) == draws.randint(10**6)
    if fitted:
        np.testing.assert_array_equal(model.coef_, coef)


@pytest.mark.parametrize("rows", [100, 300, 2000])
def test_mini_batches_are_those_of_fit(rows):
    X, y = np.random.default_rng(0).standard_normal((rows, 3)), np.arange(rows) % 2
    model = LinearClassifier(max_epochs=1).fit(X, y)
    assert model._trial(X, y, None, None)._plan.steps == model.t_


@pytest.mark.filterwarnings("ignore:find_lr")
def test_losses_are_those_of_the_estimators_own_training():
    """At a constant rate the steps of a sweep are the steps of a fit in the same order."""
    rate = 0.05
    model = LinearClassifier(
        SGD(momentum=0.5), lr=rate, schedule=None, batch_size=300, max_epochs=1, shuffle=False
    ).fit(DIGITS, DIGITS_Y)
    test = find_lr(model, DIGITS, DIGITS_Y, low=rate, high=rate * (1 + 1e-9), n_steps=10, n_runs=1)
    sizes = np.array([300] * 5 + [len(DIGITS) - 1500])
    mean = float(sizes @ test.table["loss"][:6] / len(DIGITS))
    assert mean == pytest.approx(float(model.loss_curve_[0]), rel=1e-6)


def test_the_suggestion_trains_about_as_well_as_the_best_of_a_grid():
    for optimizer in (SGD(momentum=0.9), AdamW()):
        model = LinearClassifier(optimizer, random_state=0)
        rate = find_lr(model, DIGITS[::2], DIGITS_Y[::2]).suggestion

        def score(lr, model=model):
            fitted = clone(model).set_params(lr=lr).fit(DIGITS[::2], DIGITS_Y[::2])
            return fitted.score(DIGITS[1::2], DIGITS_Y[1::2])

        assert score(rate) > max(score(lr) for lr in np.geomspace(1e-4, 3, 8)) - 0.02


@pytest.mark.filterwarnings("ignore:find_lr")
def test_a_pipeline_prepares_its_features():
    X, y = load_wine(return_X_y=True)
    model = LinearClassifier("sgd", random_state=0)
    scaled = find_lr(make_pipeline(StandardScaler(), model), X, y, n_runs=1)
    by_hand = find_lr(model, StandardScaler().fit_transform(X), y, n_runs=1)
    assert scaled.suggestions == by_hand.suggestions


def test_some_128_mini_batches_are_an_epoch():
    trial = LinearClassifier()._trial(DIGITS, DIGITS_Y, None)
    batches = trial._batches(np.random.RandomState(0))
    first = [next(batches) for _ in range(129)]  # some 128 steps are an epoch
    assert [len(b) for b in first] == [14] * 128 + [5]
    np.testing.assert_array_equal(np.sort(np.concatenate(first)), np.arange(len(DIGITS)))


def test_features_times_ten_want_a_hundredth_of_the_rate():
    """The curvature of a linear model is the square of its features."""
    model = LinearClassifier(SGD(), fit_intercept=False, standardize=False, random_state=0)
    plain, large = (find_lr(model, DIGITS * k, DIGITS_Y).suggestions["edge"] for k in (1, 10))
    assert plain / large == pytest.approx(100, rel=0.5)


@pytest.mark.filterwarnings("ignore:find_lr")
def test_optimizer_replaces_the_estimators_and_weights_count():
    model = LinearClassifier("adamw", random_state=0)
    test = find_lr(model, DIGITS, DIGITS_Y, optimizer="sgd", n_runs=1, n_steps=50)
    assert test.label == "LinearClassifier with SGD"
    weights = (DIGITS_Y < 2).astype(float)
    weighted = find_lr(model, DIGITS, DIGITS_Y, sample_weight=weights, n_runs=1, n_steps=50)
    plain = find_lr(model, DIGITS, DIGITS_Y, n_runs=1, n_steps=50)
    assert not np.allclose(weighted.table["loss"][:20], plain.table["loss"][:20])


# The result


@pytest.fixture(scope="module")
def result():
    return find_lr(LinearClassifier(random_state=0), DIGITS, DIGITS_Y, method="steepest")


def test_table_holds_every_step_of_every_run(result):
    table = result.table
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert set(np.unique(table["run"])) == {0, 1, 2}
    first = table["run"] == 0
    np.testing.assert_array_equal(table["step"][first], np.arange(first.sum()))
    ratios = table["lr"][first][1:] / table["lr"][first][:-1]
    np.testing.assert_allclose(ratios, 1e9 ** (1 / 199), rtol=1e-9)


def test_repr_tells_the_rates_and_how_the_runs_ended(result):
    said = repr(result)
    assert f"suggestion {result.suggestion:.3g} (steepest)" in said
    for name in METHODS:
        assert name in said
    assert "3 diverged" in said
    assert max(map(len, said.splitlines())) <= 88


def test_plot_draws_runs_and_suggestions(result):
    axes = result.plot()
    assert axes.get_xscale() == "log"
    assert len(axes.lines) == 2 * 3 + len(METHODS)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"steepest: {result.suggestion:.3g} (suggestion)" in labels
    own = matplotlib.figure.Figure().subplots()
    assert result.plot(own) is own


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"low": 0}, ValueError, "low"),
        ({"low": 1.0, "high": 0.5}, ValueError, "high must be larger"),
        ({"n_steps": 5}, ValueError, "n_steps"),
        ({"n_steps": 20.5}, TypeError, "n_steps"),
        ({"n_runs": 0}, ValueError, "n_runs"),
        ({"scale": "log"}, ValueError, "scale must be one of"),
        ({"method": "best"}, ValueError, "method must be one of"),
        ({"beta": 1.0}, ValueError, "beta"),
        ({"stop_factor": 0}, ValueError, "stop_factor"),
        ({"params": np.ones(2)}, TypeError, "params is for functions"),
        ({"optimizer": "adamx"}, ValueError, "optimizer must be one of"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, error, said):
    with pytest.raises(error, match=said):
        find_lr(LinearClassifier(), DIGITS, DIGITS_Y, **arguments)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(TypeError, match="estimator of fastlr"):
        find_lr(LogisticRegression(), DIGITS, DIGITS_Y)
    with pytest.raises(TypeError, match="X, y and sample_weight"):
        find_lr(noisy_line, DIGITS, params=np.ones(4), optimizer=SGD())
    with pytest.raises(TypeError, match="optimizer must be given"):
        find_lr(noisy_line, params=np.ones(4))
    with pytest.raises(TypeError, match="params must be given"):
        find_lr(noisy_line, optimizer=SGD())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        find_lr(LinearClassifier(), DIGITS, DIGITS_Y[:-1])


def test_it_is_reached_from_the_package():
    assert fastlr.find_lr is fastlr.tuning.find_lr is find_lr
