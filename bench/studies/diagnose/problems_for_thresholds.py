"""More data sets that thresholds of `fastlr.diagnose` are set on, made to be unlike each other.

Some are noise for the most part, so that networks too settle far above a loss of zero; some are
rare, sparse, skewed or correlated; some need many epochs. None is among those it is tested on.
"""

from __future__ import annotations

import numpy as np
from sklearn import datasets


def made_for_tuning(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return rows and targets by name."""
    rng = np.random.default_rng(seed + 7)
    d = datasets
    made = {
        "rare": d.make_classification(
            1600, 15, n_informative=5, weights=[0.9], class_sep=0.8, random_state=seed
        ),
        "flips": d.make_classification(
            1000, 10, n_informative=6, n_classes=4, flip_y=0.3, random_state=seed
        ),
        "noisy moons": d.make_moons(1600, noise=0.6, random_state=seed),
    }
    X = rng.lognormal(size=(rng.integers(400, 1500), 8))
    made["lognormal"] = X, np.log(X[:, :3].sum(axis=1)) + 0.3 * rng.standard_normal(len(X))
    X = rng.uniform(-1, 1, (900, 5))
    made["xor"] = X, ((X[:, 0] * X[:, 1] > 0) ^ (rng.random(900) < 0.05)).astype(int)
    steps = [0.0, 0.0]
    for shock in rng.standard_normal(998):
        steps.append(1.5 * steps[-1] - 0.8 * steps[-2] + shock)
    X = np.lib.stride_tricks.sliding_window_view(np.array(steps), 10)
    made["series"] = X[:, :9], X[:, 9]
    X = (rng.random((900, 60)) < 0.1).astype(float)
    scores = 2 * X @ rng.standard_normal((60, 3))
    made["sparse"] = X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    X = rng.standard_normal((700, 6))
    signal = X[:, 0] ** 2 - X[:, 1] * X[:, 2] + X[:, 3]
    made["polynomial"] = X, signal + 0.5 * rng.standard_normal(700)
    X = rng.standard_normal((1200, 6))
    left, right = np.where(X[:, 2] > -0.3, -1, 0), np.where(X[:, 1] > 0.5, 3, 1)
    made["tree"] = X, np.where(X[:, 0] > 0, right, left) + 0.3 * rng.standard_normal(1200)
    X = rng.standard_normal((800, 40)) @ rng.standard_normal((40, 40))
    made["correlated"] = X, (X[:, :3].sum(axis=1) + 4 * rng.standard_normal(800) > 0).astype(int)
    y = np.repeat(np.arange(10), 200)
    made["ten gaussians"] = (
        rng.standard_normal((2000, 10)) + 1.7 * rng.standard_normal((10, 10))[y],
        y,
    )
    X = rng.uniform(0, 1, (500, 2))
    made["checkers"] = X, (3 * X).astype(int).sum(axis=1) % 2
    X = rng.standard_normal((600, 20))
    made["few signals"] = X, X[:, 0] + rng.standard_t(3, 600)
    X = rng.uniform(-2, 2, (1500, 2))
    made["noisy waves"] = X, X[:, 0] + np.sin(2 * X[:, 1]) + rng.standard_normal(1500)
    X = rng.standard_normal((1600, 4))
    made["flipped"] = X, ((X[:, 0] + X[:, 1] ** 2 > 0.7) ^ (rng.random(1600) < 0.2)).astype(int)
    return made
