"""The learning-rate range test on functions whose answer is known."""

import copy

import numpy as np
import pytest

from fastlr import SGD, AdamW, find_lr
from fastlr.optimizers import OPTIMIZERS
from fastlr.rates.range_curve import METHODS
from fastlr.tuning.range_sweep import at_rates


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
    calls, first = [], 150

    def loss(w, rng):
        calls.append(w.copy())
        value, grad = quadratic([1.0, 2.0])(w, rng)
        if len(calls) >= first:
            value, grad = (bad, grad) if where == "loss" else (value, grad * bad)
        return value, grad

    params = np.ones(2)
    test = find_lr(loss, params=params, optimizer=SGD(momentum=0.5), n_runs=1, method="edge")
    assert test.ended == ["not finite"]
    assert len(test.table["lr"]) == len(calls) - 3 == 149  # one such mini-batch proves nothing
    assert np.isfinite(test.table["loss"]).all()
    np.testing.assert_array_equal(params, 1.0)


def test_a_run_that_is_never_finite_suggests_nothing_and_says_so():
    with pytest.warns(UserWarning, match="fell at no rate"):
        test = find_lr(lambda w, rng: (np.nan, w), params=np.ones(2), optimizer=SGD(), n_runs=2)
    assert np.isnan(test.suggestion)
    assert test.ended == ["not finite"] * 2
    assert "suggestion nan" in repr(test)


@pytest.mark.parametrize("method", ["race", "valley"])
@pytest.mark.parametrize("stray", [0, 3, 60, 130])
def test_a_stray_loss_that_is_not_finite_changes_little_and_is_warned_of(method, stray):
    def told(at):
        calls = iter(range(10**9))

        def loss(w, rng):
            value, grad = noisy_line(w, rng)
            return np.nan if next(calls) % 457 == at else value, grad

        return find_lr(loss, params=np.zeros(4), optimizer=SGD(), method=method)

    plain = told(-1)
    with pytest.warns(UserWarning, match="not finite at some steps"):
        found = told(stray)
    assert 0.5 < found.suggestion / plain.suggestion < 2


@pytest.mark.filterwarnings("ignore:find_lr")
def test_the_noise_of_mini_batches_is_no_divergence():
    """At rates that change nothing, the first losses may be the lowest by chance."""

    def loss(w, rng):
        return float(abs(w[0]) + rng.gamma(2.0)), np.sign(w)

    for seed in range(20):
        test = find_lr(
            loss, params=np.ones(1), optimizer=SGD(), high=1e-3, random_state=seed, method="edge"
        )
        assert test.ended == ["all steps"] * 3


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
