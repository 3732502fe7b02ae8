"""Reduce on plateau: the rate falls when a validation metric stops improving."""

import math

from ._by_metric import ByMetric


class ReduceOnPlateau(ByMetric):
    r"""Lower the rate when a validation metric stops improving.

    The factor starts at 1 and changes only between epochs. An epoch is bad unless its metric beats
    the best so far: :math:`m < m^* - \theta |m^*|` in mode ``"min"``. After more than `patience`
    bad epochs in a row

    .. math:: f \leftarrow \max(\mathrm{factor} \cdot f, \; f_{\min})

    and the count restarts after `cooldown` epochs.

    Parameters
    ----------
    factor : float, default=0.1
        Factor on the rate at each reduction, in (0, 1).
    patience : int, default=10
        Tolerated number of bad epochs, 0 or more.
    threshold : float, default=1e-4
        :math:`\theta`, in [0, inf): smallest improvement that counts.
    threshold_mode : {"rel", "abs"}, default="rel"
        ``"rel"``: relative to the size of the best metric, so that, unlike in torch, negative
        metrics work. ``"abs"``: :math:`\theta` itself, in units of the metric.
    cooldown : int, default=0
        Epochs after a reduction that do not count as bad.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless.
    mode : {"min", "max"}, default="min"
        Whether the metric is a loss or a score.
    counts : {"torch", "keras"}, default="torch"
        ``"torch"`` reduces when more than `patience` epochs were bad. ``"keras"`` reduces when
        `patience` epochs were bad, and counts the last epoch of a cooldown.
    preset : {"torch", "keras"}, optional
        Library whose form applies to parameters not given: keras has ``threshold_mode="abs"`` and
        ``counts="keras"``.

    Notes
    -----
    Matches torch's ``ReduceLROnPlateau`` or, with ``preset="keras"``, keras's. NaN counts as a bad
    epoch.

    Examples
    --------
    >>> from fastlr.schedules import ReduceOnPlateau
    >>> schedule = ReduceOnPlateau(factor=0.5, patience=1)
    >>> loss = [1.0, 0.8, 0.8, 0.9, 0.7]
    >>> schedule.simulate(5, steps_per_epoch=1, metrics=loss).lr.tolist()
    [1.0, 1.0, 1.0, 1.0, 0.5]
    """

    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    min_factor: float = 0.0
    mode: str = "min"
    counts: str = "torch"

    aliases = ("plateau",)
    ranges = {
        "factor": "(0, 1)",
        "patience": "[0, inf)",
        "threshold": "[0, inf)",
        "cooldown": "[0, inf)",
        "min_factor": "[0, 1]",
    }
    choices = {"threshold_mode": ("rel", "abs"), "counts": ("torch", "keras")}
    presets = {"torch": {}, "keras": {"threshold_mode": "abs", "counts": "keras"}}

    def initial_metric_state(self):
        return super().initial_metric_state() | {"cooldown": 0.0}

    def observe(self, metric_state, metric, t=None, run=None):
        metric, state = self._number(metric), dict(metric_state)
        better, cooling = self._improves(metric, state["best"]), state["cooldown"] > 0
        if better:
            state["best"] = metric
        if cooling:
            state["cooldown"] -= 1
        counted = not cooling or (self.counts == "keras" and state["cooldown"] <= 0)
        state["bad"] = state["bad"] + 1 if counted and not better else 0.0
        if state["bad"] > self.patience or (
            self.counts == "keras" and 0 < state["bad"] == self.patience
        ):
            state["factor"] = max(state["factor"] * self.factor, self.min_factor)
            state["bad"], state["cooldown"] = 0.0, float(self.cooldown)
        return state

    def _improves(self, metric, best):
        margin = self.threshold
        if self.threshold_mode == "rel" and not math.isinf(best):
            margin *= abs(best)
        return metric < best - margin if self.mode == "min" else metric > best + margin
