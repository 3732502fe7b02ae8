"""The loop over epochs: what it records, and what is left when it ends early."""

import numpy as np
import pytest

from fastlr import SGD, OneCycle, ReduceOnPlateau
from fastlr.training import Arena, EpochInfo, EpochLoop, EpochResult, train


def quadratic(schedule=None, lr=0.1, momentum=0.5):
    """A model with loss p**2, whose gradient is 2 p; `seen` collects the orders."""
    arena = Arena({"p": (3,)}, "float64")
    arena.params[:] = [1.0, -2.0, 3.0]
    optimizer = SGD(lr=lr, momentum=momentum, weight_decay=0.01, schedule=schedule)
    updater = optimizer.bind(arena.param, total_steps=20, steps_per_epoch=2)
    seen = []

    def run_epoch(order):
        seen.append(order)
        loss = 0.0
        for _ in range(2):
            loss += float(arena.params @ arena.params)
            arena.grads[:] = 2 * arena.params
            updater.step(arena.grad)
        return EpochResult(loss, 4.0, 2, None)

    return arena, updater, run_epoch, seen


def test_history_has_a_row_for_each_epoch_with_mean_loss_and_rate():
    arena, updater, run_epoch, _ = quadratic(OneCycle())
    rates = OneCycle().simulate(20, lr=0.1).lr
    training = train(run_epoch, arena.params, updater, 8, 3, np.random.default_rng(0))
    assert [row.epoch for row in training.history] == [1, 2, 3]
    other, stepper, again, _ = quadratic(OneCycle())
    losses = [again(None).mean_loss for _ in range(3)]
    assert [row.loss for row in training.history] == losses
    assert [row.lr for row in training.history] == pytest.approx(rates[[2, 4, 6]], rel=1e-12)
    assert all(row.seconds >= 0 for row in training.history)
    assert (training.diverged, training.interrupted) == (None, False)
    np.testing.assert_array_equal(arena.params, other.params)
    assert stepper.t == updater.t == 6


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_each_epoch_has_its_own_permutation_drawn_from_the_generator(make):
    arena, updater, run_epoch, seen = quadratic()
    train(run_epoch, arena.params, updater, 50, 3, make(7))
    rng = make(7)
    for order in seen:
        assert order.dtype == np.int64
        np.testing.assert_array_equal(order, rng.permutation(50))
    assert not np.array_equal(seen[0], seen[1])


def test_without_shuffling_no_random_number_is_drawn():
    arena, updater, run_epoch, seen = quadratic()
    rng = np.random.RandomState(0)
    train(run_epoch, arena.params, updater, 50, 2, rng, shuffle=False)
    assert seen == [None, None]
    assert rng.randint(1000) == np.random.RandomState(0).randint(1000)


def test_epochs_are_counted_on_from_an_earlier_history():
    arena, updater, run_epoch, _ = quadratic()
    earlier = [EpochInfo(1, 0.5, 0.1, 0.01)]
    training = train(
        run_epoch, arena.params, updater, 4, 2, np.random.RandomState(0), history=earlier
    )
    assert [row.epoch for row in training.history] == [1, 2, 3]
    assert len(earlier) == 1


def test_callback_that_returns_true_ends_the_training():
    arena, updater, run_epoch, seen = quadratic()
    rows = []

    def on_epoch(info):
        rows.append(info)
        return info.epoch == 2

    training = train(
        run_epoch, arena.params, updater, 4, 9, np.random.RandomState(0), on_epoch=on_epoch
    )
    assert rows == training.history
    assert len(seen) == 2


@pytest.mark.parametrize(("metric", "rate"), [(None, 0.01), (lambda info: -info.epoch, 0.1)])
def test_plateau_schedule_sees_the_loss_or_the_metric_given(metric, rate):
    # The loss of a model that stands still never improves; the metric does every time.
    schedule = ReduceOnPlateau(factor=0.1, patience=1)
    arena, updater, _, _ = quadratic(schedule)
    training = train(
        lambda order: EpochResult(8.0, 4.0, 2, None),
        arena.params, updater, 4, 4, np.random.RandomState(0), metric=metric,
    )  # fmt: skip
    assert training.history[-1].loss == 2.0
    assert updater.lr == pytest.approx(rate, rel=1e-12)


def finished(epochs):
    """Parameters and state after so many epochs without an accident."""
    arena, updater, run_epoch, _ = quadratic()
    for _ in range(epochs):
        run_epoch(None)
    return arena.params, updater.state_dict()


def assert_as_after(arena, updater, epochs):
    params, state = finished(epochs)
    np.testing.assert_array_equal(arena.params, params)
    assert updater.t == state["t"] == 2 * epochs
    for name, arrays in updater.state_dict()["state"].items():
        for p in arrays:
            np.testing.assert_array_equal(arrays[p], state["state"][name][p])


