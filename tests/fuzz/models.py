"""Hostile calls of estimators: constructors, `fit`, `partial_fit`, `fit_stream`, predictions."""

import functools
import pickle

import numpy as np

import fastlr
from fastlr.losses import LOSSES
from tests.fuzz.bits import bits_of, refused
from tests.fuzz.hostile import SCALARS, Choices, Recipe, recipe
from tests.fuzz.updaters import NAMES

KINDS = ("LinearClassifier", "LinearRegressor", "MLPClassifier", "MLPRegressor")
BASE = {"max_epochs": 2, "random_state": 0, "lr": 0.01, "schedule": None}
FIELDS = {
    kind: sorted(set(getattr(fastlr, kind)().get_params(deep=False)) - {"verbose"})
    for kind in KINDS
}
SLOW = {"max_epochs", "hidden_layer_sizes"}  # whose large values are no error, but take long
HELD_OUT = {"early_stopping": True, "validation_fraction": 0.3}
USUAL = (
    *({"standardize": False}, {"standardize": True}, {"batch_size": 3}, {"batch_size": 1}),
    *({"clip_norm": 0.1}, {"warm_start": True}, HELD_OUT),
    *({"alpha": 0.1}, {"shuffle": False}, {"schedule": "onecycle"}, {"tol": 1e-3}),
    *({"n_threads": 2}, {"reference_batch_size": 4}, {"lr": "auto", "max_epochs": 1}),
)
CALLS = (
    *("fit", "partial_fit", "partial_fit", "fit_stream", "predict", "predict_proba"),
    *("decision_function", "score", "learn_one", "learn_one", "learn_many", "predict_one"),
    *("predict_proba_one", "decision_one"),
)
OF_CLASSIFIERS = {"predict_proba", "decision_function", "predict_proba_one", "decision_one"}
LEARNS = {"fit", "partial_fit", "fit_stream", "learn_one", "learn_many"}
LABELS = (
    *(["a", "b"], [0, 1], [0, 1, 2], [1], [], [True, False], ["0", "1"], [0.5, 1.5], [None, 1]),
    *([float("nan"), 1.0], [-1, 1], [2**63, 1], [10**30, 1], [[0, 1], [1, 0]], "ab", 3),
)


def settings_of(choose, kind):
    given = dict(BASE, optimizer=choose.of(NAMES) if choose.rarely() else "adamw")
    for _ in range(choose.of([0, 1, 2])):
        given.update(choose.of(USUAL))
    if choose.rarely(5) and "Regressor" in kind:
        given["loss"] = choose.of(sorted(LOSSES))
    if kind.startswith("MLP"):
        given["hidden_layer_sizes"] = choose.of([(4,), (3, 2), ()])
    return {name: value for name, value in given.items() if name in FIELDS[kind]}


def odd_setting(choose, kind):
    """Choose a parameter that is set to something odd once the model has learned."""
    if not choose.rarely():
        return {}
    name = choose.of(FIELDS[kind])
    return {name: choose.of([s for s in SCALARS if not (name in SLOW and _is_large(s))])}


def _is_large(value):
    return isinstance(value, (int, range)) and not isinstance(value, bool) and value != 1


def targets(choose, rows):
    """Choose labels or targets: two classes, numbers, or something odd."""
    what = choose.of(range(10))
    if what <= 6:
        return "labels", choose.of([2, 2, 3]), rows
    if what <= 7:
        return "labels of", choose.of(range(len(LABELS))), rows
    return "array", recipe(choose, (rows,)), rows


def target_values(drawn):
    kind, value, rows = drawn
    if kind == "labels":
        return np.arange(rows) % value
    if kind == "array":
        return value.build()
    labels = LABELS[value]
    return labels if not isinstance(labels, list) or not labels else (labels * rows)[:rows]


def chunk(choose):
    rows = choose.of([1, 2, 0, 30]) if choose.rarely() else 8
    weights = recipe(choose, (rows,)) if choose.rarely(3) else None
    return recipe(choose, (rows, 3)), targets(choose, rows), weights


def chunk_arrays(drawn):
    X, y, weights = drawn
    if weights is not None:
        weights = weights.build()
        if isinstance(weights, np.ndarray) and weights.dtype.kind == "f" and drawn[2].seed:
            weights = np.abs(weights)
    return X.build(), target_values(y), weights


def single_row(choose):
    """Choose one row: numbers, an array, or indices and values."""
    form = choose.of(["array", "array", "pairs", "scalar"])
    if form == "scalar":
        return form, choose.of(SCALARS), None
    if form == "array":
        return form, recipe(choose, (3,)), None
    indices = choose.of([[0, 2], [2, 0], [1, 1], [], [3], [-1], [0.0, 1.0], [2**63], "x", [[0]]])
    return form, indices, recipe(choose, (len(indices),))


