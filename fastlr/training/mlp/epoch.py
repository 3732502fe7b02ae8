"""An epoch of a multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from ..arena import Arena
from ..engine import Engine
from ..result import EpochResult
from ..scaling import FeatureScaling
from ..sparse import data as sparse_data
from . import reference as mlp_numpy
from .activations import check_activation
from .core import activation_number


class MLPEpoch(Engine):
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
        How the loss of a row is computed from its outputs; see `LinearEpoch`.
    activations : sequence of str, default=()
        Of each hidden layer, names of `ACTIVATIONS`. Outputs have none: what follows them is part
        of the loss.
    dropout : sequence of float, optional
        Rates in [0, 1) for the inputs and for each hidden layer; none by default.
    seed : int, default=0
        What dropout is drawn from, together with the number of the step.
    frozen : sequence of int, default=()
        Layers whose gradient is left at zero. So is that of layers whose parameters start later,
        by the groups of `updater`, until then.
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

    model = "mlp"
    twin: ClassVar[Any] = mlp_numpy

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
        self.weights = [arena.param[f"coef_{k}"] for k in range(n_layers)]
        self.biases = [arena.param[f"intercept_{k}"] for k in range(n_layers)]
        features, outputs = self.weights[0].shape[0], self.weights[-1].shape[1]
        super().__init__(arena, updater, loss, reduction, engine, features, outputs)
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
        self.seed, self.n_threads = seed, n_threads
        self._never = frozenset(frozen)
        if not self._never < set(range(n_layers)):
            raise ValueError(
                f"MLPEpoch: frozen must name some of the layers 0 to {n_layers - 1}, and not all, "
                f"got {sorted(self._never)}"
            )
        self._starts = layer_starts(updater.starts, n_layers)
        self.scaling = None
        if scaling is not None:
            mean = np.zeros_like(scaling.inverse) if scaling.mean is None else scaling.mean
            if not np.shape(mean) == np.shape(scaling.inverse) == (features,):
                raise ValueError(
                    f"MLPEpoch: scaling must hold arrays of shape {(features,)}, got "
                    f"{np.shape(mean)} and {np.shape(scaling.inverse)}"
                )
            self.scaling = FeatureScaling(
                *(np.ascontiguousarray(a, arena.params.dtype) for a in (mean, scaling.inverse))
            )
        self._compiled = self.core(engine)
        self._freeze(self._frozen_now())

    def _frozen_now(self) -> frozenset[int]:
        """Return the layers that the next step does not train."""
        t = self.updater.t
        return self._never | {k for k, start in self._starts.items() if t < start}

    def _freeze(self, frozen: frozenset[int]) -> None:
        """Train all layers but some from here on."""
        self.frozen = frozen
        self.lowest = min(set(range(len(self.weights))) - frozen, default=len(self.weights))
        self.arena.grads[:] = 0
        self.loop = None if self._compiled is None else self._make_loop(self._compiled)

    def run(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        order: np.ndarray | None = None,
        batch_size: int = 128,
    ) -> EpochResult:
        """Take one step for each mini-batch, as `Engine.run` says; layers start when it is time.

        An epoch is cut where a layer starts: compiled code runs between the cuts.
        """
        if not any(start >= self.updater.t for start in self._starts.values()):
            if self.frozen != self._never:
                self._freeze(self._never)
            return super().run(X, y, sample_weight, order, batch_size)
        if order is None:
            order = np.arange(X.shape[0], dtype=np.int64)
        done, steps, loss, weight = 0, 0, 0.0, 0.0
        while True:
            frozen, t = self._frozen_now(), self.updater.t
            if frozen != self.frozen:
                self._freeze(frozen)
            self.updater.binding.wake([n for n, start in self.updater.starts.items() if start == t])
            ahead = [start - t for start in self._starts.values() if start > t]
            stop = done + min(ahead) * batch_size if ahead else len(order)
            part = super().run(X, y, sample_weight, order[done:stop], batch_size)
            done, loss, weight = stop, loss + part.loss_sum, weight + part.weight_sum
            if part.diverged_at is not None:
                return EpochResult(loss, weight, steps + part.steps, steps + part.diverged_at)
            steps += part.steps
            if done >= len(order):
                return EpochResult(loss, weight, steps, None)

    def _make_loop(self, core: Any) -> Any:
        layers = range(len(self.weights))
        return core.MLPLoop(
            self.weights,
            self.biases,
            self.arena.grad,
            [self.arena.grad[f"coef_{k}"] for k in layers],
            [self.arena.grad[f"intercept_{k}"] for k in layers],
            [k not in self.frozen for k in layers],
            [activation_number(name) for name in self.activations],
            self.dropout,
            self.form,
            self.rule,
            self.scaling,
            self.updater.binding.stepper,
            self.seed,
            self.n_threads,
        )

    @property
    def uses_blas(self) -> bool:
        """Whether BLAS does the products, with as many threads as it is set to."""
        return self.loop is None

    def _rows(self, X: Any) -> Any:
        """Return X, dense if its zeros are to be shifted."""
        if sparse.issparse(X) and self.scaling is not None and np.any(self.scaling.mean):
            sparse_data.check_indices(X)  # which SciPy would follow out of bounds
            return X.toarray()
        return sparse_data.of_one_width(X)

    def data_check(self, X: Any) -> Callable[..., None]:
        """Return what checks the data."""
        return sparse_data.check_all if sparse.issparse(X) else super().data_check(X)


def layer_starts(starts: Mapping[str, int], n_layers: int) -> dict[int, int]:
    """Return the first step of each layer that waits, which is its first parameter's."""
    first = {
        k: min(starts.get(f"{kind}_{k}", 0) for kind in ("coef", "intercept"))
        for k in range(n_layers)
    }
    return {k: start for k, start in first.items() if start}
