"""Threads and forked processes: every run gives the bits that it gives alone."""

import os
import threading

import numpy as np
import pytest

from fastlr import SGD, AdamW
from tests.support.cases import FULLEST, bits, make, snapshot, tree, walk
from tests.support.engines import ENGINES, PATHS, output_of, use_engine

# Enough for every thread to get a share, with seams inside of arrays, blocks and vectors.
SIZES = {"a": 30011, "b": 7, "c": 40993, "d": 16384, "e": 0, "f": 20001}


def big(dtype=np.float32):
    return {k: np.linspace(-1, 2, n, dtype=dtype) for k, n in SIZES.items()}


def run_big(updater, steps=3):
    for t in range(1, steps + 1):
        updater.step({k: np.sin(t + 9 * p) for k, p in updater.params.items()})
    return snapshot(updater)


def together(work, count):
    """Call work(0 ... count - 1) in threads that start at the same moment; give the results."""
    barrier, results = threading.Barrier(count), [None] * count

    def call(k):
        barrier.wait()
        try:
            results[k] = work(k)
        except BaseException as error:
            results[k] = error

    threads = [threading.Thread(target=call, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_threads", [2, 3, 5])
@pytest.mark.parametrize("name", ["cython-base", "numba", "cython-python_stepper"])
def test_the_number_of_threads_does_not_show_in_the_bits(name, n_threads, dtype):
    optimizer = AdamW(lr=0.1, clip_norm=1.0, amsgrad=True, weight_decay=0.1, nonfinite="skip")
    with use_engine(name) as backend:
        alone = run_big(optimizer.bind(big(dtype), backend=backend))
        shared = run_big(optimizer.bind(big(dtype), backend=backend, n_threads=n_threads))
    assert shared == alone


def test_one_array_is_shared_between_threads_too():
    results = []
    for n_threads in (1, 2, 4, 64, 1000):
        w = np.linspace(-1, 1, 200_003, dtype=np.float32)
        updater = SGD(lr=0.5, momentum=0.9, clip_norm=2.0).bind(w, n_threads=n_threads)
        for t in range(3):
            updater.step(np.cos(w + t))
        results.append(bits(w))
    assert results == results[:1] * 5


def test_a_skipped_step_is_skipped_by_all_threads():
    updater = AdamW(nonfinite="skip").bind(big(), n_threads=3)
    before = snapshot(updater)
    grads = {k: np.zeros_like(p) for k, p in updater.params.items()}
    grads["f"][-1] = np.nan
    updater.step(grads)
    assert snapshot(updater) == {**before, "skipped": 1, "last_skipped": "f"}


@pytest.mark.parametrize("case", FULLEST.values())
def test_four_threads_step_updaters_of_their_own(case):
    def work(k):
        updater = make(case, clip_norm=1.0, lr=0.01 * (k + 1)).bind(tree())
        return snapshot(walk(updater, 20))

    assert together(work, 4) == [work(k) for k in range(4)]


def test_four_threads_with_shared_steps_take_turns_or_go_alone():
    def work(k):
        return run_big(
            SGD(lr=0.1 * (k + 1), momentum=0.9, clip_norm=1.0).bind(big(), n_threads=2), 6
        )

    assert together(work, 4) == [work(k) for k in range(4)]


def test_four_threads_compile_one_new_rule_at_the_same_time(tmp_path):
    (tmp_path / "rule.py").write_text(
        "from fastlr.optimizers import Optimizer\n\n\n"
        "class Fresh(Optimizer):\n"
        "    lr: float = 0.1\n"
        "    def coefficients(self, t, lr):\n"
        "        return {'rate': lr}\n"
        "    @staticmethod\n"
        "    def update(p, g, rate):\n"
        "        return p - rate * (g + g)\n"
    )
    assert (
        output_of(
            """
        import numpy as np
        from rule import Fresh
        from tests.updater.test_threads import together

        def work(k):
            w = np.ones(3)
            Fresh(lr=0.25 * k).bind(w).step(np.ones(3))
            return w.tolist()

        print(together(work, 4) == [[1 - 0.5 * k] * 3 for k in range(4)])
        """,
            env={
                "FASTLR_CACHE_DIR": str(tmp_path / "cache"),
                "PYTHONPATH": os.pathsep.join([str(tmp_path), *PATHS]),
            },
        )
        == "True"
    )


FORK = """
    import os, sys
    import numpy as np
    from fastlr import AdamW
    from tests.updater.test_threads import big, run_big, together
    from tests.support.cases import snapshot

    n_threads, size = {n_threads}, {size}
    params = lambda: {{k: p[:size] for k, p in big().items()}}
    options = dict(n_threads=n_threads, backend={backend!r})
    bind = lambda: AdamW(lr=0.1, clip_norm=1.0).bind(params(), **options)
    expected, updater = run_big(bind(), 4), bind()
    if {threads}:  # others are at work in the parent when it forks
        together(lambda k: run_big(bind()), 3)
    run_big(updater, 2)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:  # it has the parent's updater, two steps into its run
            for t in (3, 4):
                updater.step({{k: np.sin(t + 9 * p) for k, p in updater.params.items()}})
            fine = snapshot(updater) == expected and run_big(bind(), 4) == expected
            os._exit(0 if fine else 1)
        children.append(child)
    for t in (3, 4):
        updater.step({{k: np.sin(t + 9 * p) for k, p in updater.params.items()}})
    codes = [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]
    print(codes, snapshot(updater) == expected)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(
    ("n_threads", "size", "backend", "threads"),
    [
        (1, 1000, "auto", False),
        (2, None, "auto", False),
        (4, None, "auto", True),
        (2, None, "numba", True),
    ],
)
def test_a_forked_child_goes_on_stepping(n_threads, size, backend, threads):
    code = FORK.format(n_threads=n_threads, size=size, backend=backend, threads=threads)
    assert output_of(code) == "[0, 0] True"


def test_stepping_in_a_thread_gives_way_to_others():
    """A large step leaves the interpreter free: another thread counts on meanwhile."""
    w = np.zeros(3_000_000)
    updater, grads = AdamW(lr=0.1).bind(w), np.ones(3_000_000)
    updater.step(grads)
    ticks, done = [0], threading.Event()

    def count():
        while not done.is_set():
            ticks[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = ticks[0]
    for _ in range(5):
        updater.step(grads)
    counted = ticks[0] - before
    done.set()
    thread.join()
    assert counted > 100


def test_gradients_of_one_thread_do_not_reach_another():
    """The pointers of a step are its updater's own."""

    def work(k):
        params = {"w": np.zeros(20_000)}
        updater = SGD(lr=1.0).bind(params)
        for t in range(50):
            updater.step({"w": np.full(20_000, float(k + t % 2))})
        return set(params["w"].tolist())

    assert together(work, 4) == [{-(50.0 * k + 25)} for k in range(4)]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_helpers_may_run_wherever_their_caller_may():
    """They are born on a core of their own, and are let go then."""
    found = output_of(
        """
        import os
        import numpy as np
        from fastlr import AdamW

        w = np.ones(300_000, np.float32)
        updater = AdamW().bind(w, n_threads=5)
        before = os.sched_getaffinity(0)
        updater.step(w.copy())
        ids = [int(name) for name in os.listdir("/proc/self/task")]
        print(len(ids) > 4, all(os.sched_getaffinity(k) == before for k in ids))
        """
    )
    assert found.split()[1] == "True"


@pytest.mark.parametrize("size", [100, 200_000])
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_threads_that_step_one_updater_take_turns(engine, size):
    p = {"w": np.zeros(size, np.float32)}
    updater = SGD(lr=2**-10, momentum=0.5).bind(p, backend=engine)
    alone = {"w": np.zeros(size, np.float32)}
    other = SGD(lr=2**-10, momentum=0.5).bind(alone, backend=engine)
    broken = []

    def learn(k):
        for _ in range(25):
            updater.step({"w": np.ones(size, np.float32)})  # freed at once
            seen = updater.state_dict()
            elements = seen["state"]["buf"]["w"]
            if (elements != elements[0]).any():
                broken.append(seen["t"])

    together(learn, 4)
    for _ in range(100):
        other.step({"w": np.ones(size, np.float32)})
    assert updater.t == 100
    assert not broken
    np.testing.assert_array_equal(p["w"], alone["w"])


def test_a_step_within_a_step_is_refused():
    def again(t):
        if within:
            updater.step(np.ones(1))
        return 1.0

    p, within = np.zeros(1), False
    updater = SGD(lr=0.5, schedule=again).bind(p)
    updater.step(np.ones(1))
    within = True
    updater.lr = 0.25  # coefficients that were computed ahead are dropped
    with pytest.raises(RuntimeError, match="within a step"):
        updater.step(np.ones(1))
    assert updater.t == 1
    assert p == -0.5


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_steps_though_a_thread_of_its_parent_was_in_a_step():
    p = np.zeros(3_000_000, np.float32)
    updater, grads, stop = SGD(lr=0.1).bind(p), np.ones(3_000_000, np.float32), threading.Event()

    def learn():
        while not stop.is_set():
            updater.step(grads)

    thread = threading.Thread(target=learn)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                updater.step(grads)
                os._exit(0 if updater.t else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
