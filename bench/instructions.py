"""Counts the machine instructions of hot calls, and fails when one of them grows by over 5 %.

    python bench/instructions.py            # beside the baseline
    python bench/instructions.py --write    # make the counts the baseline

Instructions do not depend on what else the machine does, so a second count is the same to a
fraction of a per cent. They do depend on the compiler, the instruction set and the versions of what
lies below: the baseline has counts for each combination, and one that it does not know is told and
is no failure. Valgrind's callgrind counts; the kernels are those for AVX2, since it knows no
AVX-512. Everything runs in one process under callgrind, which takes a minute or two.

Counting is on inside one function of ctypes alone, that which calls Python back from C; nothing
else in the process uses it, so imports and warm-up are left out. A Python without symbols hides it
from callgrind, which is told and is no failure.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).with_name("instructions.json")
ALLOWED = 1.05
INSIDE = "closure_fcn"


def cases() -> dict[str, Any]:
    """Return what is counted, each warmed up: names to calls."""
    import warnings

    import numpy as np

    from fastlr import Adam, AdamW, LinearClassifier, MLPClassifier
    from fastlr.bench.workloads.images import blobs, digits
    from fastlr.bench.workloads.sparse_rows import text

    warnings.simplefilter("ignore")
    large, small = np.ones(10_000, np.float32), np.ones(100, np.float32)  # gradients
    large_step, small_step = AdamW().bind(large.copy()), AdamW().bind(small.copy())
    clipped = AdamW(clip_norm=1.0, schedule="onecycle").bind(large.copy(), total_steps=100)
    dense, numbers, words = blobs(1250, 200, 10), digits(), text(1250, 3000, 5)

    def linear(data: Any) -> Any:
        model = LinearClassifier(AdamW(lr=0.01), batch_size=64, max_epochs=1, random_state=0)
        return model.fit(data.X, data.y)

    def network(data: Any) -> Any:
        model = MLPClassifier(
            (32,), optimizer=Adam(lr=1e-3), batch_size=32, max_epochs=1, random_state=0
        )
        return model.fit(data.X, data.y)

    online = LinearClassifier(schedule=None, random_state=0)
    online.partial_fit(dense.X, dense.y, classes=np.arange(10))
    row, label = dense.X[:1], dense.y[:1]
    return {
        "AdamW, step of 10,000": lambda: large_step.step(large),
        "AdamW, step of 100": lambda: small_step.step(small),
        "AdamW, step of 10,000, clipped, scheduled": lambda: clipped.step(large),
        "LinearClassifier, fit of one epoch, 1,000 x 200": lambda: linear(dense),
        "LinearClassifier, fit of one epoch, sparse": lambda: linear(words),
        "MLPClassifier, fit of one epoch, digits": lambda: network(numbers),
        "partial_fit of one row": lambda: online.partial_fit(row, label),
        "predict of one row": lambda: online.predict(row),
    }


def call_all() -> None:
    """Have C's ``bsearch`` call each case back, in order; this is what runs under callgrind."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    search = ctypes.CDLL(None).bsearch
    size = ctypes.c_size_t
    search.argtypes = [ctypes.c_char_p, ctypes.c_char_p, size, size, compare]
    for work in cases().values():
        for _ in range(2):  # whatever is made once is made by now
            work()
        search(b"a", b"b", 1, 1, compare(lambda a, b, work=work: work() is None or 0))


def count() -> dict[str, int]:
    """Run the cases under callgrind, and return the instructions of each."""
    fixed = {
        "FASTLR_ISA": "avx2",
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell",
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--toggle-collect={INSIDE}",
                f"--dump-after={INSIDE}",
                f"--callgrind-out-file={folder}/out",
                sys.executable,
                __file__,
                "--call",
            ],
            env=os.environ | fixed,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"callgrind ended with {done.returncode}:\n{done.stderr[-2000:]}")
        files = [Path(folder, f"out.{k + 1}") for k in range(len(cases()))]
        if not all(file.exists() for file in files):
            print(f"Nothing was counted: callgrind finds no {INSIDE} in this Python.")
            sys.exit(0)
        parts = [file.read_text() for file in files]
    totals = [re.search(r"^(?:totals|summary): (\d+)", part, re.M) for part in parts]
    return {
        name: int(total[1]) if total else 0 for name, total in zip(cases(), totals, strict=True)
    }


def combination() -> str:
    """Return what counts depend on: compiler, architecture, Python, and what lies below."""
    from fastlr.kernels import _cpu  # type: ignore[attr-defined]

    said = re.search(
        rb"(GCC: \([^)]*\) [\d.]+|clang version [\d.]+)", Path(_cpu.__file__).read_bytes()
    )
    compiler = said[1].decode() if said else "unknown compiler"
    below = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn"))
    return f"{compiler}, {platform.machine()} avx2, Python {platform.python_version()}, {below}"


def main() -> int:
    """Count, compare, and write if asked; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make the counts the baseline")
    parser.add_argument("--call", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        call_all()
        return 0
    if shutil.which("valgrind") is None:
        print("Nothing was counted: valgrind is not installed (apt-get install valgrind).")
        return 0
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    key, found = combination(), count()
    before = known.get(key, {})
    grown = []
    print(f"{key}\n\n{'instructions':>14} {'of baseline':>12}")
    for name, instructions in found.items():
        share = instructions / before[name] if before.get(name) else None
        if share is not None and share > ALLOWED:
            grown.append(name)
        print(f"{instructions:14,} {'-' if share is None else f'{share:.3f}':>12}  {name}")
    if options.write:
        known[key] = found
        BASELINE.write_text(json.dumps(known, indent=1) + "\n")
        print(f"\nWritten: {BASELINE.name}")
        return 0
    if not before:
        print("\nThe baseline does not know this combination; --write adds it.")
    if grown:
        print(f"\nGrown by more than {ALLOWED - 1:.0%}: {'; '.join(grown)}")
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main())
