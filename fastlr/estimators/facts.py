"""What the rest of fastlr may ask of an estimator: optimizer, run, loss, parameters."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ..losses import get_loss
from ..losses.base import Loss
from ..optimizers import get_optimizer
from ..optimizers.optimizer import Optimizer
from ..schedules import Run
from .fitting.begin import at_rule_of_thumb, known_run
from .models.model import Model


class EstimatorFacts:
    """Answers about one estimator, worked out when they are asked for.

    Parameters
    ----------
    model : Model
        The estimator; only read.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer with rate, schedule and clipping norm of the estimator."""
        model = self._model
        return model._resolve_optimizer()

    @property
    def label(self) -> str:
        """Names of estimator and optimizer."""
        optimizer = get_optimizer(self._model._rule)
        return f"{type(self._model).__name__} with {type(optimizer).__name__}"

    @property
    def usual_rate(self) -> float:
        """Rate around which to look for a better one."""
        return float(at_rule_of_thumb(self._model, self.optimizer).lr)  # type: ignore[attr-defined]

    def check_parameters(self) -> None:
        """Raise unless the constructor parameters are fit."""
        model = self._model
        model._validate_params()

    @property
    def run(self) -> Run:
        """Length of the last run, of a fitted estimator."""
        return known_run(self._model)

    @property
    def loss(self) -> Loss:
        """The loss, in the units of the targets."""
        model = self._model
        return get_loss(model._loss())

    @property
    def reduction(self) -> str:
        """How the loss of a row comes from its raw scores, of a fitted estimator."""
        model = self._model
        return model._training_loss(model._known_targets())[1]

    @property
    def outputs(self) -> int:
        """Raw scores of a row, of a fitted estimator."""
        model = self._model
        return model._known_targets().outputs

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Fitted parameters, dense: ``coef`` and ``intercept``, or ``coef_0`` and so on."""
        model = self._model
        return model._fitted_params()

    @property
    def activations(self) -> list[str]:
        """Activation of each hidden layer, none for a linear model."""
        from .settings.mlp_params import activations_of  # networks only need it

        n_hidden = len(self.parameters) // 2 - 1
        return activations_of(getattr(self._model, "activation", ()), n_hidden)


def estimator_facts(estimator: Any) -> EstimatorFacts:
    """Return what an estimator of fastlr says of itself.

    Raises
    ------
    TypeError
        If it is none of fastlr's.
    """
    ask = getattr(estimator, "__fastlr_facts__", None)
    if ask is None:
        raise TypeError(f"not an estimator of fastlr: {type(estimator).__name__}")
    return cast("EstimatorFacts", ask())
