"""Counts the machine instructions of hot calls, and fails when one of them grows by over 5 %.

    python bench/instructions.py            # beside the baseline
    python bench/instructions.py --write    # make the counts the baseline

Instructions do not depend on what else the machine does: Valgrind shows any x86-64 processor with
AVX2 as the same Haswell, so that fastlr, NumPy, OpenBLAS and libc should choose the same code
everywhere, none of it for AVX-512; that was seen on one processor only. Threads are held to one,
for a helper's share would not be counted. Counts do depend on the compiler and on the versions of
what lies below, which the baseline names: with another compiler, Cython or Python nothing is
compared, and with another processor, NumPy, SciPy or scikit-learn the steps of an updater alone,
which are fastlr's own code.

Callgrind counts, told when by requests from within: imports and warm-up are neither counted nor
slowed. It takes half a minute of processor time.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASELINE = Path(__file__).with_name("instructions.json")
ALLOWED = 1.05
REPEATS = 5, 40  # of fits, of short calls; the least counts, for memory lies elsewhere each time
OWN = "AdamW, step"  # how the names of calls begin that end in fastlr's own code
BUILD = ("machine", "compiler", "cython", "python")

# Valgrind's client requests on x86-64: rotations that come to nothing, and an exchange of a
# register with itself, which its translator takes for a call with what rax points to.
REQUEST = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
ZERO, TOGGLE, DUMP, START = (0x43540000 + k for k in (1, 2, 3, 4))


def cases() -> dict[str, Any]:
    """Return what is counted: names to calls."""
    import warnings

    import numpy as np

    from bench.workloads.images import blobs, digits
    from bench.workloads.sparse_rows import text
    from fastlr import Adam, AdamW, LinearClassifier, MLPClassifier

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
            (32,),
            optimizer=Adam(lr=2e-3),  # the default would be searched for
            batch_size=32,
            max_epochs=1,
            random_state=0,
            n_threads=1,
        )
        return model.fit(data.X, data.y)

    online = LinearClassifier(schedule=None, random_state=0)
    online.partial_fit(dense.X, dense.y, classes=np.arange(10))
    row, label = dense.X[:1], dense.y[:1]
    return {
        f"{OWN} of 10,000": lambda: large_step.step(large),
        f"{OWN} of 100": lambda: small_step.step(small),
        f"{OWN} of 10,000, clipped, scheduled": lambda: clipped.step(large),
        "LinearClassifier, fit of one epoch, 1,000 x 200": lambda: linear(dense),
        "LinearClassifier, fit of one epoch, sparse": lambda: linear(words),
        "MLPClassifier, fit of one epoch, digits": lambda: network(numbers),
        "partial_fit of one row": lambda: online.partial_fit(row, label),
        "predict of one row": lambda: online.predict(row),
    }


def call_all() -> None:
    """Make each call, and have its instructions dumped; this is what runs under callgrind."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(REQUEST)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    ask = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(address)
    words = ctypes.c_size_t * 6
    start, zero, toggle = (words(code) for code in (START, ZERO, TOGGLE))
    calls = cases()
    for work in calls.values():
        for _ in range(2):  # whatever is made once is made by now
            work()
    gc.collect()
    gc.disable()
    ask(start)
    for name, work in calls.items():
        label = ctypes.create_string_buffer(name.encode())
        dump = words(DUMP, ctypes.addressof(label))
        for _ in range(REPEATS["epoch" not in name]):
            ask(zero)
            ask(toggle)
            work()
            ask(toggle)
            ask(dump)


def count() -> dict[str, int]:
    """Make the calls under callgrind, and return the instructions of each."""
    fixed = {
        "FASTLR_ISA": "avx2",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell",
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                "--instr-atstart=no",
                "--collect-atstart=no",
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
        totals = sorted(total(file.read_text()) for file in Path(folder).glob("out.*"))
    return dict(reversed(totals))  # the least of each name is the last to be taken


def total(dump: str) -> tuple[str, int]:
    """Return the name of a call and its instructions, from what callgrind wrote."""
    name = re.search(r"^desc: Trigger: Client Request: (.*)$", dump, re.M)
    instructions = re.search(r"^(?:totals|summary): (\d+)", dump, re.M)
    if name is None or instructions is None:
        sys.exit(f"callgrind wrote what is not understood:\n{dump[:500]}")
    return name[1], int(instructions[1])


def versions() -> dict[str, str]:
    """Return what counts depend on: how the kernels were built, and what lies below."""
    sys.path.insert(0, str(ROOT))
    from bench.machine import about
    from fastlr.kernels.ahead import _cpu  # type: ignore[attr-defined]

    text = Path(_cpu.__file__).read_bytes()
    compiler = re.search(rb"(GCC: \([^)]*\) [\d.]+|clang version [\d.]+)", text)
    cython = re.search(rb"_cython_(\d+(?:_\w+)*)", text)
    return {
        "machine": platform.machine(),
        "compiler": compiler[1].decode() if compiler else "unknown",
        "cython": cython[1].decode().replace("_", ".") if cython else "unknown",
        "python": platform.python_version(),
        "processor": about()["cpu"],
        **{name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }


def comparable(before: dict[str, str], now: dict[str, str], names: Iterable[str]) -> list[str]:
    """Return which of the calls in the baseline can be compared between two sets of versions."""
    if any(before.get(part) != now[part] for part in BUILD):
        return []
    return [name for name in names if before == now or name.startswith(OWN)]


def faults(before: dict[str, int], found: dict[str, int], names: Iterable[str]) -> list[str]:
    """Return what is wrong with the calls named: missing, or grown by more than is allowed."""
    wrong = []
    for name in names:
        if name not in found:
            wrong.append(f"{name}: in the baseline, but not counted")
        elif found[name] > ALLOWED * before[name]:
            wrong.append(
                f"{name}: {found[name]:,} instructions, {found[name] / before[name] - 1:.1%} more "
                f"than {before[name]:,}"
            )
    return wrong


def main() -> int:
    """Count, compare, and write if asked; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make the counts the baseline")
    parser.add_argument("--call", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        call_all()
        return 0
    if shutil.which("valgrind") is None or platform.machine() != "x86_64":
        print("Skipped: counting needs valgrind (apt-get install valgrind) on x86-64.")
        return 0
    now, found = versions(), count()
    if options.write:
        BASELINE.write_text(json.dumps({"taken with": now, "counts": found}, indent=1) + "\n")
    baseline = json.loads(BASELINE.read_text())
    then, before = baseline["taken with"], baseline["counts"]
    names = comparable(then, now, before)
    print(f"{'instructions':>14} {'of baseline':>12}")
    for name, instructions in found.items():
        share = f"{instructions / before[name]:.4f}" if name in names else "-"
        print(f"{instructions:14,} {share:>12}  {name}")
    differing = [f"{k} {now[k]} (baseline {then.get(k)})" for k in now if now[k] != then.get(k)]
    if differing:
        print(f"\nOther versions: {', '.join(differing)}.")
        print(f"Compared: {f'the calls of {OWN!r} alone' if names else 'nothing'}.")
    wrong = faults(before, found, names)
    print("".join(f"\nGrown: {fault}" for fault in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
