"""Recommended learning rates, and how they change with the size of the mini-batch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..core.hyper import check_number
from ..optimizers import get_optimizer

TASKS = ("general", "recurrent", "sparse", "transfer")
RULES = ("linear", "sqrt", "auto")
_SHORT_TEXTS = (
    "for the accuracy of linear models on short texts of many classes, loss='squared_hinge' with "
    "multi_class='ovr' and an L2 penalty may beat log_loss"
)
LARGE_BATCH = 1000  # rows from which on the square-root rule is the safer one


class Recommendation(NamedTuple):
    """Where to start with an optimizer.

    Attributes
    ----------
    lr : float
        Learning rate to try first.
    low, high : float
        Range in which to look for a better one.
    params : dict of str to float
        Other hyper-parameters that go with it.
    where : str
        What it is used for.
    mind : str
        What to look out for.
    source : str
        Where the figures come from.
    """

    lr: float
    low: float
    high: float
    params: dict[str, float]
    where: str
    mind: str
    source: str

    def _repr_html_(self) -> str:
        from ..core.markup import table  # in notebooks alone

        more = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        rows = (
            ("learning rate", f"{self.lr:g}"),
            ("look in", f"{self.low:g} to {self.high:g}"),
            ("with", more or "nothing else"),
            ("for", self.where),
            ("mind", self.mind),
            ("source", self.source),
        )
        return table("Recommendation", ("", ""), rows)

    def at(self, lr: float, low: float, high: float, where: str | None = None) -> Recommendation:
        """Return the same at another rate and range."""
        kept = (self.params, self.where if where is None else where, self.mind, self.source)
        return Recommendation(lr, low, high, *kept)


_TABLE = {
    "SGD": Recommendation(
        0.01,
        0.01,
        0.1,
        {"momentum": 0.9},
        "general deep learning",
        "the upper part of the range with momentum; scale it with the batch size",
        "Bengio 2012, arXiv:1206.5533; momentum: Sutskever et al. 2013",
    ),
    "Adam": Recommendation(
        0.001,
        0.0001,
        0.01,
        {"beta1": 0.9, "beta2": 0.999},
        "language, images",
        "adaptive, fairly stable; beta2=0.99 makes the rate act more directly",
        "Kingma & Ba 2015, arXiv:1412.6980",
    ),
    "AdamW": Recommendation(
        0.001,
        0.0001,
        0.01,
        {"weight_decay": 0.01},
        "most tasks",
        "the decay is separate from the gradient",
        "Loshchilov & Hutter 2019, arXiv:1711.05101",
    ),
    "RMSprop": Recommendation(
        0.001,
        0.0001,
        0.001,
        {"rho": 0.9},
        "recurrent networks",
        "0.0001 to 0.001 is safe where gradients explode",
        "Tieleman & Hinton 2012, Coursera lecture 6.5",
    ),
    "Adagrad": Recommendation(
        0.01,
        0.01,
        0.1,
        {},
        "sparse data",
        "the rate decays by itself, towards zero on long runs",
        "Duchi, Hazan & Singer 2011, JMLR 12",
    ),
}


def recommend(optimizer: Any, task: str = "general") -> Recommendation:
    """Return the recommended starting rate of an optimizer.

    Parameters
    ----------
    optimizer : str or Optimizer
        SGD, Adam, AdamW, RMSprop or Adagrad; for the others their own default is what there is.
    task : {"general", "recurrent", "sparse", "transfer"}, default="general"
        ``"transfer"`` is for layers that are trained already: 0.0001 to 0.001, while new layers
        take the rate of ``"general"``. ``"recurrent"`` stays below 0.001, for gradients may
        explode; ``"sparse"`` takes the upper end of the range, for most steps touch few weights.
        For optimizers without recommendation it is a tenth of their default, the default, and ten
        times that; those that find their own rate keep it.

    Returns
    -------
    Recommendation
        Rate, range, companions and source.

    Raises
    ------
    TypeError, ValueError
        If optimizer or task are unknown.

    Examples
    --------
    >>> from fastlr import recommend
    >>> found = recommend("adamw")
    >>> found.lr, found.params
    (0.001, {'weight_decay': 0.01})
    >>> recommend("adamw", task="transfer").lr
    0.0001
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    chosen: Any = get_optimizer(optimizer)
    name = type(chosen).__name__
    default = float(type(chosen).defaults_with(getattr(chosen, "preset", None))["lr"])
    found = _TABLE.get(name)
    if found is None:
        about = f"the default of {name}; see its docstring for the paper"
        found = Recommendation(default, default / 10, default * 10, {}, "as its paper", "", about)
    if chosen.batch_rule == "none":  # its rate is a factor on what it finds
        return found
    known = name in _TABLE
    if task == "transfer":
        low, high = (0.0001, 0.001) if known else (default / 100, default / 10)
        lr = low if known else high
        return found.at(lr, low, high, where="layers that are trained already")
    if task == "recurrent":
        high = min(found.high, 0.001) if known else default
        low = min(found.low, 0.0001) if known else found.low
        return found.at(min(found.lr, high), low, high)
    if task == "sparse":
        mind = f"{found.mind}; {_SHORT_TEXTS}" if found.mind else _SHORT_TEXTS
        return found.at(found.high, found.low, found.high)._replace(mind=mind)
    return found


