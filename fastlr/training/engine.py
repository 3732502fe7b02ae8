"""What all engines share: the compiled core of this processor, and epochs over rows.

An engine trains one kind of model. Its compiled loop takes an epoch where it can; if an
argument is unfit, the loop does nothing and Python raises the error.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..kernels.find import processor
from ..kernels.find.loss import loss_kernel
from ..losses import get_loss
from ..losses.base import Loss
from .arena import Arena
from .data import MOST_ROWS, check_data
from .losses import checked_form
from .result import EpochResult


@functools.cache
def compiled(model: str) -> Any:
    """Return the compiled module of a kind of model for this processor, None if not built."""
    isa = processor.instruction_set()
    if isa is None or processor.compiled_stepper() is None:
        return None
    try:
        return importlib.import_module(f"fastlr.training.{model}._{model}_{isa}")
    except ImportError:
        return None


class Engine:
    """Base of the engines; each documents its parameters, and makes its loop.

    `kernel` is the loss of one output, None for the softmax, and `rule` its address and
    coefficients; `form` is the number of the loss in the compiled loop, and `loop` that loop, None
    where the NumPy twin serves.
    """

    model: ClassVar[str]
    engines: ClassVar[tuple[str, ...]] = ("auto", "compiled", "numpy")
    twin: ClassVar[Any]  # the module with the readable twin
    vectorised: ClassVar[tuple[str, ...]] = ("ovr",)  # log-losses with a form of their own

    loop: Any
    loss: Loss
    form: int
    rule: tuple[int, np.ndarray] | None

    def __init__(
        self,
        arena: Arena,
        updater: Any,
        loss: Any,
        reduction: str,
        engine: str,
        features: int,
        outputs: int,
    ) -> None:
        name = type(self).__name__
        self.features, self.outputs = features, outputs
        self.loss = loss if isinstance(loss, Loss) else get_loss(loss, f"{name}: loss")
        self.form = checked_form(name, self.loss, reduction, outputs, self.vectorised)
        if engine not in self.engines:
            raise ValueError(
                f"{name}: engine must be one of {', '.join(self.engines)}, got {engine!r}"
            )
        self.arena, self.updater, self.reduction = arena, updater, reduction
        softmax = reduction == "softmax"
        self.kernel = (
            None
            if softmax
            else loss_kernel(type(self.loss), self.loss.coefficients(), arena.params.dtype)
        )
        self.rule = None if self.kernel is None else (self.kernel.address, self.kernel.row)

    def core(self, engine: str) -> Any:
        """Return the compiled module, or None where the twin is to serve."""
        if engine == "numpy":
            return None
        module, binding = compiled(self.model), getattr(self.updater, "binding", None)
        stepper = None if binding is None else binding.stepper  # anything that steps will do
        if module is not None and isinstance(stepper, processor.compiled_stepper()):
            return module
        if engine == "auto":
            return None
        raise ValueError(
            f"{type(self).__name__}: engine={engine!r} needs the compiled core and a rule that it "
            "runs; see fastlr.backend_info()"
        )

    def run(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        order: np.ndarray | None = None,
        batch_size: int = 128,
    ) -> EpochResult:
        """Take one step for each mini-batch, without the GIL.

        Parameters
        ----------
        X : ndarray of shape (rows, features)
            C-contiguous, of the arena's dtype; may be read-only. `MLPEpoch` takes CSR matrices
            too, and skips products with entries that are not stored.
        y : ndarray
            Class codes from 0, int64 of shape (rows,); with one output, 0 or 1. With reduction
            "each", targets of the arena's dtype, of shape (rows, outputs), C-contiguous.
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
            If an argument is unfit; nothing has been written.
        KeyboardInterrupt
            Between two mini-batches; the steps before it are kept.
        """
        data = (self._rows(X), y, sample_weight, order)
        if self.loop is not None and type(batch_size) is int and batch_size <= MOST_ROWS:
            result: EpochResult | None = self.loop.run(*data, batch_size)
            if result is not None:
                return result
        self.check(*data, batch_size)
        if self.loop is not None:
            return self.loop.run(*data, int(batch_size))
        return self.twin.run_epoch(*data, batch_size, self)

    @classmethod
    def run_together(cls, engines: Sequence[Any], *data: Any) -> list[EpochResult] | None:
        """Do `run` for several engines at once; None, and nothing done, if that gains nothing.

        Results are the same to the bit. A network gains nothing: it hardly spends time on rows.
        """
        return None

    def gains_together(self, X: Any) -> bool:
        """Return whether `run_together` saves time on these rows."""
        return False

    @property
    def memory(self) -> tuple[np.ndarray, ...]:
        """Arrays with what training remembers besides parameters and the optimizer's state."""
        return ()

    def forget(self) -> None:
        """Start `memory` anew, for a run from the start."""

    def evaluate(
        self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[float, float]:
        """Return the loss of data without a step and without dropout, block by block.

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
        return self.evaluate_each([(X, y, sample_weight)])[0]

    def evaluate_each(
        self, parts: Sequence[tuple[Any, np.ndarray, np.ndarray | None]]
    ) -> list[tuple[float, float]]:
        """Do `evaluate` for several parts of the data; weights are made ready for it once."""
        weights = self._weights()
        return [self._evaluate((self._rows(X), y, w), weights) for X, y, w in parts]

    def _evaluate(
        self, data: tuple[Any, Any, Any], weights: tuple[Any, ...]
    ) -> tuple[float, float]:
        if self.loop is not None:
            result: tuple[float, float] | None = self.loop.evaluate(*data, *weights)
            if result is not None:
                return result
        self.check(*data, None, 1)
        return self.twin.evaluate(*data, self, *weights)

    def _rows(self, X: Any) -> Any:
        """Return X as the loop takes it."""
        return X

    def _weights(self) -> tuple[np.ndarray | None, ...]:
        """Return the weights that `evaluate` uses in place of the parameters."""
        return ()

    def check(self, X: Any, y: Any, sample_weight: Any, order: Any, batch_size: Any) -> None:
        """Raise if an argument is unfit."""
        self.data_check(X)(
            X,
            y,
            sample_weight,
            order,
            batch_size,
            dtype=self.arena.params.dtype,
            features=self.features,
            outputs=self.outputs,
            codes=self.reduction != "each",
        )

    def data_check(self, X: Any) -> Callable[..., None]:
        """Return the function that checks the data."""
        return check_data
