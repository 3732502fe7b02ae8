"""fastlr.compat beside the scikit-learn classes that it stands for: the same fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..measure import peers
from ..measure.plan import Plan
from ..measure.record import Record

SGD = {"tol": None, "max_iter": 2}
Case = tuple[str, str, np.ndarray, np.ndarray, dict[str, Any]]


def cases(quick: bool) -> list[Case]:
    """Return what is fitted: title, class, rows, targets, parameters."""
    from ..workloads.images import digits

    few = 50 if quick else 1
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(20_000 // few, 784))
    labels = (wide @ rng.normal(size=(784, 10))).argmax(axis=1)
    narrow = rng.normal(size=(50_000 // few, 20))
    number = narrow @ rng.normal(size=20)
    data = digits()
    X, y = data.X.astype(np.float64), data.y
    wide32 = wide.astype(np.float32)
    ten = {"max_iter": 10}
    small = ten | {"hidden_layer_sizes": (32,), "batch_size": 32}
    large = {"max_iter": 2, "hidden_layer_sizes": (128,)}
    weighed = SGD | {"class_weight": "balanced"}
    large_of, small_of = f"{len(wide):,} x 784", f"{len(narrow):,} x 20"
    return [
        (f"{large_of}, 10 classes", "SGDClassifier", wide, labels, SGD),
        ("the same, float32", "SGDClassifier", wide32, labels, SGD),
        ("the same, float32, L1", "SGDClassifier", wide32, labels, SGD | {"penalty": "l1"}),
        ("the same, float32, class weights", "SGDClassifier", wide32, labels, weighed),
        (f"{large_of}, 2 classes", "SGDClassifier", wide, labels > 4, SGD),
        (f"{small_of}, 2 classes", "SGDClassifier", narrow, number > 0, SGD),
        (small_of, "SGDRegressor", narrow, number, SGD),
        ("digits, 64-100-10", "MLPClassifier", X, y, ten),
        ("digits, 64-32-10, batches of 32", "MLPClassifier", X, y, small),
        (f"{large_of} float32, 784-128-10", "MLPClassifier", wide32, labels, large),
        ("digits as numbers, SGD", "MLPRegressor", X, y / 9, ten | {"solver": "sgd"}),
    ]


def run(plan: Plan) -> list[Record]:
    """Fit both in turn, with the same parameters."""
    from sklearn import linear_model, neural_network

    from fastlr import compat

    found = []
    with peers.threads(1):
        for title, name, X, y, params in cases(plan.quick):
            theirs = getattr(linear_model, name, None) or getattr(neural_network, name)
            models = {"fastlr.compat": getattr(compat, name), "scikit-learn": theirs}
            calls = {
                who: lambda cls=cls: cls(random_state=0, **params).fit(X, y)  # noqa: B023
                for who, cls in models.items()
            }
            found += plan.time("compat", f"{name}: {title}", calls, 5, 0.0, 2.0, rewarm=False)
            plan.say(f"compat: {name}, {title}")
    return found
