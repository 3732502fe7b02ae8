"""An epoch of a linear model: picks the compiled loop or the NumPy one, and checks the data."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from ..kernels import select
from . import linear_numpy
from .arena import Arena
from .epoch import EpochResult

_ENGINES = ("auto", "tiles", "blas", "numpy")


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
    """Trains a linear model, one epoch a call.

    Parameters
    ----------
    arena : Arena
        Holds ``coef`` of shape (K, features) and, unless the model has no intercept,
        ``intercept`` of shape (K,).
    updater : Updater
        Bound to ``arena.param``.
    loss : {"softmax", "logistic"}
        Multinomial log-loss of K classes, or binary log-loss of one logit (K = 1).
    engine : {"auto", "tiles", "blas", "numpy"}, default="auto"
        ``"tiles"`` and ``"blas"`` are the compiled loop with either kind of matrix product,
        ``"numpy"`` is its readable twin. ``"auto"`` takes the faster of the first two, and
        NumPy where there is no compiled core.

    Raises
    ------
    ValueError
        If `loss` is unknown or does not fit K, or if `engine` is unknown or not there.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import SGD
    >>> from fastlr.training import Arena, LinearEpoch
    >>> arena = Arena({"coef": (2, 1), "intercept": (2,)}, "float64")
    >>> epoch = LinearEpoch(arena, SGD(lr=1.0).bind(arena.param), "softmax")
    >>> result = epoch.run(np.array([[-1.0], [1.0]]), np.array([0, 1]), batch_size=2)
    >>> round(result.loss_sum, 6), result.steps
    (1.386294, 1)
    >>> arena.param["coef"].ravel().tolist()
    [-0.5, 0.5]
    """

    def __init__(self, arena: Arena, updater: Any, loss: str, engine: str = "auto"):
        if loss not in linear_numpy.LOSSES:
            raise ValueError(
                f"LinearEpoch: loss must be one of {', '.join(linear_numpy.LOSSES)}, got {loss!r}"
            )
        outputs = len(arena.param["coef"])
        if (loss == "logistic") != (outputs == 1):
            raise ValueError(
                "LinearEpoch: loss 'logistic' needs coef of 1 row, 'softmax' of 2 or more, "
                f"got {loss!r} with {outputs}"
            )
        if engine not in _ENGINES:
            raise ValueError(
                f"LinearEpoch: engine must be one of {', '.join(_ENGINES)}, got {engine!r}"
            )
        self.arena, self.updater, self.loss = arena, updater, loss
        self._loop = None if engine == "numpy" else self._compiled_loop(engine)

    def _compiled_loop(self, engine: str) -> Any:
        module, stepper = _compiled(), getattr(self.updater, "_stepper", None)
        if module is None or not isinstance(stepper, select.compiled_stepper()):
            if engine == "auto":
                return None
            raise ValueError(
                f"LinearEpoch: engine={engine!r} needs the compiled core; see fastlr.backend_info()"
            )
        blas = None if engine == "auto" else engine == "blas"
        return module.LinearLoop(self.arena, stepper, self.loss == "logistic", blas)

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
        y : ndarray of shape (rows,), int64
            Class codes from 0; with one logit, 0 or 1.
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
        return linear_numpy.run_epoch(*data, batch_size, self.arena, self.updater, self.loss)

    def _check(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        order: np.ndarray | None,
        batch_size: int,
    ) -> None:
        outputs, features = self.arena.param["coef"].shape
        classes = 2 if self.loss == "logistic" else outputs
        _check_array(X, "X", self.arena.params.dtype, (None, features))
        rows = len(X)
        _check_array(y, "y", np.dtype(np.int64), (rows,))
        if rows and not 0 <= y.min() <= y.max() < classes:
            raise ValueError(f"y must hold codes from 0 to {classes - 1}")
        if sample_weight is not None:
            _check_array(sample_weight, "sample_weight", np.dtype(np.float64), (rows,))
        if order is not None:
            _check_array(order, "order", np.dtype(np.int64), (None,))
            if len(order) and not 0 <= order.min() <= order.max() < rows:
                raise ValueError(f"order must hold row numbers from 0 to {rows - 1}")
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
            raise TypeError(f"batch_size must be an int, got {batch_size!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size!r}")


def _check_array(array: Any, name: str, dtype: np.dtype, shape: tuple[int | None, ...]) -> None:
    said = f"{name} must be a C-contiguous {dtype} array of shape " + str(
        tuple("n" if s is None else s for s in shape)
    ).replace("'", "")
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{said}, got {type(array).__name__}")
    if array.dtype != dtype:
        raise TypeError(f"{said}, got {array.dtype}")
    fits = array.ndim == len(shape) and all(
        s is None or s == got for s, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{said}, got shape {array.shape}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"{said}, got one that is strided or not aligned")
