"""Training takes numbers below the smallest normal one as zero, and leaves the process as it was.

Processors compute with them up to a hundred times more slowly, and Adam keeps one for each weight
whose gradient has become zero.
"""

import platform

import numpy as np
import pytest
from scipy import sparse

import fastlr
from fastlr import SGD, Adam
from fastlr.training import Arena, LinearEpoch, SparseEpoch, run_side_by_side
from tests.support.engines import needs_compiled
from tests.support.mlp_cases import network

pytestmark = [
    needs_compiled,
    pytest.mark.skipif(
        platform.machine().lower() not in {"x86_64", "amd64"},
        reason="only x86 processors are slowed, and only there is it done",
    ),
    pytest.mark.skipif(
        not fastlr.backend_info()["threads"], reason="portable C cannot set the mode"
    ),
]
ROWS, FEATURES = 40, 12
IDLE = 3  # features that are zero in all rows
NORMAL = np.finfo(np.float32).smallest_normal
MOMENTUM = Adam(lr=1e-3, weight_decay=0.0, beta2=0.9)


def rows(features=FEATURES):
    X = np.random.default_rng(0).standard_normal((ROWS, features)).astype("float32")
    X[:, :IDLE] = 0
    return X, np.arange(ROWS) % 3


def start(arena, updater):
    """Leave something in the state that fifty steps without a gradient make too small."""
    state = updater.state_dict()
    for arrays in state["state"].values():
        for array in arrays.values():
            array += 1e-37
    updater.load_state_dict(state)
    arena.params[:] = np.random.default_rng(1).standard_normal(arena.params.size) / 4


def linear():
    arena = Arena({"coef": (3, FEATURES), "intercept": (3,)}, "float32")
    return LinearEpoch(arena, MOMENTUM.bind(arena.param), "log_loss", "softmax")


def sparse_linear(optimizer=MOMENTUM):
    arena = Arena({"coef": (FEATURES, 3), "intercept": (3,)}, "float32")
    return SparseEpoch(arena, optimizer.bind(arena.param), "log_loss", "softmax")


def perceptron(features=FEATURES, units=8, n_threads=1):
    return network([features, units, 3], ["relu"], "float32", MOMENTUM, n_threads=n_threads)[1]


def run(epoch, epochs=30, features=FEATURES):
    X, y = rows(features)
    for _ in range(epochs):
        epoch.run(sparse.csr_array(X) if isinstance(epoch, SparseEpoch) else X, y, None, None, 20)


def run_together(epoch):
    X, y = rows()
    for _ in range(30):
        run_side_by_side([epoch, linear()], X, y, None, None, 20)


def state_of(epoch):
    arrays = epoch.updater.state_dict()["state"].values()
    return np.concatenate([a.ravel() for by_name in arrays for a in by_name.values()])


@pytest.mark.parametrize(
    ("make", "train"),
    [(linear, run), (linear, run_together), (perceptron, run)],
    ids=["linear", "side by side", "network"],
)
def test_what_fades_without_a_gradient_is_never_slow_to_compute_with(make, train):
    epoch = make()
    start(epoch.arena, epoch.updater)
    train(epoch)
    state = np.abs(state_of(epoch))
    assert (state < 1e-36).sum() >= 2 * IDLE  # of idle features at least
    assert not ((state > 0) & (state < NORMAL)).any()


def test_threads_that_share_a_step_compute_alike():
    features, states = 600, []
    for n_threads in (1, 4):
        epoch = perceptron(features, 400, n_threads)
        start(epoch.arena, epoch.updater)
        run(epoch, features=features)
        states.append(state_of(epoch))
    assert not ((states[0] > 0) & (states[0] < NORMAL)).any()
    np.testing.assert_array_equal(*states)
    assert_exact(np.full(1 << 18, 3 * NORMAL, np.float32), n_threads=4)  # by the same threads


def test_a_weight_that_decays_without_being_touched_ends_at_zero_or_a_normal_number():
    epoch = sparse_linear(SGD(lr=0.1, weight_decay=1.0, decay="decoupled"))
    epoch.arena.param["coef"][:] = 1e-37
    run(epoch)
    idle = epoch.arena.param["coef"][:IDLE]
    # Without fused arithmetic the part that decays is rounded to zero before the rest is.
    assert ((idle == 0) | ((idle >= NORMAL) & (idle < 10 * NORMAL))).all()


def test_after_an_epoch_the_process_computes_as_before():
    small = np.full(9, 2 * NORMAL, np.float32)
    for make in (linear, sparse_linear, perceptron):
        run(make(), 1)
        assert (small / np.float32(4) > 0).all()


def test_an_epoch_that_diverges_leaves_it_so_too():
    epoch = perceptron()
    epoch.arena.params[:] = 1e38
    X, y = rows()
    assert epoch.run(X, y, None, None, 20).diverged_at is not None
    assert np.float32(NORMAL) / np.float32(4) > 0


def assert_exact(param, **options):
    """Step an updater by itself to numbers below the smallest normal one."""
    SGD(lr=1.0).bind(param, **options).step(np.full_like(param, 2.5 * NORMAL))
    assert (param == np.float32(0.5) * NORMAL).all()
    assert (param > 0).all()


def test_the_step_of_an_updater_is_exact():
    assert_exact(np.full(7, 3 * NORMAL, np.float32))
