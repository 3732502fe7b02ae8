"""Peak memory of `fit` above the data themselves, beside scikit-learn, each in its own process.

    python bench/memory.py [--rows 60000]

The data are made first (float32; dense 784 features, or CSR with 40 values in each row of 30,000
features), a tiny fit brings in code and libraries, the kernel's peak mark is reset, and then the
fit is run. Linux only: the mark is ``VmHWM`` of ``/proc/self/status``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
from interleave import report

FEATURES, WIDE, STORED = 784, 30_000, 40


def dense(rows: int, seed: int = 0):
    """Return rows of noise about ten centres, float32."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, rows)
    X = rng.standard_normal((rows, FEATURES), dtype=np.float32)
    X += rng.standard_normal((10, FEATURES), dtype=np.float32)[y] * np.float32(0.2)
    return X, y


def sparse(rows: int, seed: int = 0):
    """Return a CSR matrix with `STORED` values in a row, and ten classes."""
    from scipy.sparse import csr_array

    rng = np.random.default_rng(seed)
    columns = rng.integers(0, WIDE, (rows, STORED), dtype=np.int32)
    columns.sort(axis=1)
    values = rng.random(rows * STORED, dtype=np.float32)
    starts = np.arange(0, rows * STORED + 1, STORED, dtype=np.int32)
    return csr_array((values, columns.ravel(), starts), (rows, WIDE)), rng.integers(0, 10, rows)


def models():
    """Return what is measured: name to kind of data and a function that makes the estimator."""
    import sklearn.linear_model as linear
    import sklearn.neural_network as network

    import fastlr

    return {
        "fastlr.LinearClassifier": ("dense", lambda: fastlr.LinearClassifier(max_epochs=2)),
        "SGDClassifier": (
            "dense",
            lambda: linear.SGDClassifier(loss="log_loss", max_iter=2, tol=None),
        ),
        "LogisticRegression": ("dense", lambda: linear.LogisticRegression(max_iter=2)),
        "fastlr.LinearRegressor": ("dense", lambda: fastlr.LinearRegressor(max_epochs=2)),
        "SGDRegressor": ("dense", lambda: linear.SGDRegressor(max_iter=2, tol=None)),
        "fastlr.MLPClassifier": ("dense", lambda: fastlr.MLPClassifier((128,), max_epochs=1)),
        "MLPClassifier": ("dense", lambda: network.MLPClassifier((128,), max_iter=1)),
        "fastlr.LinearClassifier, CSR": ("CSR", lambda: fastlr.LinearClassifier(max_epochs=2)),
        "SGDClassifier, CSR": (
            "CSR",
            lambda: linear.SGDClassifier(loss="log_loss", max_iter=2, tol=None),
        ),
    }


def status(field: str) -> int:
    """Return a field of the process's status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(ln.split()[1]) * 1024 for ln in lines if ln.startswith(field + ":"))


def measure(name: str, rows: int) -> None:
    """Print bytes of the data, and bytes of the peak above what was there before the fit."""
    warnings.simplefilter("ignore")
    kind, make = models()[name]
    data = dense if kind == "dense" else sparse
    X, y = data(rows)
    make().fit(*data(300, seed=1))
    size = X.nbytes if kind == "dense" else X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    make().fit(X, y)
    print(size, status("VmHWM") - before)


def main() -> None:
    """Measure everything, each in a fresh process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        measure(args.only, args.rows)
        return
    if not Path("/proc/self/clear_refs").exists():
        sys.exit("bench/memory.py needs /proc, which only Linux has")
    table = []
    for name, (kind, _) in models().items():
        done = subprocess.run(
            [sys.executable, __file__, "--only", name, "--rows", str(args.rows)],
            capture_output=True,
            text=True,
            check=True,
        )
        size, peak = map(int, done.stdout.split()[-2:])
        table.append(
            {
                "fit": name,
                "data": f"{kind}, {size / 1e6:.0f} MB",
                "peak above it, MB": f"{peak / 1e6:.1f}",
                "share of the data": f"{peak / size:.1%}",
            }
        )
    report(f"Peak memory of fit, {args.rows:,} rows", table, "memory")


if __name__ == "__main__":
    main()
