"""Dense data sets: Fashion-MNIST where it is installed, digits, and made rows of any shape."""

from __future__ import annotations

import functools
import gzip
import subprocess
from pathlib import Path

import numpy as np

from .data import Data, parts

PACKAGE = "dataset-fashion-mnist"  # of Debian


@functools.cache
def fashion() -> Data | None:
    """Return Fashion-MNIST, pixels as float32 in [0, 1]; None where it is not installed."""
    try:
        listed = subprocess.run(["dpkg", "-L", PACKAGE], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    files = {Path(line).name: Path(line) for line in listed.stdout.split()}
    found = []
    for part in ("train", "t10k"):
        images = _read(files[f"{part}-images-idx3-ubyte.gz"], header=16)
        labels = _read(files[f"{part}-labels-idx1-ubyte.gz"], header=8)
        found += [images.reshape(len(labels), -1).astype(np.float32) / 255, labels.astype(np.int64)]
    return Data("Fashion-MNIST", *found)


def _read(path: Path, header: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def images(quick: bool = False) -> Data:
    """Return Fashion-MNIST, or made rows of its shape where it is not installed.

    Parameters
    ----------
    quick : bool, default=False
        Return few made rows in any case.
    """
    if quick:
        return blobs(1000, 64, 10)
    return fashion() or blobs(70_000, 784, 10)


def blobs(rows: int, features: int, classes: int, dtype: str = "float32") -> Data:
    """Return noise about as many centres as there are classes, which overlap.

    Examples
    --------
    >>> blobs(100, 5, 3).X.shape
    (80, 5)
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, rows)
    centres = rng.standard_normal((classes, features)) * (2 / np.sqrt(features))
    X = rng.standard_normal((rows, features), dtype=np.float32)
    X += centres.astype(np.float32)[y]
    return parts(f"{rows:,} x {features:,} made, {classes} classes", X.astype(dtype), y)


@functools.cache
def digits() -> Data:
    """Return scikit-learn's digits, float32 in [0, 1], in random order."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return parts("digits", (X[order] / 16).astype(np.float32), y[order].astype(np.int64), 0.25)


@functools.cache
def cancer() -> Data:
    """Return scikit-learn's breast cancer, standardised, in random order."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import StandardScaler

    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X = StandardScaler().fit_transform(X)[order].astype(np.float32)
    return parts("breast cancer", X, y[order].astype(np.int64), 0.25)
