"""Goes on learning with many models from more of the same rows, and prints how far scores fall.

    python tests/reliability/online_matrix.py [updates] [chunk ...]

For every loss with the default optimizer, and every named optimizer with the default loss, of
each estimator: fit, go on with chunks of 1, 32 and 1,000 rows, and compare the lowest test score
with the one before. The suite runs a short form of it (tests/estimators/test_online.py).
"""

from __future__ import annotations

import sys
import warnings

import numpy as np

from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from fastlr.losses import LOSSES
from fastlr.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4000, 6))
SCORE = X @ [1.0, 2.0, -1.0, 0.5, 0.0, 0.3]
KINDS = {
    LinearClassifier: (SCORE + 0.5 * RNG.standard_normal(4000) > 0).astype(int),
    MLPClassifier: (SCORE + 0.5 * RNG.standard_normal(4000) > 0).astype(int),
    LinearRegressor: np.exp(0.3 * SCORE) + 0.1 * RNG.random(4000),
    MLPRegressor: np.exp(0.3 * SCORE) + 0.1 * RNG.random(4000),
}


def fall(model, y, updates, chunk):
    """Return the test score of a fitted model, and how far it falls at most."""
    before, worst, rng = model.score(X[2000:], y[2000:]), np.inf, np.random.default_rng(1)
    for k in range(updates):
        rows = rng.integers(2000, size=chunk)
        model.partial_fit(X[rows], y[rows])
        if k % max(updates // 100, 1) == 0:
            worst = min(worst, model.score(X[2000:], y[2000:]))
    return before, before - worst


def cases():
    """Yield models to look at."""
    for cls in KINDS:
        for name in sorted(OPTIMIZERS):
            yield cls, {"optimizer": name}
        for name in sorted(LOSSES) if cls in (LinearClassifier, LinearRegressor) else ():
            yield cls, {"loss": name}


def main():
    """Print a line for each case, and how many fall by more than a point."""
    numbers = [int(a) for a in sys.argv[1:]] or [10_000, 1, 32, 1000]
    updates, chunks = numbers[0], numbers[1:] or [1, 32, 1000]
    fallen = total = 0
    for cls, options in cases():
        y = KINDS[cls]
        for chunk in chunks:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    model = cls(random_state=0, max_epochs=5, **options).fit(X[:2000], y[:2000])
                except (TypeError, ValueError):  # a loss of the other kind
                    break
                before, lower = fall(model, y, updates, chunk)
            total += 1
            fallen += not lower <= 0.01
            mark = "  FALLS" if not lower <= 0.01 else ""
            print(f"{cls.__name__} {options} {chunk}: {before:.4f} {-lower:+.4f}{mark}", flush=True)
    print(f"{fallen} of {total} fall by more than a point")


if __name__ == "__main__":
    main()
