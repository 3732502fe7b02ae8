"""An epoch of a linear model over sparse rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..arena import Arena
from ..engine import Engine
from ..l1 import COLLECTED, MANY, MEMORY
from ..linear.reference import evaluate
from ..result import EpochResult
from ..scaling import FeatureScaling
from . import reference as sparse_numpy
from .data import check_data, check_indices, corrupt
from .lazy import LazySteps, has_l2, lazy_plan
from .shares import FEW, Shares

_MOST_FEATURES = 2**31 - 2  # numbers of features are kept in 32 bits


class SparseEpoch(Engine):
    r"""Trains a linear model on sparse rows, one epoch a call, at a cost that grows with entries.

    Outputs of a row are :math:`z_k = \sum_j x_j W_{jk} + b_k`. The parameters are those of
    `LinearEpoch`, but for the shape of ``coef``.

    Parameters
    ----------
    arena : Arena
        Holds ``coef`` of shape (features, K), so that a feature's weights lie side by side,
        and, unless the model has no intercept, ``intercept`` of shape (K,).
    updater : Updater
        Bound to ``arena.param``.
    loss : str or Loss
        Name or object.
    reduction : {"softmax", "multinomial", "ovr", "each"}
        How the loss of a row is computed from its outputs; see `LinearEpoch`.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        ``"compiled"`` is the fast loop, ``"numpy"`` its readable twin, ``"auto"`` the first where
        it is there and can run the optimizer.
    scaling : FeatureScaling, optional
        Coordinates in which ``coef`` is trained, without a mean, which would leave no zeros.
    l1 : float, default=0.0
        Strength :math:`\lambda` of an L1 penalty :math:`\lambda |w|_1` on ``coef``, whose minimum
        is the same under every rule.

    Raises
    ------
    TypeError, ValueError
        If `loss` is unknown or does not go with `reduction` and K, if `scaling` has a mean, or if
        `engine` is unknown or not there.

    Attributes
    ----------
    is_lazy : bool
        Whether steps touch only the features of their mini-batch; see Notes.
    settles : bool, default=True
        Whether `run` brings all features up to date in the end, which costs a visit to each.
        Else `settle` must be called before parameters are read.

    Notes
    -----
    Steps are lazy, as torch's ``SparseAdam`` makes them: features that a mini-batch does not hold
    keep their state (moments, sums of squares) until they are met again, while the number of the
    step counts for all. The rest of a step is caught up in closed form, exactly, when a feature is
    next met and at the end of the epoch: decoupled and independent weight decay, the proximal
    step of an optimizer's L1, and running averages; and with rules that are linear in gradients
    (plain SGD, momentum) an L2 penalty in the gradient and ``l1``. With other rules a feature gets
    the gradient of both when it is met, times the mean number of steps from one meeting to the
    next, so that the minimum is that of dense steps; between meetings it is left alone. The decay
    of rules that apply it themselves (`ScheduleFreeAdamW`) acts on a feature only when it is met.
    With plain SGD, and without a penalty Adagrad, lazy steps are the same as dense ones. A
    cautious mask is scaled by the moves kept among the features met.

    Steps are dense, and cost features times outputs each, with rules that look across elements
    (LARS, LAMB, NovoGrad, Adafactor, SM3, Prodigy, D-Adaptation, DoG, Muon), with Lookahead, and
    with an optimizer's L1 beside a running average; ``l1`` is then minimised as `LinearEpoch` does.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from fastlr import SGD
    >>> from fastlr.training import Arena, SparseEpoch
    >>> arena = Arena({"coef": (3, 2), "intercept": (2,)}, "float64")
    >>> epoch = SparseEpoch(arena, SGD(lr=1.0).bind(arena.param), "log_loss", "softmax")
    >>> X = csr_array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> result = epoch.run(X, np.array([0, 1]), batch_size=2)
    >>> round(result.loss_sum, 6), result.steps
    (1.386294, 1)
    >>> arena.param["coef"].tolist()
    [[-0.25, 0.25], [0.0, 0.0], [-0.25, 0.25]]
    """

    model = "sparse"
    twin: ClassVar[Any] = sparse_numpy
    uses_blas = False
    settles = True

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
        features, outputs = arena.param["coef"].shape
        super().__init__(arena, updater, loss, reduction, engine, features, outputs)
        if features > _MOST_FEATURES:
            raise ValueError(f"SparseEpoch: at most {_MOST_FEATURES} features, got {features}")
        if scaling is not None and (
            scaling.mean is not None or np.shape(scaling.inverse) != (features,)
        ):
            raise ValueError(
                "SparseEpoch: scaling.mean must be None, and scaling.inverse of shape "
                f"{(features,)}"
            )
        self.scaling, self.l1 = scaling, float(l1)
        plan, core = lazy_plan(updater, self.l1), self.core(engine)
        self.is_lazy = plan is not None
        self._plan = plan
        self._shares: Shares | None = None
        self.loop = None if core is None else self._make_loop(core, plan)
        self.lazy = None
        if self.loop is None and plan is not None:
            self.lazy = LazySteps(arena, updater, plan, self.l1)
        if plan is None and self.l1 and self.loop is not None:
            self.loop.share(None, *(np.zeros_like(arena.param["coef"]) for _ in range(2)))
        self.forget()

    def _make_loop(self, core: Any, plan: Any) -> Any:
        inverse = None
        if self.scaling is not None:
            inverse = np.ascontiguousarray(self.scaling.inverse, self.arena.params.dtype)
        penalty = (self.l1, MEMORY, COLLECTED, MANY, FEW)
        stepper = self.updater.binding.stepper
        return core.SparseLoop(self.arena, stepper, self.form, self.rule, inverse, plan, penalty)

    @property
    def memory(self) -> tuple[np.ndarray, ...]:
        """Arrays with the meetings of features, and mean gradients; see `shares.Shares`."""
        return () if self._shares is None else self._shares.arrays

    def forget(self) -> None:
        """Start `memory` anew, for a run from the start; penalties may have changed."""
        if self._shares is not None:
            self._shares.forget()
        elif self._plan and not self._plan.linear and (self.l1 or has_l2(self.updater)):
            self._shares = Shares(self.arena.param["coef"], self.l1)
            if self.loop is not None:
                self.loop.share(self._shares.meetings, self._shares.mean_grad, None)
            if self.lazy is not None:
                self.lazy.shares = self._shares

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
        X : csr_matrix or csr_array of shape (rows, features)
            Of the arena's dtype; may be read-only. Indices of 32 or 64 bits, in any order;
            entries at the same place are added up.
        y, sample_weight, order, batch_size
            As `LinearEpoch.run` takes them. Rows of weight zero are skipped.

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
        self.check(X, y, sample_weight, order, batch_size)
        data = (X, y, sample_weight, order)
        if self.loop is None:
            check_indices(X)
            return sparse_numpy.run_epoch(*data, int(batch_size), self)
        result: EpochResult | None = self.loop.run(*data, int(batch_size), self.settles)
        if result is None:
            raise corrupt(X)
        return result

    @classmethod
    def run_together(
        cls,
        engines: Sequence[Any],
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        order: np.ndarray | None,
        batch_size: int,
    ) -> list[EpochResult] | None:
        """Bring the rows into their order once for all of several engines; see `Engine`.

        Rows in random order spend a third of an epoch waiting for memory.
        """
        engines[0].check(X, y, sample_weight, order, batch_size)
        if order is None or len(order) > X.shape[0]:  # the second would take more room than X
            return None
        check_indices(X)
        weights = None if sample_weight is None else sample_weight[order]
        rows, targets = X[order], y[order]
        return [engine.run(rows, targets, weights, None, batch_size) for engine in engines]

    def gains_together(self, X: Any) -> bool:
        """Return whether `run_together` saves time on these rows."""
        return True

    def settle(self) -> None:
        """Bring all features up to date with decay and penalties, and averages."""
        if self.loop is not None:
            self.loop.settle()

    def evaluate_each(
        self, parts: Sequence[tuple[Any, np.ndarray, np.ndarray | None]]
    ) -> list[tuple[float, float]]:
        """Do `evaluate` for several parts of the data; weights are made ready for it once."""
        for data in parts:
            self.check(*data, None, 1)
        self.settle()
        weights = self._weights()
        return [self._evaluate(data, weights) for data in parts]

    def _evaluate(
        self, data: tuple[Any, Any, Any], weights: tuple[Any, ...]
    ) -> tuple[float, float]:
        if self.loop is None:
            check_indices(data[0])
            coef, intercept = weights
            return evaluate(*data, self, coef.T, intercept)
        result: tuple[float, float] | None = self.loop.evaluate(*data, *weights)
        if result is None:
            raise corrupt(data[0])
        return result

    def _weights(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the weights for features as they are."""
        coef, intercept = self.arena.param["coef"], self.arena.param.get("intercept")
        if self.scaling is not None:
            coef = (coef * self.scaling.inverse[:, None]).astype(coef.dtype)
        return coef, intercept

    def data_check(self, X: Any) -> Callable[..., None]:
        """Return the function that checks the data."""
        return check_data
