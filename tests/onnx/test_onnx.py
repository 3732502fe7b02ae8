"""ONNX graphs return what the fitted model returns, in the precision that they are fed."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import fastlr.onnx
from fastlr import SGD, LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor, compat
from fastlr.losses import LOSSES, LogLoss
from fastlr.training.mlp.activations import ACTIVATIONS

skl2onnx = pytest.importorskip("skl2onnx", reason="needs pip install 'fastlr-optim[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

X, SPECIES = load_iris(return_X_y=True)
X = X[:, [0, 2, 1, 3]] - X.mean(axis=0)
TARGETS = {
    "int": SPECIES * 3 - 1,
    "str": np.array(["setosa", "versicolor", "virginica"])[SPECIES],
    "float": SPECIES.astype(float),
    "bool": SPECIES == 1,
    "two ints": np.where(SPECIES == 2, 7, -7),
    "two objects": np.array(["yes", "no"], dtype=object)[(SPECIES == 0).astype(int)],
}
ROUNDING = {"float32": 2e-6, "float64": 1e-13}


@pytest.fixture(autouse=True, scope="module")
def _registered():
    fastlr.onnx.register()
    fastlr.onnx.register()  # harmless


def serve(model, rows, **options):
    graph = skl2onnx.to_onnx(model, rows[:1], options={id(model): {"zipmap": False, **options}})
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": rows})


def assert_same(model, rows):
    label, probability = serve(model, rows)
    assert probability.dtype == rows.dtype
    np.testing.assert_allclose(
        probability, model.predict_proba(rows), rtol=0, atol=ROUNDING[str(rows.dtype)]
    )
    assert label.tolist() == model.predict(rows).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_labels_and_probabilities_in_both_precisions(target, dtype):
    model = LinearClassifier(SGD(momentum=0.8), max_epochs=3, random_state=0)
    assert_same(model.fit(X, TARGETS[target]), X.astype(dtype))


@pytest.mark.parametrize("target", ["str", "bool"])
def test_raw_scores(target):
    model = LinearClassifier(random_state=0).fit(X, TARGETS[target])
    scores = serve(model, X, raw_scores=True)[1]
    expected = model.decision_function(X)
    if expected.ndim == 1:
        expected = np.column_stack([-expected, expected])
    np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-12)


MARGINS = sorted(name for name, loss in LOSSES.items() if loss.task == "margin")
NUMBERS = sorted(name for name, loss in LOSSES.items() if loss.task != "margin")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
@pytest.mark.parametrize("target", ["int", "bool"])
@pytest.mark.parametrize("loss", MARGINS)
def test_every_loss_of_classifiers(loss, target, multi_class, dtype):
    model = LinearClassifier(loss=loss, multi_class=multi_class, max_epochs=3, random_state=0)
    model.fit(X, TARGETS[target])
    rows = (5 * X).astype(dtype)  # some far out, where modified Huber's probabilities are zero
    if hasattr(model, "predict_proba"):
        assert_same(model, rows)
    else:
        label, scores = serve(model, rows)
        expected = model.decision_function(rows)
        if expected.ndim == 1:
            expected = np.column_stack([-expected, expected])
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)
        assert label.tolist() == model.predict(rows).tolist()


def test_rows_that_no_class_claims_are_shared_equally():
    model = LinearClassifier(loss="modified_huber", multi_class="ovr", random_state=0)
    model.fit(X, SPECIES)
    model.intercept_ = model.intercept_ - 100
    assert_same(model, X[:3])
    assert model.predict_proba(X[:3])[0, 0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber", "hinge"])
def test_multilabel(loss):
    Y = np.column_stack([SPECIES == 0, X[:, 0] > 0]).astype(int)
    model = LinearClassifier(loss=loss, max_epochs=3, random_state=0).fit(X, Y)
    label, values = serve(model, X)
    np.testing.assert_array_equal(label, model.predict(X))
    score = model.predict_proba if hasattr(model, "predict_proba") else model.decision_function
    np.testing.assert_allclose(values, score(X), rtol=1e-12, atol=1e-12)


def test_a_probability_written_in_python_is_refused_by_name():
    class Own(LogLoss):
        """A user's."""

    model = LinearClassifier(loss=Own(), max_epochs=1, multi_class="ovr").fit(X, SPECIES)
    with pytest.raises(ValueError, match="no ONNX form of the probability of Own"):
        serve(model, X)
    np.testing.assert_allclose(serve(model, X, raw_scores=True)[1], model.decision_function(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("loss", NUMBERS)
def test_regressors(loss, outputs, dtype):
    rows, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y, y[::-1] + 1, y**1.1])[:, :outputs]
    model = LinearRegressor(loss=loss, max_epochs=3, random_state=0)
    model.fit(rows, y[:, 0] if outputs == 1 else y)
    rows = rows.astype(dtype)
    graph = skl2onnx.to_onnx(model, rows[:1])
    (numbers,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": rows})
    assert numbers.dtype == dtype
    expected = model.predict(rows).reshape(len(rows), outputs)
    np.testing.assert_allclose(numbers, expected, rtol=ROUNDING[dtype], atol=0)


# The error function is there in float32 alone.
PRECISE = {"float32": 5e-6, "float64": 1e-12}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_perceptrons(activation, dtype):
    tolerance = 5e-6 if activation == "gelu" else PRECISE[dtype]
    rows = X.astype(dtype)
    model = MLPClassifier((9, 7), activation, max_epochs=3, random_state=0)
    model.fit(3 * X, TARGETS["str"])
    label, probability = serve(model, rows)
    assert probability.dtype == dtype
    np.testing.assert_allclose(probability, model.predict_proba(rows), rtol=0, atol=tolerance)
    assert label.tolist() == model.predict(rows).tolist()
    numbers = MLPRegressor((9, 7), activation, loss="poisson", max_epochs=3, random_state=0)
    numbers.fit(X, SPECIES)
    graph = skl2onnx.to_onnx(numbers, rows[:1])
    (served,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": rows})
    np.testing.assert_allclose(served[:, 0], numbers.predict(rows), rtol=4 * tolerance)


@pytest.mark.parametrize("target", ["bool", "multilabel"])
def test_perceptrons_with_logistic_outputs_and_an_activation_for_each_layer(target):
    y = TARGETS["bool"] if target == "bool" else np.column_stack([SPECIES == 0, X[:, 0] > 0])
    model = MLPClassifier((5, 4), ["tanh", "silu"], dropout=0.1, max_epochs=3, random_state=0)
    model.fit(X, y if target == "bool" else y.astype(int))
    label, probability = serve(model, X)
    np.testing.assert_allclose(probability, model.predict_proba(X), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(label, model.predict(X))


def test_regressors_of_several_numbers_and_unscaled_features():
    rows, y = load_diabetes(return_X_y=True)
    rows = rows * np.logspace(-2, 3, 10) + 50
    y = np.column_stack([y, -y])
    model = MLPRegressor((6,), max_epochs=3, random_state=0).fit(rows, y)
    graph = skl2onnx.to_onnx(model, rows[:1])
    (served,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": rows})
    np.testing.assert_allclose(served, model.predict(rows), rtol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", compat.__all__)
def test_models_of_fastlr_compat_are_converted_as_scikit_learns(name):
    model = getattr(compat, name)(random_state=0)
    rows = X.astype(np.float32)
    if name == "SGDClassifier":
        model.set_params(loss="log_loss")
    model.fit(X, SPECIES)
    if "Classifier" in name:
        label, probability = serve(model, rows)
        np.testing.assert_allclose(probability, model.predict_proba(rows), atol=2e-6)
        assert label.tolist() == model.predict(rows).tolist()
    else:
        graph = skl2onnx.to_onnx(model, rows[:1])
        (served,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": rows})
        np.testing.assert_allclose(served[:, 0], model.predict(rows), atol=2e-6)


def test_a_model_without_intercept():
    model = LinearClassifier(fit_intercept=False, random_state=0).fit(X, SPECIES)
    assert_same(model, X.astype(np.float32))


def test_zero_scores_get_the_same_label():
    model = LinearClassifier(max_epochs=1, standardize=False, random_state=0)
    for target in ("bool", "int"):
        model.fit(X, TARGETS[target])
        model.coef_ *= 0
        model.intercept_ *= 0
        assert_same(model, X[:3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inside_a_pipeline_with_columns_and_a_search(dtype):
    columns = ColumnTransformer([("a", StandardScaler(), [0, 3]), ("b", MinMaxScaler(), [1, 2])])
    pipeline = make_pipeline(columns, LinearClassifier(random_state=0))
    pipeline.fit(X, TARGETS["str"])
    # skl2onnx keeps the constants of scalers in float32 at most
    label, probability = serve(pipeline, X.astype(dtype))
    assert label.tolist() == pipeline.predict(X.astype(dtype)).tolist()
    np.testing.assert_allclose(probability, pipeline.predict_proba(X.astype(dtype)), atol=2e-6)
    search = GridSearchCV(LinearClassifier(random_state=0), {"lr": [0.01, 0.1]}, cv=2)
    label, probability = serve(search.fit(X, SPECIES), X.astype(dtype))
    assert label.tolist() == search.predict(X.astype(dtype)).tolist()


def test_integer_rows_are_read_as_float32():
    rows = np.arange(12).reshape(3, 4)
    model = LinearClassifier(random_state=0).fit(X, SPECIES)
    label, probability = serve(model, rows)
    assert probability.dtype == np.float32
    np.testing.assert_allclose(probability, model.predict_proba(rows), atol=2e-6)
    assert label.tolist() == model.predict(rows).tolist()


def test_without_skl2onnx_the_message_says_what_to_install():
    code = (
        "import sys; sys.modules['skl2onnx'] = None\n"
        "import fastlr.onnx\n"
        "try: fastlr.onnx.register()\n"
        "except ImportError as error: assert \"pip install 'fastlr-optim[onnx]'\" in str(error)\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
