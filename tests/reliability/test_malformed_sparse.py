"""Sparse matrices whose indices lie are refused before anything reads through them."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix, csr_matrix

from fastlr.core.check_sparse import check_sparse
from tests.reliability.crashes import run_apart

BROKEN = """
def good(dense):
    rng = np.random.RandomState(0)
    return csr_matrix(rng.rand(40, 30) * (rng.rand(40, 30) < (0.9 if dense else 0.2)))

def broken(X, how):
    X = X.copy()
    if how == "above":
        X.indices[5] = 10**6
    elif how == "far above":
        X.indices[5] = 2**31 - 1
    elif how == "negative":
        X.indices[5] = -7
    elif how == "falling":
        X.indptr[1], X.indptr[2] = X.indptr[2], X.indptr[1] - 2
    elif how == "end":
        X.indptr[-1] += 10**6
    elif how == "start":
        X.indptr[0] = -10**6
    elif how == "short":
        X.indptr = X.indptr[:-5]
    return X

HOWS = ("above", "far above", "negative", "falling", "end", "start", "short")

def refused(call, how):
    try:
        call()
    except ValueError as error:
        assert "indices" in str(error) or "indptr" in str(error), (how, error)
    else:
        raise AssertionError(how)
"""


@pytest.mark.parametrize("dense", [True, False])
def test_models_refuse_them_everywhere(dense):
    printed = run_apart(
        BROKEN
        + f"""
import os, resource
if "libasan" not in os.environ.get("LD_PRELOAD", ""):  # which maps terabytes
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # counting up to an index takes more
X, y = good({dense}), np.arange(40) % 3
for kind in (LinearClassifier, MLPClassifier, LinearRegressor, MLPRegressor):
    for standardize in (True, False, "auto"):
        model = kind(max_epochs=2, random_state=0, standardize=standardize)
        fitted = kind(max_epochs=2, random_state=0, standardize=standardize).fit(X, y)
        online = kind(random_state=0, standardize=standardize)
        kw = dict(classes=range(3)) if "Classifier" in kind.__name__ else dict()
        online.partial_fit(X, y, **kw)
        of_dense = kind(max_epochs=2, random_state=0, standardize=standardize).fit(X.toarray(), y)
        for how in HOWS:
            for make in (csr_matrix, csc_matrix):
                bad = broken(make(X), how)
                before = online.predict(X)
                refused(lambda: model.fit(bad, y), how)
                refused(lambda: kind().partial_fit(bad, y, **kw), how)
                refused(lambda: kind().fit_stream([(bad, y)], **kw), how)
                for each in (fitted, online, of_dense):
                    refused(lambda: each.predict(bad), how)
                    refused(lambda: each.partial_fit(bad, y), how)
                refused(lambda: model.fit(X, y, X_val=bad, y_val=y), how)
                assert (online.predict(X) == before).all()
print("done")
"""
    )
    assert printed == "done"


def test_classes_of_scikit_learn_and_sweeps_refuse_them():
    """scikit-learn's own loops and products follow any index."""
    printed = run_apart(
        BROKEN
        + """
import fastlr.tuning
from fastlr import compat
X, y = good(False), np.arange(40) % 2
for kind in (compat.SGDClassifier, compat.SGDRegressor, compat.MLPClassifier, compat.MLPRegressor):
    fitted = kind(max_iter=3, random_state=0).fit(X, y)
    before = fitted.predict(X)
    for how in HOWS:
        for make in (csr_matrix, csc_matrix):
            bad = broken(make(X), how)
            refused(lambda: fitted.predict(bad), how)
            refused(lambda: fitted.score(bad, y), how)
            refused(lambda: fitted.partial_fit(bad, y), how)
            refused(lambda: kind(max_iter=3).fit(bad, y), how)
    assert (fitted.predict(X) == before).all()
for how in HOWS:
    for make in (csr_matrix, csc_matrix):
        model = LinearClassifier(max_epochs=1)
        bad = broken(make(X), how)
        refused(lambda: fastlr.tuning.sweep(model, bad, y, [0.1, 0.2], cv=2), how)
        refused(lambda: fastlr.find_lr(model, bad, y), how)
print("done")
"""
    )
    assert printed == "done"


def test_malformed_multilabel_targets_are_refused():
    printed = run_apart(
        BROKEN
        + """
Y = csr_matrix(np.eye(40, 30))
for how in HOWS:
    for kind in (LinearClassifier, MLPClassifier):
        refused(lambda: kind(max_epochs=1).fit(np.ones((40, 2)), broken(Y, how)), how)
print("done")
"""
    )
    assert printed == "done"


def test_malformed_sparse_coefficients_are_refused():
    """`sparsify` makes `coef_` a matrix, and files may hold any."""
    printed = run_apart(
        BROKEN
        + """
X, y = good(False), np.arange(40) % 3
for how in HOWS:
    model = LinearClassifier(max_epochs=2, random_state=0).fit(X, y).sparsify()
    model.coef_ = broken(model.coef_, how)
    refused(lambda: model.predict(X), how)
    refused(lambda: model.predict(X.toarray()), how)
print("done")
"""
    )
    assert printed == "done"


@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"])
@pytest.mark.parametrize("wide", [np.int32, np.int64])
def test_sound_matrices_pass(form, wide):
    X = csr_matrix(np.eye(6, 4) + np.eye(6, 4, 2))
    X.indices, X.indptr = X.indices.astype(wide), X.indptr.astype(wide)
    check_sparse(X.asformat(form))
    check_sparse(csr_matrix((0, 4)).asformat(form))
    check_sparse(csr_matrix((3, 4)).asformat(form))


def test_coordinates_out_of_range_are_refused():
    X = coo_matrix(np.eye(3))
    X.row[1] = 3
    with pytest.raises(ValueError, match="indices within its shape"):
        check_sparse(X)


def test_entries_beyond_the_last_row_are_not_read():
    """SciPy's arrays may be longer than the matrix needs."""
    from fastlr import LinearClassifier

    X = csr_matrix(np.eye(6, 4))
    long = csr_matrix((6, 4))
    long.data = np.r_[X.data, 9.0]
    long.indices = np.r_[X.indices, 10**6].astype(np.int32)
    long.indptr = X.indptr
    y = np.arange(6) % 2
    for standardize in (True, False):
        model = LinearClassifier(max_epochs=3, random_state=0, standardize=standardize)
        coef = model.fit(X, y).coef_.copy()
        assert np.array_equal(model.fit(long, y).coef_, coef)
        assert np.array_equal(model.predict_proba(long), model.predict_proba(X))
