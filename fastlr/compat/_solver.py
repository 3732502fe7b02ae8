"""Solver of scikit-learn's perceptrons: optimizer, arena and compiled epoch in one object.

It replaces scikit-learn's optimizer in `model._optimizer`, continues over calls of `partial_fit`,
and is pickled with its state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizers import SGD, Adam, Optimizer
from ..schedules import Function
from ..training import Arena, EpochResult, MLPEpoch
from ._rates import Observed

SMALLEST_RATE = 1e-6  # at which learning_rate="adaptive" stops training


class Solver:
    """Optimizer of a perceptron's weights; `learning_rate` is the rate of the next epoch.

    The parameters of the model are read once: later changes have no effect, except for `alpha`.
    """

    def __init__(self, model: Any) -> None:
        self.learning_rate = self._first = float(model.learning_rate_init)
        self._adaptive = model.solver == "sgd" and model.learning_rate == "adaptive"
        self._power = None
        if model.solver == "sgd" and model.learning_rate == "invscaling":
            self._power = float(model.power_t)
        self._optimizer = _optimizer(model)
        self._state: dict[str, Any] | None = None
        self._forget()

    def _forget(self) -> None:
        self._bound_for: tuple[Any, ...] | None = None
        self._arena: Any = None
        self._updater: Any = None
        self._epoch: Any = None

    def bind(self, model: Any, n_rows: int, batch_size: int, weight: float) -> None:
        """Take over the weights of a model, for epochs of `n_rows` in batches of `batch_size`.

        ``model.coefs_`` and ``model.intercepts_`` become views of the stepped arrays. The penalty
        is relative to `weight`, the mean weight of a row.
        """
        given = {f"coef_{k}": array for k, array in enumerate(model.coefs_)}
        given |= {f"intercept_{k}": array for k, array in enumerate(model.intercepts_)}
        shapes = {name: np.shape(array) for name, array in given.items()}
        dtype = given["coef_0"].dtype
        wanted = (n_rows, batch_size, weight, float(model.alpha), dtype, tuple(shapes.items()))
        if wanted != self._bound_for:
            self._state = self._saved()
            self._arena = Arena(shapes, dtype)
            self._bind_optimizer(n_rows, batch_size, float(model.alpha) / weight)
            loss, reduction = loss_of(model)
            hidden = [model.activation] * (len(model.coefs_) - 1)
            self._epoch = MLPEpoch(self._arena, self._updater, loss, reduction, hidden)
            self._bound_for = wanted
        views = self._arena.param
        for name, array in given.items():
            if array is not views[name]:
                views[name][...] = array
        model.coefs_ = [views[f"coef_{k}"] for k in range(len(model.coefs_))]
        model.intercepts_ = [views[f"intercept_{k}"] for k in range(len(model.intercepts_))]

    def _bind_optimizer(self, n_rows: int, batch_size: int, alpha: float) -> None:
        # scikit-learn divides the penalty by the rows of each batch; the last batch has fewer.
        steps = -(-n_rows // batch_size)
        last = n_rows - (steps - 1) * batch_size
        start = 0 if self._state is None else self._state["t"]
        schedules = None
        if last != batch_size and alpha:

            def stronger_in_last_batch(t: Any) -> Any:
                return np.where((t - start) % steps == steps - 1, batch_size / last, 1.0)

            schedules = {"l2": Function(stronger_in_last_batch)}
        optimizer = self._optimizer.replace(l2=alpha / batch_size, schedules=schedules)
        self._updater = optimizer.bind(self._arena.param, [{"match": "intercept_*", "l2": 0.0}])
        if self._state is not None:
            self._updater.load_state_dict(self._state)
        self._apply_rate()

    def run(
        self, X: np.ndarray, y: np.ndarray, weights: Any, order: Any, batch: int
    ) -> EpochResult:
        """Run an epoch; make all weights NaN if it diverges."""
        result: EpochResult = self._epoch.run(X, y, weights, order, batch)
        if result.diverged_at is not None:
            self._arena.params[:] = np.nan
        return result

    def squares(self) -> float:
        """Return the sum of squares of all weights except intercepts."""
        views = self._arena.param
        return sum(float(np.vdot(a, a)) for n, a in views.items() if n.startswith("coef"))

    def end_epoch(self, t: int) -> None:
        """Lower the rate as ``"invscaling"`` does after `t` rows."""
        if self._power is not None:
            self.learning_rate = self._first / (t + 1) ** self._power
            self._apply_rate()

    def lower(self) -> bool:
        """Lower the rate as ``"adaptive"`` does; return False if training must stop."""
        if not self._adaptive or self.learning_rate <= SMALLEST_RATE:
            return False
        self.learning_rate /= 5.0
        self._apply_rate()
        return True

    def _apply_rate(self) -> None:
        self._updater.observe(self.learning_rate / self._first)

    def _saved(self) -> dict[str, Any] | None:
        return self._state if self._updater is None else self._updater.state_dict()

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_state": self._saved()}
        return state | {"_bound_for": None, "_arena": None, "_updater": None, "_epoch": None}


def _optimizer(model: Any) -> Optimizer:
    if model.solver == "adam":
        return Adam(
            lr=model.learning_rate_init,
            beta1=model.beta_1,
            beta2=model.beta_2,
            eps=model.epsilon,
            preset="sklearn",
            schedule=Observed(),
        )
    return SGD(
        lr=model.learning_rate_init,
        momentum=model.momentum,
        nesterov=bool(model.nesterovs_momentum and model.momentum),
        preset="sklearn",
        schedule=Observed(),
    )


def loss_of(model: Any) -> tuple[str, str]:
    """Return loss and reduction for the output activation and the number of outputs."""
    if model.out_activation_ == "softmax":
        return "log_loss", "softmax"
    if model.out_activation_ == "logistic":
        return "log_loss", "ovr" if model.n_outputs_ == 1 else "each"
    return {"exp": "poisson", "identity": "squared_error"}[model.out_activation_], "each"
