"""Activations of hidden layers: value and slope, and how a layer that uses one should start.

The compiled loop has them in C (`_mlp_functions.h`), by their position in `ACTIVATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtr

LEAK = 0.01  # slope of leaky_relu below zero


class Activation(NamedTuple):
    """A function of one number: its value and slope, and how its layer starts."""

    evaluate: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # array -> value, slope
    init: str  # "xavier" or "he"; He allows for the half that ReLUs lose


def _identity(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return z, np.ones_like(z)


def _logistic(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return expit(z), expit(z) * expit(-z)


def _tanh(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.tanh(z), 4 * expit(2 * z) * expit(-2 * z)


def _relu(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(z, 0), (z > 0).astype(z.dtype)


def _leaky_relu(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slope = np.where(z > 0, np.ones((), z.dtype), np.asarray(LEAK, z.dtype))
    return z * slope, slope


def _elu(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    below = np.expm1(np.minimum(z, 0))
    return np.where(z > 0, z, below), below + 1


def _gelu(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    below = ndtr(z)
    density = np.exp(-z * z / 2) * np.asarray(1 / np.sqrt(2 * np.pi), z.dtype)
    return z * below, below + z * density


def _silu(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gate = expit(z)
    return z * gate, gate + z * gate * expit(-z)


def _softplus(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), expit(z)


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(_identity, "xavier"),
    "logistic": Activation(_logistic, "xavier"),
    "tanh": Activation(_tanh, "xavier"),
    "relu": Activation(_relu, "he"),
    "leaky_relu": Activation(_leaky_relu, "he"),
    "elu": Activation(_elu, "he"),
    "gelu": Activation(_gelu, "he"),
    "silu": Activation(_silu, "he"),
    "softplus": Activation(_softplus, "xavier"),
}
r"""Registry: name to activation.

=============  ==============================================================
identity       :math:`z`
logistic       :math:`1 / (1 + e^{-z})`
tanh           :math:`\tanh z`
relu           :math:`\max(z, 0)`
leaky_relu     :math:`z` above 0, :math:`0.01 z` below
elu            :math:`z` above 0, :math:`e^z - 1` below
gelu           :math:`z \Phi(z)`, exact, :math:`\Phi` being the normal distribution's
silu           :math:`z / (1 + e^{-z})`, also called swish
softplus       :math:`\log(1 + e^z)`
=============  ==============================================================
"""


def check_activation(name: str, label: str) -> str:
    """Return `name`, or raise a ValueError that calls the argument `label`."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"{label} must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return name
