"""ONNX graphs return what the fitted model returns, in the precision that they are fed."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import fastlr.onnx
from fastlr import SGD, LinearClassifier

skl2onnx = pytest.importorskip("skl2onnx", reason="needs skl2onnx: pip install 'fastlr[onnx]'")
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
        "except ImportError as error: assert \"pip install 'fastlr[onnx]'\" in str(error)\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
