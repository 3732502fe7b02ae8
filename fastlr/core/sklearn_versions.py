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
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

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


def check_weights(sample_weight: Any, X: np.ndarray) -> np.ndarray | None:
    """Check sample weights the way scikit-learn does.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
        What the user gave.
    X : ndarray of shape (n_samples, n_features)
        The rows they belong to.

    Returns
    -------
    ndarray of shape (n_samples,), float64, or None
        None for None.

    Raises
    ------
    ValueError
        If they do not fit X, or are negative, not finite, or all zero.
    """
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():  # scikit-learn refuses this by itself from 1.9 on
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def set_callbacks(model: Any, callbacks: tuple[Any, ...]) -> None:
    """Give an estimator callbacks; they are ignored before scikit-learn 1.9, which has none.

    Parameters
    ----------
    model : estimator
        Holds them from then on.
    callbacks : tuple of callback
        Objects of `sklearn.callback.FitCallback`.

    Raises
    ------
    TypeError
        If one is not a callback.
    """
    if importlib.util.find_spec("sklearn.callback") is not None:
        from sklearn.callback import CallbackSupportMixin

        CallbackSupportMixin.set_callbacks(model, *callbacks)


def callback_context(model: Any, max_subtasks: int | None) -> Any:
    """Return the task that a fit is for callbacks, None where nobody asks for tasks.

    Parameters
    ----------
    model : estimator
        About to be fitted, within `fit_context`.
    max_subtasks : int or None
        How many tasks there will be within at most, if that is known.

    Returns
    -------
    sklearn.callback.CallbackContext or None
        The root of the tree of tasks.
    """
    # Set by scikit-learn before 1.9 never, and from then on by callbacks and meta-estimators.
    if not (hasattr(model, "_skl_callbacks") or hasattr(model, "_parent_callback_ctx")):
        return None
    from sklearn.callback import CallbackSupportMixin

    return CallbackSupportMixin._init_callback_context(model, max_subtasks=max_subtasks)
