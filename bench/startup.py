"""What starting costs: import beside scikit-learn's, and the first step.

    python bench/startup.py

Each figure is the median over fresh processes, measured inside each of them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from interleave import report

BASE = "import sklearn.linear_model, numpy"
CLOCK = "import time; t = time.perf_counter()"
TELL = "print((time.perf_counter() - t) * 1e3)"

CASES = {
    "import sklearn.linear_model, numpy": f"{CLOCK}; {BASE}; {TELL}",
    "then import fastlr": f"{BASE}; {CLOCK}; import fastlr; {TELL}",
    "then from fastlr import LinearClassifier, AdamW": (
        f"{BASE}; {CLOCK}; from fastlr import LinearClassifier, AdamW; {TELL}"
    ),
    "bind, after import": (
        "import numpy; from fastlr import AdamW; p = numpy.zeros(1000, 'f4'); "
        f"{CLOCK}; u = AdamW().bind(p); {TELL}"
    ),
    "first step, after bind": (
        "import numpy; from fastlr import AdamW; p = numpy.zeros(1000, 'f4'); u = AdamW().bind(p); "
        f"g = p.copy(); {CLOCK}; u.step(g); {TELL}"
    ),
    "first fit of LinearClassifier (150 x 4), after import": (
        "import numpy as np; from sklearn.datasets import load_iris; "
        "from fastlr import LinearClassifier; X, y = load_iris(return_X_y=True); "
        f"{CLOCK}; LinearClassifier(random_state=0).fit(X, y); {TELL}"
    ),
}


def main() -> None:
    """Measure and print."""
    rows = []
    # As an installed package has it: without bytecode, compiling the sources is what is timed.
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for name, code in CASES.items():
        times = []
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=clean)
        for _ in range(11):
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean
            )
            times.append(float(done.stdout.split()[-1]))
        low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
        rows.append({"what": name, "ms": f"{middle:.2f}", "quartiles": f"{low:.2f}-{high:.2f}"})
    report("Starting up", rows, "startup")


if __name__ == "__main__":
    main()
