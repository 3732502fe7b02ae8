"""An epoch of a linear model over dense rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..arena import Arena
from ..engine import Engine
from ..l1 import COLLECTED, MANY, MEMORY
from ..result import EpochResult
from ..scaling import FeatureScaling
from . import reference as linear_numpy

# Bytes of rows that stay in the cache by themselves: gathering them costs a tenth of an epoch.
CACHED = 2**20


class LinearEpoch(Engine):
    r"""Trains a linear model, one epoch a call.

    Outputs of a row are :math:`z_k = w_k \cdot x + b_k`.

    Parameters
    ----------
    arena : Arena
        Holds ``coef`` of shape (K, features) and, unless the model has no intercept,
        ``intercept`` of shape (K,).
    updater : Updater
        Bound to ``arena.param``.
    loss : str or Loss
        Name or object.
    reduction : {"softmax", "multinomial", "ovr", "each"}
        How the loss of a row is computed from its outputs. ``"softmax"``: multinomial log-loss of
        K classes. ``"multinomial"``: the loss of the margin
        :math:`z_y - \max_{k \ne y} z_k`, for losses of margins. ``"ovr"``: the sum over the
        outputs, each for one class against the others; a single output stands for class 1 of
        two. ``"each"``: the sum over the outputs, each with a target of its own.
    engine : {"auto", "tiles", "blas", "numpy"}, default="auto"
        ``"tiles"`` and ``"blas"`` are the compiled loop with either kind of matrix product,
        ``"numpy"`` is its readable twin. ``"auto"`` takes the faster of the first two, and
        NumPy where there is no compiled core.
    scaling : FeatureScaling, optional
        Coordinates in which ``coef`` and ``intercept`` are trained; data stay as they are.
    l1 : float, default=0.0
        Strength :math:`\lambda` of an L1 penalty :math:`\lambda |w|_1` on ``coef`` (see Notes).

    Raises
    ------
    TypeError, ValueError
        If `loss` is unknown or does not go with `reduction` and K, or if `engine` is unknown or
        not there.

    Notes
    -----
    ``l1`` is minimised orthant-wise (`l1.OrthantStep`): the slope of the penalty joins the
    gradient, and a weight that would cross zero in a step stops there. Unlike the proximal step of
    `Optimizer`, whose strength depends on what a rule makes of gradients, this has the same
    minimum under every rule.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import SGD
    >>> from fastlr.training import Arena, LinearEpoch
    >>> arena = Arena({"coef": (2, 1), "intercept": (2,)}, "float64")
    >>> epoch = LinearEpoch(arena, SGD(lr=1.0).bind(arena.param), "log_loss", "softmax")
    >>> result = epoch.run(np.array([[-1.0], [1.0]]), np.array([0, 1]), batch_size=2)
    >>> round(result.loss_sum, 6), result.steps
    (1.386294, 1)
    >>> arena.param["coef"].ravel().tolist()
    [-0.5, 0.5]
    """

    model = "linear"
    engines = ("auto", "tiles", "blas", "numpy")
    twin: ClassVar[Any] = linear_numpy
    vectorised = ("ovr", "each")

    def __init__(
        self,
        arena: Arena,
        updater: Any,
        loss: Any,
        reduction: str,
        engine: str = "auto",
        scaling: FeatureScaling | None = None,
        l1: float = 0.0,
    ):
        outputs, features = arena.param["coef"].shape
        super().__init__(arena, updater, loss, reduction, engine, features, outputs)
        self.scaling = None if scaling is None else _check_scaling(scaling, arena)
        self.l1 = float(l1)
        core = self.core(engine)
        self.loop = None if core is None else self._make_loop(core, engine)

    def _make_loop(self, core: Any, engine: str) -> Any:
        scaling = None
        if self.scaling is not None:
            scaling = tuple(
                None if a is None else np.ascontiguousarray(a, self.arena.params.dtype)
                for a in self.scaling
            )
        blas = None if engine == "auto" else engine == "blas"
        penalty = (self.l1, MEMORY, COLLECTED, MANY)
        return core.LinearLoop(
            self.arena, self.updater.binding.stepper, self.form, self.rule, scaling, penalty, blas
        )

    @classmethod
    def run_together(cls, engines: Sequence[Any], *data: Any) -> list[EpochResult] | None:
        """Take each mini-batch of rows once for all of several engines; see `Engine`."""
        loops = [engine.loop for engine in engines]
        if None in loops or not engines[0].gains_together(data[0]):
            return None
        results: list[EpochResult] | None = engines[0].core("auto").run_together(loops, *data)
        return results

    def gains_together(self, X: Any) -> bool:
        """Return whether `run_together` saves time on these rows."""
        return self.loop is not None and getattr(X, "nbytes", 0) > CACHED

    @property
    def uses_blas(self) -> bool:
        """Whether BLAS does the products, with as many threads as it is set to."""
        return self.loop is None or self.loop.blas

    def _weights(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the weights for features as they are."""
        coef, intercept = self.arena.param["coef"], self.arena.param.get("intercept")
        return (coef, intercept) if self.scaling is None else self.scaling.fold(coef, intercept)


def _check_scaling(scaling: FeatureScaling, arena: Arena) -> FeatureScaling:
    mean, inverse = scaling
    features = arena.param["coef"].shape[1]
    for name, array in (("mean", mean), ("inverse", inverse)):
        if array is not None and np.shape(array) != (features,):
            raise ValueError(
                f"LinearEpoch: scaling.{name} must have shape {(features,)}, got {np.shape(array)}"
            )
    if mean is not None and "intercept" not in arena.param:
        raise ValueError("LinearEpoch: scaling.mean must be None for a model without intercept")
    return FeatureScaling(mean, inverse)
