"""Histories of online calls: how many rows they have, and what these stand for."""

import pickle

import numpy as np
import pytest

from fastlr import LinearRegressor, diagnose
from fastlr.estimators.session.history import COLUMNS, MERGED, MOST, thinned, with_room

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 3))
Y = X @ [1.0, 2.0, 3.0] + RNG.standard_normal(400)


@pytest.mark.parametrize("epochs", [0, 5])
def test_a_table_of_200_000_calls_is_bounded_and_keeps_means_and_sums(epochs):
    losses, seconds = RNG.random(200_000), RNG.random(200_000)
    table, n = np.empty((0, len(COLUMNS))), 0
    for k in range(200_000):
        if n - epochs == MOST:
            n = thinned(table, n, epochs)
        row = dict.fromkeys(COLUMNS, np.nan) | {"epoch": k + 1, "loss": losses[k], "lr": k}
        table = with_room(table, n)
        table[n] = tuple((row | {"seconds": seconds[k]}).values())
        n += 1
    assert epochs + MOST // 2 < n <= epochs + MOST
    assert len(table) <= 2 * (MOST + epochs)
    used = dict(zip(COLUMNS, table[:n].T, strict=True))
    np.testing.assert_array_equal(used["lr"], used["epoch"] - 1)
    calls = np.diff(used["epoch"], prepend=0)
    assert (calls[: epochs + 1] == 1)[:epochs].all()
    assert (calls[-MOST // 2 :] == 1).all()
    assert calls[epochs : epochs + MERGED // 2].max() == 1024
    assert (calls * used["loss"]).sum() == pytest.approx(losses.sum(), rel=1e-9)
    assert used["seconds"].sum() == pytest.approx(seconds.sum(), rel=1e-9)
    stop = int(used["epoch"][epochs])
    assert used["loss"][epochs] == pytest.approx(losses[epochs:stop].mean(), rel=1e-9)


def test_a_model_that_learns_on_and_on_keeps_its_epochs_and_a_small_pickle():
    model = LinearRegressor(max_epochs=4, random_state=0).fit(X, Y)
    first = {name: column.copy() for name, column in model.history_.items()}
    sizes = []
    for k in range(3000):
        model.partial_fit(X[k % 400 : k % 400 + 1], Y[k % 400 : k % 400 + 1])
        if k > 1500 and k % 100 == 0:
            sizes.append(len(pickle.dumps(model)))
    assert max(sizes) < 100_000
    history = model.history_
    assert model.n_iter_ == history["epoch"][-1] == 3004
    assert len(model.loss_curve_) == len(history["loss"]) <= 4 + MOST
    for name in ("epoch", "loss", "movement", "lr"):
        np.testing.assert_array_equal(history[name][:4], first[name])
    assert diagnose(model).verdict == "healthy"
    again = pickle.loads(pickle.dumps(model)).partial_fit(X[:1], Y[:1])
    assert again.n_iter_ == again.history_["epoch"][-1] == 3005
