"""Models in files: every kind comes back with what it needs to go on, or the file is refused."""

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import fastlr.compat
from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, SavedFileError
from fastlr.losses import LOSSES
from fastlr.optimizers import OPTIMIZERS
from fastlr.schedules import SCHEDULES, MultiStep, OneCycle, Warmup, epochs
from tests.support.estimators import ALL, assert_same, data_for
from tests.updater.test_file import damages

skops_io = pytest.importorskip("skops.io")
from fastlr import load_model, save_model  # noqa: E402

X, Y = data_for(LinearClassifier)
X, Y = X[:60, :5], Y[:60]
SHORT = {"max_epochs": 2, "random_state": 0}


def models():
    """Every optimizer, schedule, loss and estimator, by what is particular to it."""
    for name in OPTIMIZERS:
        yield name, LinearClassifier(name, lr=0.01, **SHORT)
        yield f"{name} object", LinearClassifier(OPTIMIZERS[name](lr=0.01), **SHORT)
    made = [cls() for cls in SCHEDULES.values()]
    made += [MultiStep([3, epochs(1), 0.5]), OneCycle().then(Warmup(2) * 0.5, after=0.9)]
    for schedule in made:
        yield repr(schedule), LinearClassifier("sgd", lr=0.01, schedule=schedule, **SHORT)
    for name, loss in LOSSES.items():
        if loss.task == "margin":
            yield name, LinearClassifier(loss=name, lr=0.01, **SHORT)
        else:
            yield name, LinearRegressor(loss=name, lr=0.01, **SHORT)
    for cls in ALL:
        yield cls.__name__, cls(random_state=0, max_epochs=3)
    for name in fastlr.compat.__all__:
        more = {"max_iter": 3, "tol": None} if name.startswith("SGD") else {"solver": "sgd"}
        yield f"compat {name}", getattr(fastlr.compat, name)(random_state=0, **more)


@pytest.mark.filterwarnings("ignore")
def test_nothing_but_fastlr_has_to_be_trusted_and_training_goes_on(tmp_path):
    path, seen = tmp_path / "model.skops", 0
    for name, model in models():
        positive = isinstance(model, LinearRegressor)  # whose losses may want such targets
        model.fit(X, Y + positive)
        save_model(model, path)
        again = skops_io.load(path, trusted=fastlr.SKOPS_TRUSTED)
        assert_same(again, model, X)
        again = load_model(path)
        assert_same(again, model, X)
        if hasattr(model, "partial_fit"):
            for each in (model, again):
                each.partial_fit(X[:9], Y[:9] + positive)
            assert_same(again, model, X)
        assert repr(again) == repr(model), name
        seen += 1
    assert seen > 110


def test_what_surrounds_a_model_in_a_pipeline_needs_no_more_trust(tmp_path):
    rows = np.column_stack([X, np.array(list("abc"))[np.arange(60) % 3]]).astype(object)
    rows[3, 0] = np.nan
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    prepare = make_column_transformer((numbers, [0, 1, 2]), (OneHotEncoder(), [5]))
    model = make_pipeline(prepare, MLPClassifier((4,), **SHORT)).fit(rows, Y)
    save_model(model, tmp_path / "model.skops")
    assert_same(load_model(tmp_path / "model.skops"), model, rows)


def test_types_that_are_not_trusted_are_named_and_can_be(tmp_path):
    path = tmp_path / "model.skops"
    save_model(FunctionTransformer(np.linalg.norm), path)
    with pytest.raises(SavedFileError, match=r"not trusted: numpy\.linalg\.norm"):
        load_model(path)
    assert load_model(path, trusted=["numpy.linalg.norm"]).func is np.linalg.norm


def check_damages(path, n, seed=0):
    """Return how many damaged copies were refused; the others hold the same model."""
    model, data, refused = load_model(path), path.read_bytes(), 0
    for made in damages(data, n, seed):
        path.write_bytes(made)
        try:
            again = load_model(path)
        except SavedFileError:
            refused += 1
            continue
        assert_same(again, model, X)
        for name in model.get_params():
            assert repr(again.get_params()[name]) == repr(model.get_params()[name])
    path.write_bytes(data)
    assert_same(load_model(path), model, X)
    return refused


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_raise_one_error_or_hold_the_same_model(tmp_path):
    path = tmp_path / "model.skops"
    save_model(LinearClassifier(**SHORT).fit(X, Y), path)
    assert check_damages(path, 300) > 200


def test_a_file_that_is_missing_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.skops")
