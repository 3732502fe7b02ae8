"""Features trained in other coordinates than those they are given in.

A gradient step is only as good as the scale of its features. Rather than copy X, the epochs of
linear models work with weights for scaled features and fold them, step by step, into weights for
the features as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class FeatureScaling(NamedTuple):
    r"""What features are shifted and multiplied by: :math:`x'_j = (x_j - m_j) s_j`.

    Attributes
    ----------
    mean : ndarray of shape (features,) or None
        :math:`m`, None for zero; a model without an intercept cannot be shifted.
    inverse : ndarray of shape (features,)
        :math:`s`, above zero.
    """

    mean: np.ndarray | None
    inverse: np.ndarray

    def fold(
        self, coef: np.ndarray, intercept: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        r"""Return weights for features as they are, of weights for scaled ones.

        .. math::
            w_j = w'_j s_j, \qquad b = b' - \sum_j w_j m_j

        Parameters
        ----------
        coef : ndarray of shape (outputs, features)
            :math:`w'`.
        intercept : ndarray of shape (outputs,) or None
            :math:`b'`.

        Returns
        -------
        coef, intercept
            :math:`w` and :math:`b`, new arrays of the same precision.
        """
        folded = coef * self.inverse  # float64, as the statistics are
        if intercept is None:
            return folded.astype(coef.dtype), None
        moved = intercept - (0.0 if self.mean is None else folded @ self.mean)
        return folded.astype(coef.dtype), moved.astype(coef.dtype)