def test_divergence_puts_back_the_last_finished_epoch_and_says_where():
    arena, updater, run_epoch, seen = quadratic()

    def diverging(order):
        result = run_epoch(order)
        if len(seen) == 3:
            arena.params *= 1e300
            return result._replace(steps=1, diverged_at=1)
        return result

    training = train(diverging, arena.params, updater, 4, 9, np.random.RandomState(0))
    assert training.diverged == (3, 2, 0.1)
    assert len(training.history) == 2
    assert_as_after(arena, updater, 2)


def test_ctrl_c_within_an_epoch_puts_back_the_last_finished_one():
    arena, updater, run_epoch, seen = quadratic()

    def interrupted(order):
        result = run_epoch(order)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return result

    training = train(interrupted, arena.params, updater, 4, 9, np.random.RandomState(0))
    assert training.interrupted
    assert len(training.history) == 2
    assert_as_after(arena, updater, 2)


def test_ctrl_c_in_the_callback_keeps_the_epoch_that_has_just_finished():
    arena, updater, run_epoch, _ = quadratic()

    def on_epoch(info):
        if info.epoch == 2:
            raise KeyboardInterrupt

    training = train(
        run_epoch, arena.params, updater, 4, 9, np.random.RandomState(0), on_epoch=on_epoch
    )
    assert training.interrupted
    assert len(training.history) == 2
    assert_as_after(arena, updater, 2)


def test_ctrl_c_in_the_metric_puts_back_the_epoch_that_has_none():
    arena, updater, run_epoch, _ = quadratic()

    def metric(info):
        if info.epoch == 3:
            raise KeyboardInterrupt
        return info.loss

    training = train(
        run_epoch, arena.params, updater, 4, 9, np.random.RandomState(0), metric=metric
    )
    assert training.interrupted
    assert len(training.history) == 2
    assert_as_after(arena, updater, 2)


@pytest.mark.parametrize("best", [1, 3, 5, 6])
def test_the_best_epoch_is_put_back(best):
    arena, updater, run_epoch, _ = quadratic()
    asked = []

    def is_best(info):
        asked.append(info.epoch)
        return info.epoch in (1, best)

    training = train(
        run_epoch, arena.params, updater, 4, 6, np.random.RandomState(0), is_best=is_best
    )
    assert asked == [1, 2, 3, 4, 5, 6]
    assert training.restored == (best if best < 6 else None)
    assert len(training.history) == 6
    assert_as_after(arena, updater, best)


def test_other_errors_are_not_swallowed():
    arena, updater, _, _ = quadratic()

    def failing(order):
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        train(failing, arena.params, updater, 4, 9, np.random.RandomState(0))


def test_models_that_take_turns_come_to_what_each_comes_to_alone():
    alone, turns = [], []
    for lr, epochs in ((0.1, 2), (0.2, 4)):
        arena, updater, run_epoch, _ = quadratic(lr=lr)
        alone.append(train(run_epoch, arena.params, updater, 4, epochs, None, shuffle=False))
        arena, updater, run_epoch, _ = quadratic(lr=lr)
        turns.append((EpochLoop(lambda: None, arena.params, updater, epochs), run_epoch))
    while any(loop.goes_on for loop, _ in turns):
        for loop, run_epoch in turns:
            if loop.goes_on:
                loop.finish(run_epoch(loop.begin()))
    for expected, (loop, _) in zip(alone, turns, strict=True):
        training = loop.close()
        assert [row[:3] for row in training.history] == [row[:3] for row in expected.history]
    assert [len(loop.training.history) for loop, _ in turns] == [2, 4]


def test_mean_loss_of_rows_without_weight_is_zero():
    assert EpochResult(3.0, 4.0, 2, None).mean_loss == 0.75
    assert EpochResult(0.0, 0.0, 2, None).mean_loss == 0.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arena_is_one_aligned_block_seen_through_views(dtype):
    arena = Arena({"w": (3, 5), "b": (3,), "none": (0,)}, dtype)
    for flat, views in ((arena.params, arena.param), (arena.grads, arena.grad)):
        assert flat.dtype == dtype
        assert flat.ctypes.data % 64 == 0
        flat[:] = np.arange(18)
        np.testing.assert_array_equal(views["w"], np.arange(15).reshape(3, 5))
        np.testing.assert_array_equal(views["b"], [15, 16, 17])
        assert views["none"].shape == (0,)
        assert all(v.flags.c_contiguous for v in views.values())
    arena.grads[:] = 0
    assert arena.params.sum() == 153


def test_arena_refuses_other_dtypes():
    with pytest.raises(TypeError, match="dtype must be float32 or float64, got float16"):
        Arena({"w": (2,)}, "float16")
