"""LinearRegressor beside SGDRegressor, both with their defaults, on data as they come.

    python bench/regression.py [--rows 20000] [--rounds 3]

Nothing is scaled beforehand. `Ridge`, which solves the problem directly, says what R2 there is to
have; a last contender is SGDRegressor behind a StandardScaler for features and targets, which is
what its users are told to do. R2 is of rows that were not trained on.
"""

from __future__ import annotations

import argparse
import functools
import warnings

import numpy as np
from interleave import interleave, report
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, make_friedman2
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import LinearRegressor


def prices(rng, n):
    """Return houses: income, age, rooms, people, latitude, longitude, and prices in dollars."""
    X = np.column_stack(
        [
            rng.lognormal(1.2, 0.45, n),
            rng.integers(1, 52, n),
            rng.lognormal(1.6, 0.3, n),
            rng.lognormal(7, 0.7, n),
            rng.uniform(32, 42, n),
            rng.uniform(-124, -114, n),
        ]
    )
    y = X @ [0.4, 0.01, 0.0, -3e-5, -0.4, -0.4] + 0.6 * rng.standard_t(3, n)
    return X, 1e5 * (y - y.min())


def millions(rng, n):
    """Return features and targets around three million."""
    X = 1e6 * rng.standard_normal((n, 10)) + 3e6
    return X, X @ rng.uniform(0.5, 2.0, 10) + 1e6 * rng.standard_normal(n)


def lognormal(rng, n):
    """Return features with a very long tail."""
    X = np.exp(2 * rng.standard_normal((n, 10)))
    return X, X @ rng.uniform(0.5, 2.0, 10) + 5 * rng.standard_t(3, n)


SETS = {
    "diabetes, unscaled": lambda rng, n: load_diabetes(return_X_y=True, scaled=False),
    "friedman2": lambda rng, n: make_friedman2(n, noise=100, random_state=0),
    "prices in dollars": prices,
    "millions": millions,
    "lognormal": lognormal,
}


def scaled_sgd():
    """Return SGDRegressor as its documentation wants it."""
    model = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
    return TransformedTargetRegressor(model, transformer=StandardScaler())


CONTENDERS = {
    "LinearRegressor()": lambda: LinearRegressor(random_state=0),
    "SGDRegressor()": lambda: SGDRegressor(random_state=0),
    "SGDRegressor, all scaled": scaled_sgd,
    "Ridge()": Ridge,
}


def fit(build, X, y):
    return build().fit(X, y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the made-up sets")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # SGDRegressor does not converge
    rows = []
    for name, make in SETS.items():
        X, y = make(np.random.default_rng(0), given.rows)
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
        times = interleave(
            {
                contender: functools.partial(fit, build, X_train, y_train)
                for contender, build in CONTENDERS.items()
            },
            rounds=given.rounds,
        )
        for contender, build in CONTENDERS.items():
            score = fit(build, X_train, y_train).score(X_test, y_test)
            rows.append(
                {
                    "data": name,
                    "contender": contender,
                    "seconds": f"{times[contender]['median']:.3g}",
                    "test R2": f"{score:.3g}",
                }
            )
    report("Regression on data as they come, default settings", rows, "regression")


if __name__ == "__main__":
    main()
