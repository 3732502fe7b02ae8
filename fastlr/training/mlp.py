"""An epoch of a multi-layer perceptron: picks the compiled loop or NumPy, and checks the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ..kernels import select
from ..kernels.loss_kernels import LossKernel, loss_kernel
from ..losses import LogLoss, get_loss
from ..losses.base import Loss
from . import mlp_numpy, sparse_data
from .activations import check_activation
from .arena import Arena
from .epoch import EpochResult
from .linear_data import check_data
from .mlp_core import FORMS, activation_number, core
from .scaling import FeatureScaling

_ENGINES = ("auto", "compiled", "numpy")


class MLPEpoch:
    r"""Trains a multi-layer perceptron, one epoch a call.

    Parameters
    ----------
    arena : Arena
        Holds ``coef_0`` of shape (features, outputs of the first layer), ``intercept_0`` of
        shape (outputs of the first layer,), ``coef_1`` and so on.
    updater : Updater
        Bound to ``arena.param``.
    loss : str or Loss
        Name or object.
    reduction : {"softmax", "multinomial", "ovr", "each"}
        How the loss of a row comes of its outputs; see `LinearEpoch`.
    activations : sequence of str, default=()
        Of each hidden layer, names of `ACTIVATIONS`. Outputs have none: what follows them is part
        of the loss.
    dropout : sequence of float, optional
        Rates in [0, 1) for the inputs and for each hidden layer; none by default.
    seed : int, default=0
        What dropout is drawn from, together with the number of the step.
    frozen : sequence of int, default=()
        Layers whose gradient is left at zero.
    n_threads : int, default=1
        Threads that share a mini-batch, where it is large enough to pay. Results do not depend
        on it.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        ``"numpy"`` is the readable twin of ``"compiled"``, and serves where there is no compiled
        core.
    scaling : FeatureScaling, optional
        What features are shifted and multiplied by on their way into the first layer.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adam
    >>> from fastlr.training import Arena, MLPEpoch
    >>> shapes = {"coef_0": (1, 4), "intercept_0": (4,), "coef_1": (4, 1), "intercept_1": (1,)}
    >>> arena = Arena(shapes, "float64")
    >>> arena.params[:] = np.linspace(-1, 1, 13)
    >>> epoch = MLPEpoch(arena, Adam(lr=0.1).bind(arena.param), "squared_error", "each", ["tanh"])
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> losses = [epoch.run(X, X**2, batch_size=5).loss_sum for _ in range(200)]
    >>> losses[-1] < 0.01 * losses[0]
    True
    """

    def __init__(
        self,
        arena: Arena,
        updater: Any,
        loss: Any,
        reduction: str,
        activations: Sequence[str] = (),
        dropout: Sequence[float] | None = None,
        seed: int = 0,
        frozen: Sequence[int] = (),
        n_threads: int = 1,
        engine: str = "auto",
        scaling: FeatureScaling | None = None,
    ):
        n_layers = len(arena.param) // 2
        self.arena, self.updater, self.reduction = arena, updater, reduction
        self.weights = [arena.param[f"coef_{k}"] for k in range(n_layers)]
        self.biases = [arena.param[f"intercept_{k}"] for k in range(n_layers)]
        self.loss: Loss = get_loss(loss, "MLPEpoch: loss")
        if engine not in _ENGINES:
            raise ValueError(
                f"MLPEpoch: engine must be one of {', '.join(_ENGINES)}, got {engine!r}"
            )
        _check_reduction(self.loss, reduction, self.weights[-1].shape[1])
        if len(activations) != n_layers - 1:
            raise ValueError(
                f"MLPEpoch: activations must name one for each of {n_layers - 1} hidden layers, "
                f"got {len(activations)}"
            )
        self.activations = [check_activation(a, "MLPEpoch: activations") for a in activations]
        self.dropout = [0.0] * n_layers if dropout is None else [float(d) for d in dropout]
        if len(self.dropout) != n_layers or not all(0 <= rate < 1 for rate in self.dropout):
            raise ValueError(
                "MLPEpoch: dropout must hold rates in [0, 1), for the inputs and for each hidden "
                f"layer, {n_layers} in all, got {dropout!r}"
            )
        self.seed, self.frozen, self.n_threads = seed, frozenset(frozen), n_threads
        if not self.frozen < set(range(n_layers)):
            raise ValueError(
                f"MLPEpoch: frozen must name some of the layers 0 to {n_layers - 1}, and not all, "
                f"got {sorted(self.frozen)}"
            )
        self.lowest = min(set(range(n_layers)) - self.frozen)
        self.scaling = None
        if scaling is not None:
            mean = np.zeros_like(scaling.inverse) if scaling.mean is None else scaling.mean
            self.scaling = FeatureScaling(
                *(np.ascontiguousarray(a, arena.params.dtype) for a in (mean, scaling.inverse))
            )
        self.kernel: LossKernel | None = None
        if reduction != "softmax":
            self.kernel = loss_kernel(self.loss, arena.params.dtype)
        arena.grads[:] = 0
        self._loop = None if engine == "numpy" else self._compiled_loop(engine)

    def _compiled_loop(self, engine: str) -> Any:
        module, stepper = core(), getattr(self.updater, "_stepper", None)
        if module is None or not isinstance(stepper, select.compiled_stepper()):
            if engine == "auto":
                return None
            raise ValueError(
                "MLPEpoch: engine='compiled' needs the compiled core; see fastlr.backend_info()"
            )
        form = self.reduction
        if form == "ovr" and type(self.loss) is LogLoss:
            form = "logistic"  # the same, with an exponential that makes vectors
        layers = range(len(self.weights))
        return module.MLPLoop(
            self.weights,
            self.biases,
            self.arena.grad,
            [self.arena.grad[f"coef_{k}"] for k in layers],
            [self.arena.grad[f"intercept_{k}"] for k in layers],
            [k not in self.frozen for k in layers],
            [activation_number(name) for name in self.activations],
            self.dropout,
            FORMS.index(form),
            None if self.kernel is None else (self.kernel.address, self.kernel.row),
            self.scaling,
            stepper,
            self.seed,
            self.n_threads,
        )

    @property
    def uses_blas(self) -> bool:
        """Whether BLAS does the products, with as many threads as it is set to."""
        return self._loop is None

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
        X : ndarray or CSR matrix of shape (rows, features)
            C-contiguous, of the arena's dtype; may be read-only. Products with what a matrix
            does not store are left out.
        y : ndarray
            Class codes from 0, int64 of shape (rows,); with one output, 0 or 1. With reduction
            "each", targets of the arena's dtype, of shape (rows, outputs), C-contiguous.
        sample_weight : ndarray of shape (rows,), float64, optional
            Not negative. The loss of a mini-batch is the sum over its rows of weight times loss,
            divided by their number.
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
        X = self._rows(X)
        data = (X, y, sample_weight, order)
        if self._loop is not None and type(batch_size) is int:
            result: EpochResult | None = self._loop.run(*data, batch_size)
            if result is not None:
                return result
        self._check(*data, batch_size)
        if self._loop is not None:
            return self._loop.run(*data, int(batch_size))
        return mlp_numpy.run_epoch(*data, batch_size, self)

    def evaluate(
        self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[float, float]:
        """Return the loss of data without dropout and without a step, block by block.

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
        X = self._rows(X)
        if self._loop is not None:
            result: tuple[float, float] | None = self._loop.evaluate(X, y, sample_weight)
            if result is not None:
                return result
        self._check(X, y, sample_weight, None, 1)
        return mlp_numpy.evaluate(X, y, sample_weight, self)

    def _rows(self, X: Any) -> Any:
        """Return X, dense if its zeros are to be shifted."""
        if sparse.issparse(X) and self.scaling is not None and np.any(self.scaling.mean):
            return X.toarray()
        return X

    def _check(self, X: Any, y: Any, sample_weight: Any, order: Any, batch_size: Any) -> None:
        check = sparse_data.check_data if sparse.issparse(X) else check_data
        check(
            X,
            y,
            sample_weight,
            order,
            batch_size,
            dtype=self.arena.params.dtype,
            features=self.weights[0].shape[0],
            outputs=self.weights[-1].shape[1],
            codes=self.reduction != "each",
        )
        if sparse.issparse(X):
            sparse_data.check_indices(X)


def _check_reduction(loss: Loss, reduction: str, outputs: int) -> None:
    known = ("softmax", "multinomial", "ovr", "each")
    if reduction not in known:
        raise ValueError(
            f"MLPEpoch: reduction must be one of {', '.join(known)}, got {reduction!r}"
        )
    if reduction in ("softmax", "multinomial") and outputs < 2:
        raise ValueError(f"MLPEpoch: reduction {reduction!r} needs 2 outputs or more, got 1")
    if reduction == "softmax" and type(loss) is not LogLoss:
        raise ValueError(f"MLPEpoch: reduction 'softmax' is that of LogLoss, got {loss!r}")
    if reduction in ("multinomial", "ovr") and loss.task != "margin":
        raise ValueError(f"MLPEpoch: reduction {reduction!r} needs a loss of margins, got {loss!r}")
