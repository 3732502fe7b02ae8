"""scikit-learn's `adaptive`: a fifth of the rate when training stops improving."""

from ._by_metric import ByMetric


class Adaptive(ByMetric):
    r"""The schedule ``learning_rate="adaptive"`` of scikit-learn's SGD estimators.

    The factor starts at 1 and changes only between epochs. An epoch is bad unless its metric
    improves on the best earlier one by `tol`: :math:`m \le m^* - \mathrm{tol}` in mode ``"min"``.
    After `n_iter_no_change` bad epochs in a row

    .. math:: f \leftarrow \max(\mathrm{factor} \cdot f, \; f_{\min})

    and the count restarts.

    Parameters
    ----------
    n_iter_no_change : int, default=5
        Bad epochs before a reduction, 1 or more.
    tol : float, default=1e-3
        Smallest improvement that counts, in [0, inf), in units of the metric.
    factor : float, default=0.2
        Factor on the rate at each reduction, in (0, 1).
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless. scikit-learn instead stops training once the
        rate is at most 1e-6.
    mode : {"min", "max"}, default="min"
        Whether the metric is a loss or a score.

    Notes
    -----
    Unlike in `ReduceOnPlateau`, the best metric follows every improvement, however small, so slow
    progress counts as none, and a reduction takes `n_iter_no_change` bad epochs, not one more. NaN
    counts as a bad epoch. scikit-learn's perceptrons need one more bad epoch.

    Examples
    --------
    >>> from fastlr.schedules import Adaptive
    >>> schedule = Adaptive(n_iter_no_change=2, tol=0.1)
    >>> loss = [1.0, 0.95, 0.9, 0.5, 0.4]
    >>> schedule.simulate(5, steps_per_epoch=1, metrics=loss).lr.tolist()
    [1.0, 1.0, 1.0, 0.2, 0.2]
    """

    n_iter_no_change: int = 5
    tol: float = 1e-3
    factor: float = 0.2
    min_factor: float = 0.0
    mode: str = "min"

    ranges = {
        "n_iter_no_change": "[1, inf)",
        "tol": "[0, inf)",
        "factor": "(0, 1)",
        "min_factor": "[0, 1]",
    }

    def observe(self, metric_state, metric, t=None, run=None):
        metric, state = self._number(metric), dict(metric_state)
        sign = 1.0 if self.mode == "min" else -1.0
        improves = sign * metric <= sign * state["best"] - self.tol
        state["bad"] = 0.0 if improves else state["bad"] + 1
        if sign * metric < sign * state["best"]:
            state["best"] = metric
        if state["bad"] >= self.n_iter_no_change:
            state["factor"] = max(state["factor"] * self.factor, self.min_factor)
            state["bad"] = 0.0
        return state
