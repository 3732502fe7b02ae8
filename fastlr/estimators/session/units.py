"""Between the parameters that are trained and the fitted attributes that users see.

Training is easiest on features and targets near zero with a spread near one; what is handed out
must fit the data as they are. A fold is the exact map between the two.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np


class Fold:
    """Parameters are handed out as they are trained: the views into the arena themselves.

    Attributes
    ----------
    trivial : bool
        Whether that is so. The arrays that other folds hand out are computed, and read-only:
        writing into them would change nothing.
    """

    trivial = True

    def to_fitted(self, params: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return what to hand out for trained parameters."""
        return params

    def to_params(self, fitted: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return the parameters that would be handed out as `fitted`."""
        return fitted


class ByFeature(Fold):
    """Coefficients lie feature by feature, and are handed out as views of the usual shape."""

    def to_fitted(self, params: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return what to hand out for trained parameters."""
        return {**params, "coef": params["coef"].T}

    def to_params(self, fitted: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return the parameters that would be handed out as `fitted`."""
        return {**fitted, "coef": fitted["coef"].T} if "coef" in fitted else fitted


class LinearFold(Fold):
    r"""A linear model of standardised features and scaled targets, in the units of the data.

    Trained is :math:`(y - t) / c = W ((x - m) / s) + b`, handed out are

    .. math::
        W' = c W / s, \qquad b' = c\,(b - (W / s)\,m) + t

    Parameters
    ----------
    target_shift, target_scale : ndarray of shape (n_outputs,), float64
        :math:`t` and :math:`c`.
    input_shift, input_scale : ndarray of shape (n_features,), float64, optional
        :math:`m` and :math:`s`; features as they are by default.
    layout : Fold, optional
        How coefficients lie while they are trained; as they are handed out by default.
    """

    trivial = False

    def __init__(
        self,
        target_shift: np.ndarray,
        target_scale: np.ndarray,
        input_shift: np.ndarray | None = None,
        input_scale: np.ndarray | None = None,
        layout: Fold | None = None,
    ) -> None:
        self._layout = Fold() if layout is None else layout
        self._t, self._c = target_shift, target_scale
        self._m: Any = 0.0 if input_shift is None else input_shift
        self._s: Any = 1.0 if input_scale is None else input_scale

    def to_fitted(self, params: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return coefficients and intercept in the units of the data."""
        params = self._layout.to_fitted(params)
        dtype = params["coef"].dtype
        coef = params["coef"] / self._s
        fitted = {"coef": self._c[:, None] * coef}
        if "intercept" in params:
            b = params["intercept"] - (coef * self._m).sum(axis=1)
            fitted["intercept"] = self._c * b + self._t
        return {name: read_only(array, dtype) for name, array in fitted.items()}

    def to_params(self, fitted: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return coefficients and intercept in the units of training."""
        coef = fitted["coef"] / self._c[:, None]
        params = {"coef": coef * self._s}
        if "intercept" in fitted:
            params["intercept"] = (fitted["intercept"] - self._t) / self._c
            params["intercept"] += (coef * self._m).sum(axis=1)
        return self._layout.to_params(params)


def read_only(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return an array that says by itself that writing into it would change nothing."""
    array = array.astype(dtype, copy=False)
    array.flags.writeable = False
    return array


_LOCK = threading.RLock()


def refresh(model: Any) -> None:
    """Bring the fitted attributes of a model up to date; threads that predict wait for each other.

    ``_stale`` is True in a model whose attributes are behind, and False while they are written.
    """
    if "_stale" in model.__dict__:
        with _LOCK:
            if model.__dict__.get("_stale"):
                model._publish(model._session)


class FittedParameter:
    """A fitted attribute that is computed when it is asked for, once after each training.

    `partial_fit` on a single row takes microseconds; working out the fitted attributes of a
    large model each time would take longer than training it.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        refresh(model)
        try:
            return model.__dict__[self._name]
        except KeyError:
            raise AttributeError(
                f"{type(model).__name__!r} object has no attribute {self._name!r}"
            ) from None

    def __set__(self, model: Any, value: Any) -> None:
        refresh(model)  # the others are then known not to be the user's
        model.__dict__[self._name] = value


class CoefOfVector(FittedParameter):
    """``coef_`` of a regressor: one-dimensional where the targets were, as scikit-learn has it.

    It is a view of the row that training and prediction know.
    """

    def __set__(self, model: Any, value: Any) -> None:
        vector = getattr(model, "_vector", False) and isinstance(value, np.ndarray)
        super().__set__(model, value[0] if vector and value.ndim == 2 else value)
