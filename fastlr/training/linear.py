"""An epoch of a linear model: picks the compiled loop or the NumPy one, and checks the data."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from ..kernels import select
from ..kernels.loss_kernels import loss_kernel
from ..losses import LogLoss, get_loss
from ..losses.base import Loss
from . import linear_numpy
from .arena import Arena
from .epoch import EpochResult
from .linear_data import check_data
from .linear_l1 import COLLECTED, MANY, MEMORY
from .scaling import FeatureScaling

_ENGINES = ("auto", "tiles", "blas", "numpy")
REDUCTIONS = ("softmax", "multinomial", "ovr", "each")


@functools.cache
def _compiled() -> Any:
    """Return the compiled loop for this processor, None where it was not built."""
    isa = select.instruction_set()
    if isa is None or select.compiled_stepper() is None:
        return None
    try:
        return importlib.import_module(f"fastlr.training._linear_{isa}")
    except ImportError:
        return None


class LinearEpoch:
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
        How a row's loss comes of its outputs. ``"softmax"``: multinomial log-loss of K classes.
        ``"multinomial"``: the loss of the margin :math:`z_y - \max_{k \ne y} z_k`, for losses of
        margins. ``"ovr"``: the sum over the outputs, each told whether the row is of its class;
        a single output is that of class 1 of two. ``"each"``: the sum over the outputs, each with
        a target of its own.
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
    ``l1`` is minimised orthant-wise (`linear_l1.OrthantStep`): the slope of the penalty joins the
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
        self.loss: Loss = get_loss(loss, "LinearEpoch: loss")
        check_reduction("LinearEpoch", self.loss, reduction, len(arena.param["coef"]))
        if engine not in _ENGINES:
            raise ValueError(
                f"LinearEpoch: engine must be one of {', '.join(_ENGINES)}, got {engine!r}"
            )
        if scaling is not None:
            scaling = _check_scaling(scaling, arena)
        self.arena, self.updater, self.reduction, self.scaling = arena, updater, reduction, scaling
        self.l1 = float(l1)
        softmax = reduction == "softmax"
        self._kernel = None if softmax else loss_kernel(self.loss, arena.params.dtype)
        self._loop = None if engine == "numpy" else self._compiled_loop(engine)

    def _compiled_loop(self, engine: str) -> Any:
        module, stepper = _compiled(), getattr(self.updater, "_stepper", None)
        if module is None or not isinstance(stepper, select.compiled_stepper()):
            if engine == "auto":
                return None
            raise ValueError(
                f"LinearEpoch: engine={engine!r} needs the compiled core; see fastlr.backend_info()"
            )
        form = "rival" if self.reduction == "multinomial" else self.reduction
        if type(self.loss) is LogLoss:  # the same, with an exponential that makes vectors
            form = {"ovr": "logistic", "each": "labels"}.get(form, form)
        rule = None if self._kernel is None else (self._kernel.address, self._kernel.row)
        scaling = None
        if self.scaling is not None:
            scaling = tuple(
                None if a is None else np.ascontiguousarray(a, self.arena.params.dtype)
                for a in self.scaling
            )
        blas = None if engine == "auto" else engine == "blas"
        penalty = (self.l1, MEMORY, COLLECTED, MANY)
        return module.LinearLoop(self.arena, stepper, form, rule, scaling, penalty, blas)

    @property
    def uses_blas(self) -> bool:
        """Whether BLAS does the products, with as many threads as it is set to."""
        return self._loop is None or self._loop.blas

    def run(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        order: np.ndarray | None = None,
        batch_size: int = 128,
    ) -> EpochResult:
        """Take one step for each mini-batch, without the GIL.

        Parameters
        ----------
        X : ndarray of shape (rows, features)
            C-contiguous, of the arena's dtype; may be read-only.
        y : ndarray
            Class codes from 0, int64 of shape (rows,); with one output, 0 or 1. With reduction
            "each", targets of the arena's dtype, of shape (rows, K), C-contiguous.
        sample_weight : ndarray of shape (rows,), float64, optional
            Not negative. The loss of a mini-batch is the sum over its rows of weight times loss,
            divided by their number, so that weights count in the smallest mini-batch too. For a
            weighted mean over the data, scale them to a mean of 1.
        order : ndarray of shape (rows used,), int64, optional
            Rows in the order of training, usually a permutation. By default as they lie.
        batch_size : int, default=128
            Rows in a mini-batch; the last one may have fewer.

        Returns
        -------
        EpochResult
            Sums of loss and weight, number of steps, and where it diverged.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit. Nothing has been written then.
        KeyboardInterrupt
            Between two mini-batches; parameters and state are then those of the last one.
        """
        data = (X, y, sample_weight, order)
        if self._loop is not None and type(batch_size) is int:
            result: EpochResult | None = self._loop.run(*data, batch_size)
            if result is not None:
                return result
        self._check(*data, batch_size)
        if self._loop is not None:
            return self._loop.run(*data, int(batch_size))
        return linear_numpy.run_epoch(*data, batch_size, self)

    def evaluate(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ) -> tuple[float, float]:
        """Return the loss of data without a step, block by block.

        Parameters
        ----------
        X, y, sample_weight
            As `run` takes them.

        Returns
        -------
        loss_sum, weight_sum : float
            Sums of weighted losses, and of weights.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit.
        """
        coef, intercept = self._weights()
        if self._loop is not None:
            result: tuple[float, float] | None = self._loop.evaluate(
                X, y, sample_weight, coef, intercept
            )
            if result is not None:
                return result
        self._check(X, y, sample_weight, None, 1)
        return linear_numpy.evaluate(X, y, sample_weight, self, coef, intercept)

    def _weights(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the weights for features as they are."""
        coef, intercept = self.arena.param["coef"], self.arena.param.get("intercept")
        return (coef, intercept) if self.scaling is None else self.scaling.fold(coef, intercept)

    def _check(self, X: Any, y: Any, sample_weight: Any, order: Any, batch_size: Any) -> None:
        outputs, features = self.arena.param["coef"].shape
        check_data(
            X,
            y,
            sample_weight,
            order,
            batch_size,
            dtype=self.arena.params.dtype,
            features=features,
            outputs=outputs,
            codes=self.reduction != "each",
        )


def check_reduction(owner: str, loss: Loss, reduction: str, outputs: int) -> None:
    """Raise unless a loss can be reduced in this way.

    Parameters
    ----------
    owner : str
        Whose message it is.
    loss : Loss
        Which loss.
    reduction : str
        Which way; see `LinearEpoch`.
    outputs : int
        Of the model.

    Raises
    ------
    ValueError
        If it cannot.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{owner}: reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}"
        )
    if reduction == "softmax" and type(loss) is not LogLoss:
        raise ValueError(f"{owner}: reduction 'softmax' is that of LogLoss, got {loss!r}")
    if reduction in {"softmax", "multinomial"} and outputs < 2:
        raise ValueError(f"{owner}: reduction {reduction!r} needs 2 outputs or more")
    if reduction in {"multinomial", "ovr"} and loss.task != "margin":
        raise ValueError(f"{owner}: reduction {reduction!r} needs a loss of margins, got {loss!r}")


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
