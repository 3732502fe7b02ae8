"""Losses of fits at the suggestions of `find_lr`, beside those at the rate of ``lr="auto"``.

Each row is a set, a model and an optimizer: the training loss after 10 epochs at each method's
suggestion over that at "auto"'s rate, the score on a quarter of the rows, and seconds of `find_lr`
beside those of the fit with "auto". A row is worse if the loss is above by 5 % of the way from the
constant prediction's loss to the loss at "auto"'s rate.

    python -m bench.studies.find_lr     # a minute
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastlr import (
    SGD,
    AdamW,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    RMSprop,
    find_lr,
)
from fastlr.tuning.range_test import METHODS

from .report import report

OPTIMIZERS = {"SGD(momentum=0.9)": SGD(momentum=0.9), "AdamW": AdamW(), "RMSprop": RMSprop()}
WORSE = 0.05


def sets():
    """Return rows and targets by name, and whether these are classes."""
    for name in ("digits", "iris", "wine", "breast_cancer", "diabetes", "linnerud"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name, StandardScaler().fit_transform(X), y, name not in ("diabetes", "linnerud")


def compare(model, X, y):
    """Return what fits at the suggestions come to."""
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    start = time.perf_counter()
    auto = clone(model).fit(X, y)
    middle = time.perf_counter()
    tests = {"race": find_lr(model, X, y)}
    seconds = time.perf_counter() - middle
    tests["others"] = find_lr(model, X, y, method="valley")
    row = {"auto": f"{auto.lr_:.2g}"}
    history = auto.history_
    room = history["constant_loss"][0] - history["loss"][-1]
    worse = {}
    for method in METHODS:
        rate = tests["race" if method == "race" else "others"].suggestions[method]
        row[method] = f"{rate:.2g}"
        loss = np.inf
        if np.isfinite(rate):
            loss = clone(model).set_params(lr=rate).fit(X, y).history_["loss"][-1]
        worse[method] = bool(loss - history["loss"][-1] > WORSE * room)
        row[method] += " (worse)" if worse[method] else ""
    at_race = clone(model).set_params(lr=tests["race"].suggestion).fit(X, y)
    row["score"] = f"{at_race.score(X_test, y_test):.3f} / {auto.score(X_test, y_test):.3f}"
    row["seconds"] = f"{seconds:.2f} / {middle - start:.2f}"
    return row, worse


def main() -> None:
    """Measure and print."""
    rows, counts = [], dict.fromkeys(METHODS, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, X, y, classes in sets():
            for kind in ("linear", "network"):
                if kind == "linear":
                    model = LinearClassifier() if classes else LinearRegressor()
                else:
                    model = MLPClassifier((32,)) if classes else MLPRegressor((32,))
                for said, optimizer in OPTIMIZERS.items():
                    model.set_params(optimizer=optimizer, random_state=0, max_epochs=10)
                    row, worse = compare(model, X, y)
                    rows.append({"data": name, "model": kind, "optimizer": said, **row})
                    for method in METHODS:
                        counts[method] += worse[method]
    said = ", ".join(f"{name} {n}" for name, n in counts.items())
    report(f'find_lr beside lr="auto", worse of {len(rows)}: {said}', rows, "find_lr")


if __name__ == "__main__":
    main()
