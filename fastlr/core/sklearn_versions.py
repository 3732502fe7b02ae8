"""All use of scikit-learn's private helpers, so that a change there is felt in one file only.

The public API has no way to validate constructor parameters or sample weights as scikit-learn's
own estimators do, and users expect the same messages from both.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted
from sklearn.utils.validation import validate_data as _validate_data

__all__ = [
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "callback_context",
    "check_classification_targets",
    "check_is_fitted",
    "check_weights",
    "fit_context",
    "rows_of",
    "set_callbacks",
    "validate_data",
]


def rows_of(X: Any, index: np.ndarray) -> Any:
    """Return some rows of an array, a sparse matrix, a dataframe or a list."""
    if type(X) is np.ndarray:  # scikit-learn asks first whether it is one of many dataframes
        return X[index]
    return _safe_indexing(X, index)


def validate_data(model: Any, *arrays: Any, **options: Any) -> Any:
    """Return arrays as scikit-learn validates them, refusing ints that no float can hold."""
    try:
        return _validate_data(model, *arrays, **options)
    except OverflowError:
        raise ValueError("Input contains a number too large for a float.") from None


def check_weights(sample_weight: Any, X: np.ndarray) -> np.ndarray | None:
    """Return sample weights in float64, checked as scikit-learn checks them; None for None."""
    if sample_weight is None:
        return None
    try:
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    except OverflowError:
        raise ValueError("sample_weight contains a number too large for a float.") from None
    if not weights.any():  # scikit-learn refuses this by itself from 1.9 on
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def set_callbacks(model: Any, callbacks: tuple[Any, ...]) -> None:
    """Give an estimator callbacks; before scikit-learn 1.9, which has none, they are ignored."""
    if importlib.util.find_spec("sklearn.callback") is not None:
        from sklearn.callback import CallbackSupportMixin

        CallbackSupportMixin.set_callbacks(model, *callbacks)


def callback_context(model: Any, max_subtasks: int | None) -> Any:
    """Return the root task of a fit for its callbacks, None where there are none."""
    # Set by scikit-learn before 1.9 never, and from then on by callbacks and meta-estimators.
    if not (hasattr(model, "_skl_callbacks") or hasattr(model, "_parent_callback_ctx")):
        return None
    from sklearn.callback import CallbackSupportMixin

    return CallbackSupportMixin._init_callback_context(model, max_subtasks=max_subtasks)
