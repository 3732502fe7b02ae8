"""Kills writers at random moments: ``python -m tests.reliability.kills 1000``.

A forked child saves one version after another, of an updater and of a model in turn, and is
killed (SIGKILL). Whatever is there then must be readable, all of one version, and no older than
the last save that had returned.
"""

import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from fastlr import Adam, LinearClassifier, Updater, load_model, save_model
from fastlr.core.files import PREFIX

SIZE = 20_000  # elements: a file of 480 kB


def make():
    """Return what is saved: an updater and a model."""
    updater = Adam(lr=0.0).bind({"w": np.zeros(SIZE)})
    return updater, LinearClassifier(lr=0.1, max_epochs=1).fit(np.eye(20), np.arange(20) % 2)


def save(folder, version, updater, model):
    """Save a version of both, all of whose numbers say which it is."""
    updater.params["w"][:] = version
    updater.load_state_dict(updater.state_dict() | {"t": version})
    updater.save(folder / "run", with_params=True)
    model.coef_ = np.full((1, 20), float(version))
    model.intercept_ = np.full(1, float(version))
    save_model(model, folder / "model")


def save_for_ever(folder, version, pipe, *made):
    """Save versions from `version` on, and say of each when it is saved."""
    while True:
        save(folder, version, *made)
        os.write(pipe, version.to_bytes(8, "little"))
        version += 1


def versions(folder):
    """Return the versions of both files; fail if one is a mixture."""
    params = {"w": np.full(SIZE, -1.0)}
    updater = Updater.load(folder / "run", params)
    model = load_model(folder / "model")
    assert (params["w"] == updater.t).all()
    assert (model.coef_ == model.intercept_[0]).all()
    return updater.t, int(model.intercept_[0])


def kill_writers(count, seed=0, longest=0.06):
    """Kill `count` writers; return how many versions were saved and how many parts were left."""
    rng, run, model, parts = random.Random(seed), 1, 1, 0
    with tempfile.TemporaryDirectory() as name:
        folder, made = Path(name), make()
        save(folder, run, *made)
        for _ in range(count):
            ours, theirs = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    save_for_ever(folder, run + 1, theirs, *made)
                finally:
                    os._exit(1)
            os.close(theirs)
            time.sleep(rng.uniform(0, longest))
            os.kill(pid, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
            said = b""
            while piece := os.read(ours, 1 << 16):
                said += piece
            os.close(ours)
            if said:
                run = model = int.from_bytes(said[-8:], "little")
            found = versions(folder)
            assert found in {(run, model), (run + 1, model), (run + 1, run + 1)}
            run, model = found
            left = [p for p in os.listdir(folder) if p.startswith(PREFIX)]
            assert len(left) <= 1  # each save removes what the killed one left
            parts += len(left)
        save(folder, run, *made)
        assert sorted(os.listdir(folder)) == ["model", "run"]
    return run, parts


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    begun = time.perf_counter()
    saved, left = kill_writers(n)
    print(
        f"{n} writers killed, both files readable every time; {saved} versions saved, "
        f"{left} kills in the middle of a write; {time.perf_counter() - begun:.0f} s"
    )
