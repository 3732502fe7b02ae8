"""The learning-rate range test: one call, for estimators and for any loss and gradient."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ..core.hyper import check_number
from ..estimators.fitting.fit import GradientEstimator
from ..estimators.search.trial import trial_of
from ..optimizers import get_optimizer
from .callable_trial import CallableTrial
from .range_sweep import Trial, range_sweep, rates
from .range_test import METHODS, RangeTest, warn_if_unclear

SCALES = ("exponential", "linear")


def find_lr(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    sample_weight: Any = None,
    params: Any = None,
    optimizer: Any = None,
    low: float = 1e-7,
    high: float = 100.0,
    n_steps: int = 200,
    scale: str = "exponential",
    n_runs: int = 3,
    method: str = "race",
    beta: float = 0.9,
    stop_factor: float = 3.0,
    random_state: Any = None,
) -> RangeTest:
    r"""Find a learning rate by a range test, and by a race of short runs.

    The range test trains for a few steps while the rate rises: its curve shows where the loss falls
    and where it shoots up. What it says of a long run at one rate depends on how long it dwells at
    each; the rate of networks comes out far too low. So the suggestion is the rate at which short
    runs, each at a single rate under the optimizer's schedule, end with the least loss on rows or
    mini-batches that they were not trained on.

    Step :math:`k` of a run of :math:`n` is made at the rate

    .. math::
        \eta_k = \eta_{low} \Big(\frac{\eta_{high}}{\eta_{low}}\Big)^{k / (n - 1)}
        \quad \text{or, linear,} \quad
        \eta_k = \eta_{low} + \frac{k}{n - 1} (\eta_{high} - \eta_{low})

    of the range test with the optimizer's other settings as they are and its schedule left out.
    The loss of each mini-batch, taken before its step, is smoothed, and a run ends early when its
    exponential mean (corrected for its start) runs away, or when three losses in a row are not
    finite.

    Parameters
    ----------
    estimator : estimator, Pipeline or callable
        An estimator of fastlr or a Pipeline that ends in one. Neither it nor its optimizer is
        changed, and nothing is fitted. Or a function ``f(params, rng)`` that returns a loss and
        gradients in the form of `params`; `rng` is a `numpy.random.Generator` to draw mini-batches
        with.
    X, y : array-like
        Data, as for `fit`; for estimators only.
    sample_weight : array-like of shape (n_samples,), optional
        Weights, as for `fit`.
    params : array, sequence of arrays or dict of str to array, optional
        Where a function's runs start; copied. For functions only.
    optimizer : str or Optimizer, optional
        What to train with. For functions; for estimators it replaces the estimator's own.
    low, high : float, default=1e-7, 100
        First and last rate.
    n_steps : int, default=200
        Steps of a run at most, 10 or more.
    scale : {"exponential", "linear"}, default="exponential"
        How the rate rises.
    n_runs : int, default=3
        Runs, each with other mini-batches and other initial values where they are random.
    method : {"race", "valley", "steepest", "minimum / 10", "edge"}, default="race"
        Which suggestion becomes `RangeTest.suggestion`. Only ``"race"`` has a race, the others are
        read off the curve.
    beta : float, default=0.9
        Weight of the neighbours in smoothing, in [0, 1): :math:`2 / (1 - \beta)` steps count.
        Practice has 0.98, for sweeps of thousands of steps; on 200 that would blur two decades.
    stop_factor : float, default=3
        A run ends when its mean loss is above its minimum by this many times its fall so far.
    random_state : int, RandomState instance or None, default=None
        Seeds the runs; None takes the estimator's own.

    Returns
    -------
    RangeTest
        ``suggestion``, ``suggestions``, ``spread``, ``table`` and ``plot()``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit; the message names it.

    Warns
    -----
    UserWarning
        If the loss fell nowhere, had not risen at `high`, or was not finite at some steps that a
        finite one followed.

    Notes
    -----
    ``"race"`` of an estimator is the rate that ``lr="auto"`` finds in its `fit` with the same
    `random_state`, brought to between `low` and `high`. For a function, short runs go on for
    `n_steps` / 8 steps at rates a decade apart, then for `n_steps` / 2 at half a decade, and are
    judged by the mean loss of eight more calls. ``"valley"`` is the middle of the longest fall of
    the loss, ``"steepest"`` the rate at which it falls fastest (per unit of the logarithm of the
    rate), ``"minimum / 10"`` a tenth of the rate at the minimum, ``"edge"`` the last rate before
    the loss shoots up. A loss in other units, or with a constant added, gives the same rates.

    References
    ----------
    Smith, L. N. (2017). Cyclical learning rates for training neural networks. WACV. The valley
    follows fastai (2021).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastlr import LinearClassifier, find_lr
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LinearClassifier(random_state=0)
    >>> test = find_lr(model, X / 16, y)
    >>> 0.001 < test.suggestion < test.suggestions["edge"] < 10
    True
    >>> sorted(test.table)
    ['loss', 'lr', 'run', 'smoothed', 'step']

    A quadratic with the curvatures 1 and 100, whose edge is at 2 / 100:

    >>> import numpy as np
    >>> from fastlr import SGD
    >>> curvature = np.array([1.0, 100.0])
    >>> def quadratic(w, rng):
    ...     return 0.5 * w @ (curvature * w), curvature * w
    >>> test = find_lr(quadratic, params=np.ones(2), optimizer=SGD(), n_runs=1)
    >>> 0.01 < test.suggestions["edge"] < 0.05
    True
    """
    _check(low, high, n_steps, scale, n_runs, method, beta, stop_factor)
    trial, source = _trial(estimator, X, y, sample_weight, params, optimizer)
    random = check_random_state(source if random_state is None else random_state)
    raced = None
    if method == "race":
        # With the first number that `fit` draws, the race is the same to the bit.
        raced = trial.raced(int(n_steps), int(random.randint(2**31 - 10)))
        raced = min(max(raced, float(low)), float(high))
    seeds = random.randint(np.iinfo(np.int32).max, size=n_runs)
    lr = rates(float(low), float(high), int(n_steps), scale)
    sweeps = [range_sweep(trial, lr, int(seed), beta, stop_factor) for seed in seeds]
    test = RangeTest(sweeps, trial.label, method, beta, stop_factor, raced)
    warn_if_unclear(test, low, high)
    return test


def _trial(
    estimator: Any, X: Any, y: Any, sample_weight: Any, params: Any, optimizer: Any
) -> tuple[Trial, Any]:
    """Return what to train, and where its seeds come from."""
    if not callable(estimator) or isinstance(estimator, type):
        if params is not None:
            raise TypeError("params is for functions; an estimator has its own parameters")
        X, last = _unwrap(estimator, X, y)
        trial = trial_of(last, X, y, sample_weight, optimizer)
        return trial, trial.model.random_state
    if X is not None or y is not None or sample_weight is not None:
        raise TypeError("X, y and sample_weight are for estimators; a function has its own data")
    if params is None or optimizer is None:
        missing = "params" if params is None else "optimizer"
        raise TypeError(f"{missing} must be given with a function of loss and gradients")
    return CallableTrial(estimator, params, get_optimizer(optimizer)), 0


def _unwrap(estimator: Any, X: Any, y: Any) -> tuple[Any, GradientEstimator]:
    """Return the last estimator of a Pipeline, and X transformed by the steps before it."""
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = clone(estimator[:-1]).fit_transform(X, y)
        estimator = estimator[-1]
    if not isinstance(estimator, GradientEstimator):
        raise TypeError(
            "estimator must be an estimator of fastlr, a Pipeline that ends in one, or a "
            f"function that returns loss and gradients, got {type(estimator).__name__}"
        )
    return X, estimator


def _check(
    low: Any,
    high: Any,
    n_steps: Any,
    scale: Any,
    n_runs: Any,
    method: Any,
    beta: Any,
    stop_factor: Any,
) -> None:
    check_number(low, "low", "(0, inf)")
    check_number(high, "high", "(0, inf)")
    if low >= high:
        raise ValueError(f"high must be larger than low={low!r}, got {high!r}")
    for name, value, fewest in (("n_steps", n_steps, 10), ("n_runs", n_runs, 1)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
        if value < fewest:
            raise ValueError(f"{name} must be at least {fewest}, got {value!r}")
    for name, value, allowed in (("scale", scale, SCALES), ("method", method, METHODS)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    check_number(beta, "beta", "[0, 1)")
    check_number(stop_factor, "stop_factor", "(0, inf)")
