"""scikit-learn's classes take what scikit-learn's own take, in any order and layout."""

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fastlr import compat

X = np.random.RandomState(0).rand(60, 5)
Y = np.arange(60) % 2
LABELS = np.c_[Y, 1 - Y, X[:, 0] > 0.5].astype(int)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_multilabel_targets_in_any_layout():
    pandas = pytest.importorskip("pandas")
    expected = compat.MLPClassifier(max_iter=3, random_state=0).fit(X, LABELS).predict_proba(X)
    for given in (np.asfortranarray(LABELS), pandas.DataFrame(LABELS)):
        model = compat.MLPClassifier(max_iter=3, random_state=0).fit(X, given)
        assert np.array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("kind", [compat.MLPClassifier, compat.MLPRegressor])
def test_partial_fit_goes_on_over_dense_and_sparse_rows(kind):
    first = {"classes": [0, 1]} if kind is compat.MLPClassifier else {}
    dense = kind(random_state=0).partial_fit(X, Y, **first)
    mixed = kind(random_state=0).partial_fit(X, Y, **first)
    for _ in range(2):
        dense.partial_fit(X, Y)
        mixed.partial_fit(csr_matrix(X), Y)
    assert np.array_equal(mixed.coefs_[0], dense.coefs_[0])
    sparse_first = kind(random_state=0).partial_fit(csr_matrix(X), Y, **first)
    sparse_first.partial_fit(X, Y).partial_fit(csr_matrix(X), Y)
    assert sparse_first.t_ == 180


@pytest.mark.parametrize("kind", [compat.MLPClassifier, compat.MLPRegressor])
@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float64", "float32")])
def test_partial_fit_goes_on_in_the_precision_of_the_first_call(kind, dtypes):
    first = {"classes": [0, 1]} if kind is compat.MLPClassifier else {}
    model = kind(random_state=0).partial_fit(X.astype(dtypes[0]), Y, **first)
    model.partial_fit(X.astype(dtypes[1]), Y)
    assert model.coefs_[0].dtype == dtypes[0]
    assert np.isfinite(model.coefs_[0]).all()


@pytest.mark.parametrize("kind", [compat.SGDClassifier, compat.SGDRegressor])
def test_rows_that_are_not_aligned(kind):
    room = np.zeros(X.nbytes + 1, np.uint8)
    odd = room[1:].view(np.float64).reshape(X.shape)
    odd[:] = X
    assert not odd.flags.aligned
    model = kind(random_state=0).fit(odd, Y)
    assert np.array_equal(model.coef_, kind(random_state=0).fit(X, Y).coef_)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("rows", [X, csr_matrix(X)], ids=["dense", "sparse"])
@pytest.mark.parametrize("kind", [compat.SGDClassifier, compat.SGDRegressor])
def test_learning_goes_on_from_a_file_mapped_to_memory(kind, rows, average, tmp_path):
    """scikit-learn's loop writes to weights without asking whether it may."""
    first = {"classes": [0, 1]} if kind is compat.SGDClassifier else {}
    model = kind(random_state=0, average=average).partial_fit(rows, Y, **first)
    joblib.dump(model, tmp_path / "model")
    mapped = joblib.load(tmp_path / "model", mmap_mode="r")
    assert not mapped.coef_.flags.writeable
    saved = (tmp_path / "model").read_bytes()
    mapped.partial_fit(rows, Y)
    model.partial_fit(rows, Y)
    assert np.array_equal(mapped.coef_, model.coef_)
    assert (tmp_path / "model").read_bytes() == saved
