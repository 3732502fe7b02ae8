"""Arguments of a sweep: checked, and cut into candidates and folds."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state, indexable

from ..core.check_sparse import check_sparse
from ..core.hyper import check_number
from ..core.sklearn_versions import rows_of
from ..estimators.facts import estimator_facts
from ..estimators.fitting.fit import GradientEstimator
from ..estimators.search.candidates import Part
from ..estimators.search.restarted import FoldOfRestarts, fold_of
from ..optimizers import get_optimizer
from ..rates.grids import log_grid

N_RATES = 16  # that are tried by default, over two decades to both sides of the usual one


class Grid(NamedTuple):
    """The candidates."""

    lr: np.ndarray
    weight_decay: np.ndarray
    settings: list[dict[str, Any]]  # constructor parameters of the fastlr estimator


class Parts(NamedTuple):
    """An estimator taken apart."""

    before: Any  # steps of a Pipeline before the last, or None
    last: GradientEstimator  # the fastlr estimator, a copy with a seed that is a number
    prefix: str  # of its parameters in the whole


def take_apart(estimator: Any, random_state: Any) -> Parts:
    """Return the parts of an estimator."""
    from sklearn.pipeline import Pipeline

    before, prefix, last = None, "", estimator
    if isinstance(estimator, Pipeline):
        prefix, last = f"{estimator.steps[-1][0]}__", estimator.steps[-1][1]
        before = estimator[:-1] if len(estimator.steps) > 1 else None
    if not isinstance(last, GradientEstimator):
        raise TypeError(
            "estimator must be an estimator of fastlr, or a Pipeline that ends in one, "
            f"got {type(last).__name__}"
        )
    for name in ("optimizer", "alpha", "max_epochs"):
        if getattr(last, name) == "auto":
            raise ValueError(
                f"estimator: {name}='auto' has every fit search by itself, and a sweep compares "
                f"rates for one value; say which {name}"
            )
    last = clone(last)
    seed = last.random_state if random_state is None else random_state
    if not isinstance(seed, numbers.Integral):
        seed = check_random_state(seed).randint(2**31 - 1)
    return Parts(before, last.set_params(random_state=seed, verbose=0), prefix)


def make_grid(last: GradientEstimator, lrs: Any, weight_decays: Any) -> Grid:
    """Return the candidates, after a check of the arguments."""
    if lrs is None:
        centre = estimator_facts(last).usual_rate
        rates = log_grid(centre / 100, centre * 100, N_RATES)
    else:
        rates = _numbers(lrs, "lrs", "(0, inf)")
    if weight_decays is None:
        settings = [{"lr": rate} for rate in rates]
        facts = estimator_facts(clone(last).set_params(**settings[0]))
        decay = float(facts.optimizer.weight_decay)
        return Grid(np.array(rates), np.full(len(rates), decay), settings)
    decays = _numbers(weight_decays, "weight_decays", "[0, inf)")
    pairs = [(rate, decay) for rate in rates for decay in decays]
    settings = [
        {"lr": rate, "optimizer": get_optimizer(last.optimizer).replace(weight_decay=decay)}
        for rate, decay in pairs
    ]
    found = np.array(pairs)
    return Grid(found[:, 0].copy(), found[:, 1].copy(), settings)


def _numbers(values: Any, name: str, interval: str) -> list[float]:
    if isinstance(values, (str, bytes, numbers.Number)) or np.ndim(values) != 1:
        raise TypeError(f"{name} must be a list of numbers, got {values!r}")
    for value in values:
        check_number(value, f"every one of {name}", interval)
        if not math.isfinite(value):
            raise ValueError(f"every one of {name} must be finite, got {value!r}")
    found = [float(value) for value in values]
    if not found or len(set(found)) < len(found):
        what = "the same number more than once" if found else "none"
        raise ValueError(f"{name} must hold one number or more, each once, got {what}")
    return found


def make_folds(
    parts: Parts, X: Any, y: Any, sample_weight: Any, cv: Any, groups: Any
) -> tuple[list[Callable[[], FoldOfRestarts]], list[int]]:
    """Cut data into folds."""
    from sklearn.model_selection import check_cv  # heavy to import

    if y is None:
        raise ValueError("y must be given: rates are compared by how well they predict it")
    check_sparse(X)  # before anything takes rows by its indices
    X, y, groups = indexable(X, y, groups)
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, np.float64)
        if weights.shape != (len(y) if hasattr(y, "__len__") else y.shape[0],):
            raise ValueError(
                f"sample_weight must have one number for each row, got {weights.shape}"
            )
    splits = list(check_cv(cv, y, classifier=is_classifier(parts.last)).split(X, y, groups))

    def make(train: np.ndarray, test: np.ndarray) -> FoldOfRestarts:
        known, held_out = (
            (rows_of(X, i), rows_of(y, i), None if weights is None else weights[i])
            for i in (train, test)
        )
        if parts.before is not None:
            before = clone(parts.before)
            known = before.fit_transform(*known[:2]), *known[1:]
            held_out = before.transform(held_out[0]), *held_out[1:]
        return fold_of(parts.last, Part(*known), Part(*held_out))

    return [partial(make, *split) for split in splits], [len(test) for _, test in splits]
