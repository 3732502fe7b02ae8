"""Sparse rows, made to be like text (tf-idf) and like advertisements (hashed categories)."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .data import Data, parts


def text(
    rows: int, features: int = 30_000, topics: int = 50, words: int = 43, seed: int = 0
) -> Data:
    """Return tf-idf rows and their topics, float32.

    Every topic prefers other words, frequent ones and rare ones alike; a document has `words` of
    them, most of which differ, and is of unit length. A twentieth of the topics is wrong, and a
    fifth of the documents is held out.

    Examples
    --------
    >>> text(100, features=50, topics=3).X.shape
    (80, 50)
    """
    rng = np.random.default_rng(seed)
    common = 1 / (np.arange(features) + 10.0)
    y = rng.integers(0, topics, rows)
    index = np.empty((rows, words), np.int64)
    for topic in range(topics):
        share = np.cumsum(common * np.exp(0.8 * rng.standard_normal(features)))
        mine = np.flatnonzero(y == topic)
        index[mine] = np.searchsorted(share / share[-1], rng.random((len(mine), words)))
    index = rng.permutation(features)[index.clip(0, features - 1)]
    wrong = rng.random(rows) < 0.05
    y[wrong] = rng.integers(0, topics, wrong.sum())
    X = _csr(np.ones(rows * words, np.float32), index, features)
    X.sum_duplicates()
    document = np.repeat(np.arange(rows), np.diff(X.indptr))
    found = np.bincount(X.indices, minlength=features)
    X.data *= (np.log((1 + rows) / (1 + found)) + 1).astype(np.float32)[X.indices]
    length = np.sqrt(np.bincount(document, X.data.astype(np.float64) ** 2, minlength=rows))
    X.data /= length.astype(np.float32)[document]
    return parts(f"text, {rows:,} x {features:,}, {topics} topics", X, y)


def ads(rows: int, features: int = 100_000, fields: int = 32, seed: int = 0) -> Data:
    """Return rows of hashed categories, and which were clicked, a rare class; float32."""
    rng = np.random.default_rng(seed)
    weight = 0.5 * rng.standard_normal(features)
    index = np.empty((rows, fields), np.int64)
    for field in range(fields):
        # Each has a few categories that are frequent, and many that are not.
        kinds = int(10 ** rng.uniform(0.5, 4.5))
        rank = np.floor(kinds ** rng.random(rows)).astype(np.int64) - 1
        index[:, field] = (rank * 2_654_435_761 + field * 40_503) % features
    score = weight[index].sum(axis=1)
    y = (score - np.quantile(score, 0.9) > rng.logistic(size=rows)).astype(np.int64)
    X = _csr(np.ones(rows * fields, np.float32), index, features)
    return parts(f"ads, {rows:,} x {features:,}, 2 classes", X, y)


def wide(rows: int, features: int = 30_000, stored: int = 40, seed: int = 0) -> Data:
    """Return rows of `stored` random values in random columns, and ten classes of no meaning."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, features, (rows, stored))
    index.sort(axis=1)
    X = _csr(rng.random(rows * stored, dtype=np.float32), index, features)
    return Data("CSR", X, rng.integers(0, 10, rows), X[:0], np.zeros(0, np.int64))


def _csr(values: np.ndarray, index: np.ndarray, features: int) -> sparse.csr_array:
    rows, stored = index.shape
    starts = np.arange(0, rows * stored + 1, stored, dtype=np.int32)
    return sparse.csr_array((values, index.ravel().astype(np.int32), starts), (rows, features))
