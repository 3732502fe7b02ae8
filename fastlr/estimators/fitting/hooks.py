"""What a model and a kind of targets define; the top of `base` says what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...optimizers.optimizer import Optimizer
from ...training import Arena
from ..data.labels import all_finite
from ..data.sparse_rows import is_plain_csr, ready_rows
from ..session.session import ModelSpec, exempt_intercepts
from ..session.units import Fold
from .params import OptimizerParams


class Hooks(OptimizerParams):
    """Defaults of the hooks."""

    n_features_in_: int
    _has_shift = True
    _fewest_to_score = 1  # rows that a score needs to have a meaning
    _learns_from_chunk = True  # whether the first call of partial_fit may learn of inputs
    _plain_weights = True  # whether rows without a weight need none

    # Hooks of the model

    _X_options: Mapping[str, Any] = {"order": "C", "accept_sparse": "csr"}

    def _ready(self, X: Any) -> Any:
        return ready_rows(X)

    def _is_plain(self, X: Any, spec: ModelSpec) -> bool:
        if type(X) is not np.ndarray:
            return is_plain_csr(X, spec.dtype, self.n_features_in_)
        return (
            X.dtype == spec.dtype
            and X.ndim == 2
            and len(X) > 0
            and X.shape[1] == self.n_features_in_
            and X.flags.c_contiguous
            and X.flags.aligned
            and all_finite(X)
        )

    def _learn_inputs(self, X: Any, weights: np.ndarray | None) -> dict[str, np.ndarray]:
        return {}

    def _layout(self, X: Any) -> dict[str, np.ndarray]:
        return {}

    def _shapes(self, n_features: int, outputs: int) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError

    def _initialise(
        self, params: Mapping[str, np.ndarray], spec: ModelSpec, rng: np.random.RandomState
    ) -> None:
        raise NotImplementedError

    def _groups(self, spec: ModelSpec, optimizer: Optimizer) -> list[dict[str, Any]]:
        return exempt_intercepts(spec, optimizer)

    def _make_epoch(self, arena: Arena, updater: Any, spec: ModelSpec) -> Any:
        raise NotImplementedError

    def _fitted_shapes(self, spec: ModelSpec) -> Mapping[str, tuple[int, ...]]:
        return spec.shapes

    def _in_units(self, optimizer: Optimizer, spec: ModelSpec) -> Optimizer:
        return optimizer

    def _fold(self, spec: ModelSpec) -> Fold:
        raise NotImplementedError

    def _fitted_params(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _set_fitted_params(self, params: Mapping[str, np.ndarray]) -> None:
        raise NotImplementedError

    def _outputs(self, X: Any) -> np.ndarray:
        raise NotImplementedError

    def _dead_units(self, X: Any) -> float:
        return float("nan")

    # Hooks of the targets

    def _loss(self) -> Any:
        raise NotImplementedError

    def _y_options(self, y: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _checked_y(self, y: Any) -> np.ndarray:
        raise NotImplementedError

    def _learn_targets(
        self, y: np.ndarray, weights: np.ndarray | None, dtype: np.dtype
    ) -> tuple[Any, np.ndarray]:
        raise NotImplementedError

    def _targets_of_chunk(
        self, y: np.ndarray, weights: np.ndarray | None, first: bool, classes: Any
    ) -> Any:
        raise NotImplementedError

    def _known_targets(self) -> Any:
        raise NotImplementedError

    def _set_targets(self, targets: Any) -> None:
        raise NotImplementedError

    def _class_factors(self, y: np.ndarray, targets: Any) -> np.ndarray | None:
        return None

    def _score(
        self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None, targets: Any
    ) -> float:
        raise NotImplementedError

    def _shares_scale(self, degree: float, log: bool) -> bool:
        return False

    def _training_loss(self, targets: Any) -> tuple[Any, str]:
        raise NotImplementedError