def row_of(drawn):
    form, first, second = drawn
    if form == "pairs":
        return first, second.build()
    return first.build() if form == "array" else first


def case(spelled):
    """Return the arguments of a case that bytes spell."""
    choose = Choices(spelled)
    kind = choose.of(KINDS)
    calls = [c for c in CALLS if not ("Regressor" in kind and c in OF_CLASSIFIERS)]
    call = choose.of(calls)
    prior = choose.of(["none", "fit", "partial_fit", "stream", "pickle", "sparse"])
    chunks = [chunk(choose) for _ in range(choose.of([1, 2]) if call == "fit_stream" else 1)]
    if call.endswith("_one"):
        label = choose.of([1, 0, 2, "a", 0.5, *SCALARS])
        chunks = single_row(choose), label, choose.of(SCALARS) if choose.rarely() else 1.0
    settings = settings_of(choose, kind), odd_setting(choose, kind)
    classes = choose.of(LABELS) if choose.rarely() else [0, 1]
    extra = ()
    if choose.rarely(5):
        names = ["total_rows", "n_chunks", "X_val", "weights"]
        extra = choose.of(names), choose.of(SCALARS)
    return kind, prior, settings, call, chunks, classes, extra


def prepared(kind, prior, settings):
    """Return an estimator that has learned something before, as `prior` says."""
    model = getattr(fastlr, kind)(**settings)
    if prior == "none":
        return model
    X = Recipe((8, 3), layout="csr" if prior == "sparse" else "C", seed=5).build()
    y = np.arange(8) % 2
    if prior in ("partial_fit", "sparse"):
        classes = {"classes": [0, 1]} if "Classifier" in kind else {}
        model.partial_fit(X, y, **classes).partial_fit(X, y)
    elif prior == "stream":
        model.fit_stream([(X, y)] * 2, **({"classes": [0, 1]} if "Classifier" in kind else {}))
    else:
        model.fit(X, y)
    return pickle.loads(pickle.dumps(model)) if prior == "pickle" else model


def bound_call(model, call, given, classes, extra):
    """Return the call to make, and what it is made with."""
    if call.endswith("_one"):
        x, act = row_of(given[0]), getattr(model.online(), call)
        return functools.partial(act, x, *(given[1:] if call == "learn_one" else ())), x
    arrays = [chunk_arrays(chunk) for chunk in given]
    if call == "learn_many":
        return functools.partial(model.online().learn_many, *arrays[0]), arrays
    X, y, weights = arrays[0]
    method = getattr(model, call)
    if call in ("predict", "predict_proba", "decision_function"):
        return functools.partial(method, X), arrays
    if call == "score":
        return functools.partial(method, X, y), arrays
    options = {}
    if "Classifier" in type(model).__name__ and call != "fit":
        options["classes"] = classes
    if call == "fit_stream":
        if extra and extra[0] in ("total_rows", "n_chunks"):
            options[extra[0]] = extra[1]
        parts = [chunk if chunk[2] is not None else chunk[:2] for chunk in arrays]
        return functools.partial(method, parts, **options), arrays
    if extra and extra[0] == "X_val" and call == "fit":
        options |= {"X_val": X, "y_val": extra[1] if extra[1] is not None else y}
    if extra and extra[0] == "weights":
        weights = extra[1]
    return functools.partial(method, X, y, weights, **options), arrays


def check(asked):
    """Call an estimator; whatever is refused leaves it and its arguments as they were."""
    kind, prior, settings, call, given, classes, extra = asked
    made = []
    if refused(lambda: made.append(prepared(kind, prior, settings[0]))):
        return "refused settings"
    model = made[0].set_params(**settings[1])
    if call.startswith("predict_proba") and not hasattr(model, "predict_proba"):
        return "no probabilities"
    if prior == "none" and (call.endswith("_one") or call == "learn_many"):
        assert refused(model.online)
        return "refused online"
    act, arrays = bound_call(model, call, given, classes, extra)
    before, given_before = bits_of(model), bits_of(arrays)
    was_refused = refused(act)
    assert bits_of(arrays) == given_before, f"{call} wrote to its arguments"
    learns = call in LEARNS
    if (was_refused and not (call == "fit_stream" and len(given) > 1)) or not learns:
        what = "was refused" if was_refused else "only looks"
        assert bits_of(model) == before, f"{call}, which {what}, changed the model"
    return call if not was_refused else f"refused {call}"
