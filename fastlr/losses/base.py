"""Base of losses: hyper-parameters and a scalar rule for value and slope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ..core.hyper import HyperParameters, check_number

TASKS = ("margin", "real", "positive")
LINKS = ("identity", "log", "logit")


class Loss(HyperParameters):
    r"""Base of every loss.

    A loss compares a model's output :math:`z` with a target :math:`y`. A subclass annotates its
    hyper-parameters like an optimizer and defines value and slope for one pair in the static rule
    ``loss(z, y, <coefficients>)``. The rule is compiled and called for whole mini-batches. It is
    written in the language of optimizers (assignments, arithmetic, comparisons, if/else, ``sqrt abs
    sign min max exp log``) plus ``log1p``, ``expm1`` and ``tanh``. Its numbers come from
    `coefficients`, because literals would be computed in double precision.

    Attributes
    ----------
    task : {"margin", "real", "positive"}
        Kind of targets: +1 and -1 (classifiers); any numbers; numbers in `targets` whose mean has
        the output as its logarithm.
    link : {"identity", "log", "logit"}
        Output as a function of the predicted mean.
    targets : str
        Interval of the targets of regressors.
    aliases : tuple of str
        Other names by which `get_loss` finds it.

    Notes
    -----
    `probability` and `scaled` are optional. The first gives classifiers ``predict_proba``; the
    second lets regressors train on scaled targets.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import Loss
    >>> class Cauchy(Loss):
    ...     '''Grows like the logarithm of the squared residual, so outliers have little weight.'''
    ...
    ...     scale: float = 1.0
    ...     task = "real"
    ...
    ...     def coefficients(self):
    ...         return {"inverse": 1 / self.scale, "half": 0.5}
    ...
    ...     @staticmethod
    ...     def loss(z, y, inverse, half):
    ...         r = (z - y) * inverse
    ...         return half * log1p(r * r), r * inverse / (r * r + half + half)
    >>> total, slopes = Cauchy(scale=2.0).evaluate(np.array([2.0, 40.0]), np.zeros(2))
    >>> round(total, 3), slopes.round(3).tolist()
    (3.344, [0.25, 0.025])
    """

    task: ClassVar[str] = "real"
    link: ClassVar[str] = "identity"
    targets: ClassVar[str] = "(-inf, inf)"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name, allowed in (("task", TASKS), ("link", LINKS)):
            if getattr(cls, name) not in allowed:
                raise TypeError(
                    f"{cls.__name__}: {name} must be one of {', '.join(allowed)}, "
                    f"got {getattr(cls, name)!r}"
                )

    def coefficients(self) -> Mapping[str, float]:
        """Return the arguments of the rule after ``z`` and ``y``."""
        return {}

    def evaluate(
        self, z: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """Return the summed loss and the slope at each output, using the compiled rule.

        Parameters
        ----------
        z : ndarray
            Outputs, float32 or float64.
        y : ndarray
            Targets, shaped like `z`.
        sample_weight : ndarray, optional
            Weights, shaped like `z`.

        Returns
        -------
        total : float
            Sum of weight times loss.
        slopes : ndarray
            Weight times the derivative of the loss with respect to each output.

        Raises
        ------
        ValueError
            If shapes differ, or the rule cannot be compiled.
        """
        from ..kernels.find.loss import loss_kernel

        slopes = np.array(z, order="C")
        kernel = loss_kernel(type(self), self.coefficients(), slopes.dtype)
        weight = np.ones_like(slopes) if sample_weight is None else sample_weight
        given = [np.asarray(a, slopes.dtype, order="C") for a in (y, weight)]
        return kernel(slopes, *given), slopes

    def probability(self, z: np.ndarray) -> np.ndarray:
        """Return the probability of the target +1.

        Parameters
        ----------
        z : ndarray
            Outputs.

        Returns
        -------
        ndarray
            Numbers in [0, 1], shaped like `z`.

        Raises
        ------
        NotImplementedError
            If the loss gives no probabilities.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no probabilities")

    @property
    def has_probability(self) -> bool:
        """Whether the loss defines `probability`."""
        return type(self).probability is not Loss.probability

    def scaled(self, factor: float) -> tuple[Loss, float] | None:
        r"""Return the equivalent loss for targets divided by a factor.

        Parameters
        ----------
        factor : float
            :math:`f > 0`.

        Returns
        -------
        (Loss, float) or None
            A loss :math:`L'` and a power :math:`d` for which
            :math:`L(f z + c, f y + c) = f^d L'(z, y)` at any :math:`c`; with task "positive",
            :math:`L(z + \log f, f y) = f^d L'(z, y)` up to a term without :math:`z`. None if there
            is no such pair; targets then stay unscaled.
        """
        return None

    def check_targets(self, y: np.ndarray, name: str = "y") -> None:
        """Raise unless all targets lie in the interval `targets`.

        Parameters
        ----------
        y : ndarray
            Targets of a regressor, finite.
        name : str, default="y"
            Name of the targets in the message.

        Raises
        ------
        ValueError
            If one lies outside `targets`.
        """
        if y.size and self.targets != "(-inf, inf)":
            for extreme in (y.min(), y.max()):
                label = f"{type(self).__name__} needs values of {name} in {self.targets}: each"
                check_number(float(extreme), label, self.targets)
