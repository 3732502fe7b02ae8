"""Linear models of sparse rows: LinearClassifier beside LinearSVC and SGDClassifier.

    python bench/sparse.py [--rounds 3] [--skip-slow] [--rows 50000] [--ad-rows 1000000]

Text: 50,000 documents of 50 topics over 30,000 words, some 40 different ones in a document, tf-idf
of unit length, float32; every topic prefers other words, frequent ones and rare ones alike, and a
twentieth of the topics is wrong. A fifth of the documents is held out. Ads: a million rows with 32
hashed categories each, of 100,000 features, two classes of which one is rare; float32.

On text SGDClassifier takes five epochs (``max_iter=5, tol=None``), fastlr two to reach its
accuracy, or four to reach that of LinearSVC, which converts rows to float64. On ads fastlr takes
one epoch, SGDClassifier one and ten. All use one thread. Every test score is taken from a timed
model.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from interleave import report
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from fastlr import SGD, Adagrad, LinearClassifier


def text(rows, features=30_000, topics=50, words=43, seed=0):
    """Return tf-idf rows and their topics."""
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
    starts = np.arange(0, rows * words + 1, words, dtype=np.int32)
    X = sparse.csr_array(
        (np.ones(rows * words, np.float32), index.ravel().astype(np.int32), starts)
    )
    X.resize(rows, features)
    X.sum_duplicates()
    document = np.repeat(np.arange(rows), np.diff(X.indptr))
    found = np.bincount(X.indices, minlength=features)
    X.data *= (np.log((1 + rows) / (1 + found)) + 1).astype(np.float32)[X.indices]
    length = np.sqrt(np.bincount(document, X.data.astype(np.float64) ** 2, minlength=rows))
    X.data /= length.astype(np.float32)[document]
    return halves(X, y)


def ads(rows, features=100_000, fields=32, seed=0):
    """Return rows of hashed categories, and which were clicked."""
    rng = np.random.default_rng(seed)
    weight = 0.5 * rng.standard_normal(features)
    index = np.empty((rows, fields), np.int32)
    for field in range(
        fields
    ):  # each with a few categories that are frequent, and many that are not
        kinds = int(10 ** rng.uniform(0.5, 4.5))
        rank = np.floor(kinds ** rng.random(rows)).astype(np.int64) - 1
        index[:, field] = (rank * 2_654_435_761 + field * 40_503) % features
    score = weight[index].sum(axis=1)
    y = (score - np.quantile(score, 0.9) > rng.logistic(size=rows)).astype(np.int64)
    starts = np.arange(0, rows * fields + 1, fields, dtype=np.int32)
    X = sparse.csr_array((np.ones(rows * fields, np.float32), index.ravel(), starts))
    X.resize(rows, features)
    return halves(X, y)


def halves(X, y):
    """Return rows to train on, and a fifth to test with."""
    cut = X.shape[0] * 4 // 5
    return X[:cut], y[:cut], X[cut:], y[cut:]


def fastlr_squared_hinge():
    """Return a model of text that learns what LinearSVC learns."""
    return LinearClassifier(
        SGD(lr=2.0),
        loss="squared_hinge",
        multi_class="ovr",
        penalty="l2",
        alpha=3e-6,
        batch_size=16,
        max_epochs=4,
        random_state=0,
    )


def fastlr_log_loss():
    """Return a model of text that gives probabilities."""
    return LinearClassifier(Adagrad(lr=0.15), batch_size=16, max_epochs=2, random_state=0)


def fastlr_ads():
    """Return a model of ads."""
    return LinearClassifier(Adagrad(lr=0.2), batch_size=256, max_epochs=1, random_state=0)


def sgd_text(loss):
    """Return what fits text with SGDClassifier."""
    return lambda: SGDClassifier(loss=loss, max_iter=5, tol=None, random_state=0)


def sgd_ads(epochs):
    """Return what fits ads with SGDClassifier, decay weaker for more rows than its default is."""
    return lambda: SGDClassifier(
        loss="log_loss", alpha=1e-6, max_iter=epochs, tol=None, random_state=0
    )


def race(contenders, data, rounds):
    """Fit every model, turn and turn about; return times and models by name."""
    X, y, _, _ = data
    times = {name: [] for name in contenders}
    models = {}
    for turn in range(rounds):
        for name, (make, repeats, rounds_of_it) in contenders.items():
            for _ in range(repeats if turn < rounds_of_it else 0):
                model = make()
                time.sleep(0.01)
                start = time.perf_counter()
                models[name] = model.fit(X, y)
                times[name].append(time.perf_counter() - start)
    return times, models


def table(title, contenders, data, rounds, name, probabilities):
    """Race, and print."""
    times, models = race(contenders, data, rounds)
    X, _, X_test, y_test = data
    mine = float(np.median(next(iter(times.values()))))
    rows = []
    for label, model in models.items():
        median = float(np.median(times[label]))
        row = {
            "model": label,
            "fit s": f"{median:.3f}",
            "spread": f"{min(times[label]):.3f}-{max(times[label]):.3f}",
            "of fastlr's time": f"{median / mine:.1f}",
            "test accuracy": f"{model.score(X_test, y_test):.4f}",
        }
        if probabilities:
            row["test log-loss"] = f"{log_loss(y_test, model.predict_proba(X_test)):.4f}"
        rows.append(row)
    report(f"{title}, {X.nnz / X.shape[0]:.1f} entries a row, threads: 1", rows, name)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=50_000, help="documents")
    parser.add_argument("--ad-rows", type=int, default=1_000_000)
    parser.add_argument("--skip-slow", action="store_true", help="leave LinearSVC out")
    options = parser.parse_args()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        data = text(options.rows)
        contenders = {
            "fastlr LinearClassifier(log_loss)": (fastlr_log_loss, 3, 99),
            "fastlr LinearClassifier(squared_hinge, ovr)": (fastlr_squared_hinge, 3, 99),
            "SGDClassifier(max_iter=5)": (sgd_text("hinge"), 1, 99),
            "SGDClassifier(log_loss, max_iter=5)": (sgd_text("log_loss"), 1, 99),
        }
        if not options.skip_slow:
            contenders["LinearSVC()"] = (lambda: LinearSVC(random_state=0), 1, 1)
        title = f"Text, {data[0].shape[0]:,} x {data[0].shape[1]:,} float32, 50 classes"
        table(title, contenders, data, options.rounds, "sparse_text", False)
        data = ads(options.ad_rows)
        contenders = {
            "fastlr LinearClassifier(log_loss)": (fastlr_ads, 2, 99),
            "SGDClassifier(log_loss, max_iter=1)": (sgd_ads(1), 1, 99),
            "SGDClassifier(log_loss, max_iter=10)": (sgd_ads(10), 1, 1),
        }
        title = f"Ads, {data[0].shape[0]:,} x {data[0].shape[1]:,} float32, 2 classes"
        table(title, contenders, data, options.rounds, "sparse_ads", True)


if __name__ == "__main__":
    main()
