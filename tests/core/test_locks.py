"""A forked child finds every lock free that another thread held, and keeps its own."""

import copy
import gc
import os
import threading

import pytest

from fastlr.core import locks
from fastlr.core.locks import LOCK, Owner, lock_of

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def in_child(work):
    """Return the exit status of `work` in a forked child; a hang counts as 99."""
    pid = os.fork()
    if pid == 0:
        code = [99]

        def run():
            code[0] = work()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(20)
        os._exit(code[0])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def can_lock(owner):
    with lock_of(owner):
        return 7


def test_all_threads_get_the_same_lock():
    owner, found, barrier = Owner(), [], threading.Barrier(8)

    def ask():
        barrier.wait()
        found.append(lock_of(owner))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({id(lock) for lock in found}) == 1


def test_a_lock_that_another_thread_holds_is_free_in_a_child_and_held_in_the_parent():
    owner, held, done = Owner(), threading.Event(), threading.Event()

    def hold():
        with lock_of(owner):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert in_child(lambda: can_lock(owner)) == 7
    assert not lock_of(owner).acquire(blocking=False)
    done.set()
    thread.join()


def test_a_lock_of_the_forking_thread_is_still_its_own_in_the_child():
    owner = Owner()
    with lock_of(owner):
        pid = os.fork()
        if pid == 0:
            taken = []
            thread = threading.Thread(
                target=lambda: taken.append(lock_of(owner).acquire(blocking=False))
            )
            thread.start()
            thread.join()
            os._exit(5 if taken == [False] else 6)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5


def test_objects_are_not_kept_alive():
    owner = Owner()
    lock_of(owner)
    key = id(owner)
    assert key in locks._OWNERS
    del owner
    gc.collect()
    assert key not in locks._OWNERS


def test_a_copied_model_has_no_lock_of_its_original():
    from fastlr import LinearClassifier

    model = LinearClassifier(lr=0.1).partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1])
    assert LOCK in model.__dict__
    assert LOCK not in copy.deepcopy(model).__dict__
