"""Verdicts of `fastlr.diagnose` on models fed by `partial_fit`, beside what test rows say.

    python -m bench.studies.diagnose.chunks     # some minutes

Sets with signal and the same rows with random targets, linear models and networks, five optimizers,
chunks of 1, 32 and 1,000 rows, rates from far too low to far too high. What a run has learned is
said in parts of a way: a constant prediction's test score (accuracy, R2) is 0, the best score of
all rates and chunks is 1.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict

import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from bench.show.tables import markdown
from fastlr import (
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    diagnose,
)
from fastlr.diagnosis.result import VERDICTS
from fastlr.optimizers import SGD, get_optimizer

ROWS = 13_000
CHUNKS = ((1, 1000), (32, 100), (1000, 12))
FACTORS = (1e-7, 1e-4, 1e-2, 1.0, 10.0, 100.0)  # of the optimizer's default rate
OPTIMIZERS = ("adamw", SGD(momentum=0.9), "rmsprop", "adagrad", "lion")
NOTHING = 0.08  # lead of the best of 18 scores over a constant prediction that may be chance
LEARNED, LITTLE = 0.9, 0.3  # of the way, from which a run has learned, and below which it has not


def sets(seed):
    """Return rows and targets by name; those of classes are integers."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((ROWS, 20))
    rare = 2 * X[:, 0] - 4 + rng.logistic(size=ROWS) > 0
    faint = 0.35 * X[:, :3].sum(axis=1)
    square = rng.uniform(-1, 1, (ROWS, 4))
    table, numbers = datasets.load_diabetes(return_X_y=True)
    return {
        "classes": datasets.make_classification(
            ROWS, 20, n_informative=8, n_classes=3, random_state=seed
        ),
        "faint classes": (X, (faint + rng.logistic(size=ROWS) > 0).astype(int)),
        "faint numbers": (X, 0.5 * X[:, 0] + rng.standard_normal(ROWS)),
        "xor": (square, (square[:, 0] * square[:, 1] > 0).astype(int)),
        "rare": (X, rare.astype(int)),
        "diabetes": (StandardScaler().fit_transform(table), numbers),
    }


def fed(model, X, y, size, number, rng):
    """Train on chunks of rows drawn at random."""
    classes = {"classes": np.unique(y)} if y.dtype.kind == "i" else {}
    for _ in range(number):
        index = rng.integers(0, len(X), size)
        model.partial_fit(X[index], y[index], **classes)
        classes = {}
    return model


def runs(seed):
    """Yield what is known of each run."""
    rng = np.random.default_rng(seed)
    count = 0
    for name, (X, y) in sets(seed).items():
        kinds = (LinearClassifier, MLPClassifier)
        if y.dtype.kind == "f":
            kinds = (LinearRegressor, MLPRegressor)
        for random in (False, True):
            targets = rng.permutation(y) if random else y
            half = len(X) * 4 // 5
            for kind in kinds:
                for size, number in CHUNKS:
                    for factor in FACTORS:
                        count += 1
                        optimizer = get_optimizer(OPTIMIZERS[(7 * count + seed) % 5])
                        model = kind(optimizer=optimizer, random_state=count)
                        model.set_params(lr="auto" if factor == 1 else optimizer.lr * factor)
                        if "hidden_layer_sizes" in model.get_params():
                            model.set_params(hidden_layer_sizes=(16,))
                        fed(model, X[:half], targets[:half], size, number, rng)
                        try:
                            score = model.score(X[half:], targets[half:])
                        except ValueError:  # predictions overflow
                            score = -np.inf
                        base = np.bincount(y).max() / len(y) if y.dtype.kind == "i" else 0.0
                        yield {
                            "group": (name, kind, random),
                            "size": size,
                            "factor": factor,
                            "gain": score - base,
                            "verdict": diagnose(model).verdict,
                        }


def truth(run, best):
    """Return in words what test rows say of a run."""
    if run["group"][2] or best < NOTHING:
        return "no signal"
    way = run["gain"] / best
    learned = "learned" if way > LEARNED else "in part" if way > LITTLE else "not learned"
    rate = "too low" if run["factor"] < 1 else "default" if run["factor"] == 1 else "high"
    return f"{learned}, rate {rate}"


def main() -> None:
    """Make the runs and print the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(runs(0))
    best: dict = defaultdict(float)
    for run in found:
        best[run["group"]] = max(best[run["group"]], run["gain"])
    counts: dict[str, Counter] = defaultdict(Counter)
    for run in found:
        counts[truth(run, best[run["group"]])][run["verdict"]] += 1
    rows = [
        {"truth": name} | {verdict: str(counts[name][verdict] or "") for verdict in VERDICTS}
        for name in sorted(counts)
    ]
    print(f"{len(found)} runs\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()
