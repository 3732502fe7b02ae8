"""Between the parameters that are trained and the fitted attributes that users see.

Training is easiest on features and targets near zero with a spread near one; what is handed out
must fit the data as they are. Units are the exact map between the two.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Units:
    """A map between parameters and fitted attributes; without one they are the same arrays.

    Attributes
    ----------
    views : bool
        Whether the arrays handed out are views of the parameters. Others are computed, and
        read-only: writing into them would change nothing.
    """

    views = False

    def to_fitted(self, params: Arrays) -> Arrays:
        """Return what to hand out for trained parameters."""
        raise NotImplementedError

    def to_params(self, fitted: Arrays) -> Arrays:
        """Return the parameters that would be handed out as `fitted`."""
        raise NotImplementedError


class ByFeature(Units):
    """Coefficients lie feature by feature, and are handed out as views of the usual shape."""

    views = True

    def to_fitted(self, params: Arrays) -> Arrays:
        """Return what to hand out for trained parameters."""
        return {**params, "coef": params["coef"].T}

    def to_params(self, fitted: Arrays) -> Arrays:
        """Return the parameters that would be handed out as `fitted`."""
        return {**fitted, "coef": fitted["coef"].T} if "coef" in fitted else fitted


class LinearUnits(Units):
    r"""A linear model of standardised features and scaled targets, in the units of the data.

    Trained is :math:`(y - t) / c = W ((x - m) / s) + b`, handed out are

    .. math::
        W' = c W / s, \qquad b' = c\,(b - (W / s)\,m) + t
    """

    def __init__(
        self,
        target_shift: np.ndarray,
        target_scale: np.ndarray,
        input_shift: np.ndarray | None = None,
        input_scale: np.ndarray | None = None,
        layout: ByFeature | None = None,
    ) -> None:
        self._layout, self._t, self._c = layout, target_shift, target_scale
        self._m = 0.0 if input_shift is None else input_shift
        self._s = 1.0 if input_scale is None else input_scale

    def to_fitted(self, params: Arrays) -> Arrays:
        """Return coefficients and intercept in the units of the data."""
        if self._layout is not None:
            params = self._layout.to_fitted(params)
        dtype = params["coef"].dtype
        coef = params["coef"] / self._s
        fitted = {"coef": self._c[:, None] * coef}
        if "intercept" in params:
            b = params["intercept"] - (coef * self._m).sum(axis=1)
            fitted["intercept"] = self._c * b + self._t
        return {name: _read_only(array, dtype) for name, array in fitted.items()}

    def to_params(self, fitted: Arrays) -> Arrays:
        """Return coefficients and intercept in the units of training."""
        coef = fitted["coef"] / self._c[:, None]
        params = {"coef": coef * self._s}
        if "intercept" in fitted:
            params["intercept"] = (fitted["intercept"] - self._t) / self._c
            params["intercept"] += (coef * self._m).sum(axis=1)
        return params if self._layout is None else self._layout.to_params(params)


class MLPUnits(Units):
    r"""Scaling of inputs and outputs, worked into the first and the last layer.

    Trained is a network of :math:`(x - m) / s` that gives :math:`(y - t) / c`; handed out is
    one of :math:`x` that gives :math:`y`. With weights :math:`W_1` of the first layer and
    :math:`W_L` of the last:

    .. math::
        W_1' = W_1 / s, \qquad b_1' = b_1 - m^T W_1', \qquad
        W_L' = W_L c, \qquad b_L' = b_L c + t
    """

    def __init__(
        self,
        n_layers: int,
        inputs: Arrays,
        targets: tuple[np.ndarray, np.ndarray] | None,
    ) -> None:
        self._last = n_layers - 1
        self._inputs = None
        if "scale" in inputs:
            self._inputs = inputs.get("shift", np.zeros_like(inputs["scale"])), inputs["scale"]
        self._targets = targets

    def to_fitted(self, params: Arrays) -> Arrays:
        """Return weights and intercepts in the units of the data."""
        dtype = params["coef_0"].dtype
        fitted = {name: array.astype(np.float64) for name, array in params.items()}
        if self._inputs is not None:
            shift, scale = self._inputs
            fitted["coef_0"] /= scale[:, None]
            fitted["intercept_0"] -= shift @ fitted["coef_0"]
        if self._targets is not None:
            shift, scale = self._targets
            fitted[f"coef_{self._last}"] *= scale
            fitted[f"intercept_{self._last}"] *= scale
            fitted[f"intercept_{self._last}"] += shift
        return {name: _read_only(array, dtype) for name, array in fitted.items()}

    def to_params(self, fitted: Arrays) -> Arrays:
        """Return weights and intercepts in the units of training, of some or all layers."""
        params = {name: array.astype(np.float64) for name, array in fitted.items()}
        if self._targets is not None and f"coef_{self._last}" in params:
            shift, scale = self._targets
            params[f"intercept_{self._last}"] -= shift
            params[f"intercept_{self._last}"] /= scale
            params[f"coef_{self._last}"] /= scale
        if self._inputs is not None and "coef_0" in params:
            shift, scale = self._inputs
            params["intercept_0"] += shift @ params["coef_0"]
            params["coef_0"] *= scale[:, None]
        return params


def _read_only(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return an array that says by itself that writing into it would change nothing."""
    array = array.astype(dtype, copy=False)
    array.flags.writeable = False
    return array
