"""Data sets for `bench.studies.diagnose`: those for thresholds are in no other split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

from .problems_for_thresholds import made_for_tuning


@dataclass
class Problem:
    """Rows to train on, to validate on, and to know the truth from."""

    name: str
    train: tuple[np.ndarray, np.ndarray]
    val: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    classes: bool

    @property
    def held_out(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all rows not trained on."""
        both = zip(self.val, self.test, strict=True)
        X, y = (np.concatenate(parts) for parts in both)
        return X, y


def problems(split: str, seed: int) -> list[Problem]:
    """Return the problems of a split; only "tune" has data sets of its own."""
    d = datasets
    if split == "tune":
        made = {
            "wine": d.load_wine(return_X_y=True),
            "diabetes": d.load_diabetes(return_X_y=True),
            "digits": d.load_digits(return_X_y=True),
            "breast cancer": d.load_breast_cancer(return_X_y=True),
            "iris": d.load_iris(return_X_y=True),
            "classification": d.make_classification(900, 20, n_informative=8, random_state=seed),
            "blobs": d.make_blobs(800, 6, centers=5, cluster_std=3.0, random_state=seed),
            "friedman1": d.make_friedman1(700, noise=1.0, random_state=seed),
            "friedman2": d.make_friedman2(800, noise=50.0, random_state=seed),
            "friedman3": d.make_friedman3(800, noise=0.1, random_state=seed),
            "regression": d.make_regression(600, 30, noise=20.0, random_state=seed),
            "circles": d.make_circles(900, noise=0.15, factor=0.5, random_state=seed),
            "moons": d.make_moons(900, noise=0.2, random_state=seed),
            "hastie": d.make_hastie_10_2(1500, random_state=seed),
            "quantiles": d.make_gaussian_quantiles(
                n_samples=1000, n_features=4, n_classes=3, random_state=seed
            ),
            "uncorrelated": d.make_sparse_uncorrelated(800, 20, random_state=seed),
            **made_for_tuning(seed),
        }
    else:
        made = {
            "which photograph": patches(seed, classes=True),
            "next pixel": patches(seed, classes=False),
            "swiss roll": d.make_swiss_roll(900, noise=0.5, random_state=seed),
            "s curve": d.make_s_curve(800, noise=0.1, random_state=seed),
            "spirals": spirals(seed),
            "counts": counts(seed),
            "sine": sine(seed),
            "seven classes": d.make_classification(
                1400, 12, n_informative=6, n_classes=7, n_clusters_per_class=1, random_state=seed
            ),
            "wide": d.make_classification(700, 100, n_informative=10, random_state=seed),
            "low rank": d.make_regression(
                700, 40, n_informative=20, effective_rank=8, noise=2.0, random_state=seed
            ),
        }
    return [cut(name, X, y, seed) for name, (X, y) in made.items()]


def patches(seed: int, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return patches of scikit-learn's two photographs: which one they are of, or a pixel."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for number, image in enumerate(datasets.load_sample_images().images):
        grey = image.mean(axis=2)
        for row, column in zip(*(rng.integers(0, n - 9, 500) for n in grey.shape), strict=True):
            patch = grey[row : row + 7, column : column + 7].ravel()
            X.append(patch if classes else patch[:-1])
            y.append(number if classes else patch[-1])
    return np.array(X), np.array(y)


def spirals(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two arms that turn about each other."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 900)
    turn = rng.uniform(0.5, 3.5, 900)
    angle = turn + np.pi * y
    X = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return X + 0.2 * rng.standard_normal(X.shape), y


def counts(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of forty words in texts on three subjects."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 900)
    rates = rng.gamma(0.7, 1.0, (3, 40))
    return rng.poisson(rates[y]).astype(float), y


def sine(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy waves over three features."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (900, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.2 * rng.standard_normal(900)


def cut(name: str, X: np.ndarray, y: np.ndarray, seed: int, rows: int | None = None) -> Problem:
    """Cut a data set into three; `rows` are trained on, half of them by default."""
    classes = len(np.unique(y)) < 20
    y = np.unique(y, return_inverse=True)[1] if classes else y.astype(float)
    both = y if classes else None
    X, rest, y, y_rest = train_test_split(
        X, y, train_size=rows or 0.5, stratify=both, random_state=seed
    )
    both = y_rest if classes else None
    val, test, y_val, y_test = train_test_split(
        rest, y_rest, train_size=0.4, stratify=both, random_state=seed
    )
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    deviation[deviation == 0] = 1.0
    X, val, test = ((part - mean) / deviation for part in (X, val, test))
    return Problem(name, (X, y), (val, y_val), (test, y_test), classes)
