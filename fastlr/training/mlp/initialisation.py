"""First weights of a layer: Xavier's and He's, which keep signals from growing or fading."""

from __future__ import annotations

import math

import numpy as np

INITS = ("xavier_uniform", "xavier_normal", "he_uniform", "he_normal")
"""What `initial_weights` knows."""


def initial_weights(
    init: str, inputs: int, outputs: int, rng: np.random.RandomState | np.random.Generator
) -> np.ndarray:
    r"""Draw the first weights of a layer, in float64, of shape (inputs, outputs).

    Their mean is 0, their variance :math:`2 / (n_{in} + n_{out})` (Xavier; Glorot and Bengio 2010,
    "Understanding the difficulty of training deep feedforward neural networks") or
    :math:`2 / n_{in}` (He; He et al. 2015, arXiv:1502.01852). A uniform distribution reaches
    :math:`\sqrt{3}` deviations to each side.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.training.mlp.initialisation import initial_weights
    >>> weights = initial_weights("he_normal", 500, 100, np.random.default_rng(0))
    >>> weights.shape, round(float(weights.var() * 500), 1)
    ((500, 100), 2.0)
    """
    if init not in INITS:
        raise ValueError(f"init must be one of {', '.join(INITS)}, got {init!r}")
    scheme, _, distribution = init.partition("_")
    deviation = math.sqrt(2 / (inputs + outputs if scheme == "xavier" else inputs))
    shape = (inputs, outputs)
    if distribution == "normal":
        return deviation * rng.standard_normal(shape)
    limit = math.sqrt(3) * deviation
    return rng.uniform(-limit, limit, shape)
