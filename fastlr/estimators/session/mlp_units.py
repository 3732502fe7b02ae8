"""A network of standardised features and scaled targets, in the units of the data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .units import Fold, read_only


class MLPFold(Fold):
    r"""Scaling of inputs and outputs, worked into the first and the last layer.

    Trained is a network of :math:`(x - m) / s` that gives :math:`(y - t) / c`; handed out is
    one of :math:`x` that gives :math:`y`. With weights :math:`W_1` of the first layer and
    :math:`W_L` of the last:

    .. math::
        W_1' = W_1 / s, \qquad b_1' = b_1 - m^T W_1', \qquad
        W_L' = W_L c, \qquad b_L' = b_L c + t

    Parameters
    ----------
    n_layers : int
        Number of layers.
    inputs : mapping of str to ndarray
        ``shift`` and ``scale`` of the features, the second alone, or neither.
    targets : tuple of ndarray, or None
        Shift and scale of the outputs.
    """

    trivial = False

    def __init__(
        self,
        n_layers: int,
        inputs: Mapping[str, np.ndarray],
        targets: tuple[np.ndarray, np.ndarray] | None,
    ) -> None:
        self._last = n_layers - 1
        self._inputs = None
        if "scale" in inputs:
            self._inputs = inputs.get("shift", np.zeros_like(inputs["scale"])), inputs["scale"]
        self._targets = targets

    def to_fitted(self, params: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
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
        return {name: read_only(array, dtype) for name, array in fitted.items()}

    def to_params(self, fitted: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
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