def scale_lr(
    lr: float, batch_size: int, new_batch_size: int, rule: str = "auto", optimizer: Any = None
) -> float:
    r"""Return the learning rate for another size of mini-batch.

    .. math::
        \eta' = \eta \, \frac{B'}{B} \quad \text{(linear)}, \qquad
        \eta' = \eta \, \sqrt{\frac{B'}{B}} \quad \text{(square root)}

    Parameters
    ----------
    lr : float
        Rate that suits `batch_size`.
    batch_size, new_batch_size : int
        Rows in a mini-batch, 1 or more.
    rule : {"linear", "sqrt", "auto"}, default="auto"
        ``"auto"`` is linear up to 1,000 rows and goes by the square root beyond, unless
        `optimizer` has another rule.
    optimizer : str or Optimizer, optional
        What the rate is for. With ``rule="auto"`` it is as above where steps are proportional to
        gradients: SGD, QHM, ASGD, ScheduleFreeSGD. For rules that find their own rate (DoG,
        Prodigy, DAdaptAdam) it stays. For all others, which divide by the size of gradients, and
        for rules of one's own that do not say their `batch_rule`, it is the square root
        throughout.

    Returns
    -------
    float
        Learning rate.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit.

    See Also
    --------
    LinearClassifier : Scales by itself, with ``reference_batch_size``.

    References
    ----------
    Goyal et al. (2017), arXiv:1706.02677 (linear); Krizhevsky (2014), arXiv:1404.5997 (square
    root); Malladi et al. (2022), arXiv:2205.10287 (square root for adaptive rules).

    Examples
    --------
    >>> from fastlr import scale_lr
    >>> scale_lr(0.1, 256, 512)
    0.2
    >>> scale_lr(0.1, 500, 4000)
    0.4
    >>> scale_lr(0.001, 64, 256, optimizer="adam")
    0.002
    """
    check_number(lr, "lr", "[0, inf)")
    check_number(batch_size, "batch_size", "[1, inf)")
    check_number(new_batch_size, "new_batch_size", "[1, inf)")
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    if rule == "auto" and optimizer is not None:
        of_optimizer = get_optimizer(optimizer).batch_rule
        if of_optimizer == "none":
            return lr
        rule = "sqrt" if of_optimizer == "sqrt" else rule
    if rule == "linear":
        return lr * new_batch_size / batch_size
    if rule == "sqrt":
        return lr * math.sqrt(new_batch_size / batch_size)
    # Both sizes are brought to a common scale, linear below the bend and its root above.
    return lr * _effective(new_batch_size) / _effective(batch_size)


def _effective(batch_size: float) -> float:
    if batch_size <= LARGE_BATCH:
        return batch_size
    return math.sqrt(LARGE_BATCH * batch_size)
