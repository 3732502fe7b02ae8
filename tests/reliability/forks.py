"""Forks while threads learn: ``python -m tests.reliability.forks 100``.

Each scenario runs in a process of its own. A thread learns all the time while the main thread
forks; each child must predict, learn with the same model or updater, fit a new one, and exit.
A child that has not after 60 seconds counts as a hang.
"""

import os
import signal
import sys
import threading
import time
import warnings

import numpy as np
from scipy.sparse import csr_matrix

from fastlr import AdamW, LinearClassifier, LinearRegressor, MLPClassifier

PATIENCE = 60.0
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 30))
Y = (X[:, 0] > 0).astype(int)


def estimator(model, learn, rows=X):
    """Return what the thread does for ever, and what a child does once."""
    model.fit(rows, Y)

    def child():
        model.predict(rows[:5])
        model.partial_fit(rows[:9], Y[:9])
        model.predict(rows[:5])
        type(model)(**model.get_params()).fit(rows[:50], Y[:50])

    return lambda: learn(model, rows), child


def refit(model, rows):
    model.fit(rows, Y)


def go_on(model, rows):
    model.partial_fit(rows[:64], Y[:64])
    model.predict(rows[:5])


def steps():
    """Large steps that a team of two threads shares."""
    updater = AdamW().bind(np.ones(100_000, np.float32), n_threads=2)
    g = np.full(100_000, 0.1, np.float32)
    updater.step(g)

    def child():
        updater.step(g)
        other = AdamW().bind(np.ones(100_000, np.float32), n_threads=2)
        for _ in range(3):
            other.step(g)
        assert (np.abs(other.params - other.params[0]) == 0).all()

    return lambda: updater.step(g), child


SHORT = {"max_epochs": 3, "random_state": 0}
SCENARIOS = {
    "fit, linear": lambda: estimator(LinearClassifier(**SHORT), refit),
    "fit, linear, n_threads=2": lambda: estimator(LinearRegressor(n_threads=2, **SHORT), refit),
    "fit, network, n_threads=2": lambda: estimator(
        MLPClassifier((64,), lr=0.01, n_threads=2, **SHORT), refit
    ),
    "partial_fit, linear": lambda: estimator(LinearClassifier(lr=0.01, **SHORT), go_on),
    "partial_fit, sparse": lambda: estimator(
        LinearClassifier(lr=0.01, **SHORT), go_on, csr_matrix(X * (X > 1))
    ),
    "partial_fit, network": lambda: estimator(MLPClassifier((64,), lr=0.01, **SHORT), go_on),
    "step, n_threads=2": steps,
}


def ends(pid):
    """Return whether a child ends well; one that hangs is killed."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def fork_while_learning(name, count):
    """Return how many of `count` children ended well."""
    learn, child = SCENARIOS[name]()
    stop, failed = threading.Event(), []

    def go():
        try:
            while not stop.is_set():
                learn()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    pauses, good = np.random.default_rng(1).uniform(0, 0.01, count), 0
    for pause in pauses:
        time.sleep(pause)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child()
                code = 0
            finally:
                os._exit(code)
        good += ends(pid)
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not failed, failed
    return good


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    bad = 0
    for scenario in sys.argv[2:] or SCENARIOS:
        begun = time.perf_counter()
        well = fork_while_learning(scenario, n)
        bad += n - well
        print(f"{scenario}: {well} of {n} children ended well, {time.perf_counter() - begun:.0f} s")
    sys.exit(bad > 0)
