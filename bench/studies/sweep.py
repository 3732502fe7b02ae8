"""`sweep` beside GridSearchCV(n_jobs=-1): 16 rates, 5 folds, the same estimator and folds.

The first table has seconds of both, and the score that the grid gives to the rate that the sweep
found, beside the grid's best and its standard error over the folds. It is a miss if it falls short
by more than 0.2 points and by more than one standard error. Processor time is that of all threads
and worker processes: on a machine that does other work too it says more than seconds. The second
table has milliseconds of an epoch of one of 16 linear models, side by side over each mini-batch and
one model after the other.

    python -m bench.studies.sweep                 # both tables
    python -m bench.studies.sweep --rounds 1 --data digits
    python -m bench.studies.sweep --only engines
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from bench.measure.timing import interleave
from bench.workloads.images import fashion
from fastlr import SGD, AdamW, LinearClassifier, LinearRegressor, MLPClassifier
from fastlr.training import Arena, LinearEpoch, run_side_by_side
from fastlr.tuning import log_grid, sweep

from .report import report

RATES = log_grid(1e-5, 10, 16)


def processor_seconds():
    """Return the time that this process and its workers have spent on processors so far."""
    total = time.process_time()
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def problems():
    """Return (data, model, X, y) of each row."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    C, c = load_breast_cancer(return_X_y=True)
    D, d = load_diabetes(return_X_y=True)
    sgd = SGD(momentum=0.9)
    found = [
        ("digits", LinearClassifier(random_state=0), X, y),
        ("digits", LinearClassifier(sgd, schedule="cosine", random_state=0), X, y),
        ("digits", MLPClassifier((100,), random_state=0), X, y),
        ("breast_cancer", LinearClassifier(random_state=0), scale(C), c),
        ("diabetes", LinearRegressor(random_state=0), scale(D), d),
    ]
    data = fashion()
    if data is None:
        print("Fashion-MNIST is not installed: apt-get install dataset-fashion-mnist")
        return found
    F, f = data.X[:10_000], data.y[:10_000]
    return [
        *found,
        ("Fashion-MNIST, 10,000", LinearClassifier(random_state=0), F, f),
        ("Fashion-MNIST, 10,000", LinearClassifier(sgd, random_state=0), F, f),
        ("Fashion-MNIST, 2,000", MLPClassifier((64,), random_state=0), F[:2000], f[:2000]),
    ]


def searches(rounds, wanted):
    """Print the first table."""
    rows = []
    for data, model, X, y in problems():
        if wanted and not any(data.startswith(name) for name in wanted):
            continue
        grid = GridSearchCV(model, {"lr": RATES}, n_jobs=-1, cv=5, refit=False)
        seconds: dict[str, list[float]] = {"grid": [], "sweep": [], "whole": []}
        spent: dict[str, list[float]] = {name: [] for name in seconds}
        contenders = {
            "grid": lambda g=grid, a=X, b=y: g.fit(a, b),
            "sweep": lambda m=model, a=X, b=y: sweep(m, a, b, RATES),
            "whole": lambda m=model, a=X, b=y: sweep(m, a, b, RATES, halving=False),
        }
        found = {}
        GridSearchCV(model, {"lr": RATES[:2]}, n_jobs=-1, cv=2).fit(X[::4], y[::4])  # start workers
        for _ in range(rounds):
            for name, call in contenders.items():
                start, on_cpu = time.perf_counter(), processor_seconds()
                found[name] = call()
                seconds[name].append(time.perf_counter() - start)
                spent[name].append(processor_seconds() - on_cpu)
        grid_s, sweep_s, whole_s = (float(np.median(each)) for each in seconds.values())
        grid_cpu, sweep_cpu, _ = (float(np.median(each)) for each in spent.values())
        scores = grid.cv_results_["mean_test_score"]
        best = int(np.nanargmax(scores))
        of_folds = [grid.cv_results_[f"split{k}_test_score"][best] for k in range(5)]
        error = float(np.std(of_folds, ddof=1) / np.sqrt(5))
        score = scores[RATES.index(found["sweep"].best_lr)]
        rows.append(
            {
                "data": data,
                "model": f"{type(model).__name__}, {type(model._resolve_optimizer()).__name__}",
                "grid s": f"{grid_s:.2f}",
                "sweep s": f"{sweep_s:.3f}",
                "times faster": f"{grid_s / sweep_s:.1f}",
                "grid CPU s": f"{grid_cpu:.2f}",
                "sweep CPU s": f"{sweep_cpu:.3f}",
                "times less CPU": f"{grid_cpu / sweep_cpu:.1f}",
                "without halving": f"{grid_s / whole_s:.1f}",
                "grid's rate": f"{RATES[best]:.3g}",
                "sweep's rate": f"{found['sweep'].best_lr:.3g}",
                "grid's best score": f"{scores[best]:.4f} +- {error:.4f}",
                "score at sweep's rate": f"{score:.4f}",
                "miss": "yes" if scores[best] - score > max(0.002, error) else "",
            }
        )
        print(rows[-1], flush=True)
    report("16 rates, 5 folds: sweep beside GridSearchCV(n_jobs=-1)", rows, "sweep")


def engines(rounds):
    """Print the second table."""
    rows = []
    rng = np.random.default_rng(0)
    shapes = ((1437, 64, 11), (8000, 784, 62), (48_000, 784, 128), (100_000, 54, 128))
    for n, features, size in shapes:
        for outputs in (1, 10):
            X = rng.standard_normal((n, features)).astype(np.float32)
            y = rng.integers(0, max(outputs, 2), n)
            order = rng.permutation(n)
            form = "ovr" if outputs == 1 else "softmax"
            models = []
            for k in range(16):
                arena = Arena({"coef": (outputs, features), "intercept": (outputs,)}, "float32")
                updater = AdamW(lr=1e-4 * (k + 1)).bind(arena.param)
                models.append(LinearEpoch(arena, updater, "log_loss", form))

            def apart(models=models, X=X, y=y, order=order, size=size):
                for model in models:
                    model.run(X, y, None, order, size)

            def together(models=models, X=X, y=y, order=order, size=size):
                run_side_by_side(models, X, y, None, order, size)

            times = interleave({"apart": apart, "together": together}, rounds)
            one, other = (times[name].median * 1e3 / 16 for name in ("apart", "together"))
            rows.append(
                {
                    "rows": f"{n:,}",
                    "features": features,
                    "outputs": outputs,
                    "batch": size,
                    "one after the other, ms": f"{one:.3f}",
                    "side by side, ms": f"{other:.3f}",
                    "times faster": f"{one / other:.2f}",
                }
            )
    report("Epoch of one of 16 linear models, float32", rows, "side_by_side")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", nargs="*", default=())
    parser.add_argument("--only", choices=("searches", "engines"))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.only != "engines":
        searches(args.rounds, args.data)
    if args.only != "searches":
        engines(args.rounds)


if __name__ == "__main__":
    main()
