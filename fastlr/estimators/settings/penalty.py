"""What `penalty`, `alpha` and `l1_ratio` ask of the optimizer, in units of training."""

from __future__ import annotations

from ...optimizers.optimizer import Optimizer


def penalty_parts(penalty: str | None, alpha: float, l1_ratio: float) -> tuple[float, float]:
    """Return what multiplies the sum of absolute coefficients, and half the sum of squares."""
    share = {None: None, "l2": 0.0, "l1": 1.0, "elasticnet": l1_ratio}[penalty]
    if share is None:
        return 0.0, 0.0
    return alpha * share, alpha * (1 - share)


def scale_powers(degree: float, log: bool) -> tuple[float, float]:
    r"""Return the powers of the targets' scale that both strengths are multiplied by.

    With :math:`y = c y'` the loss is :math:`c^d` times that of training, and coefficients are
    :math:`c` times those of training, or the same under a logarithmic link.

    With :math:`d` the `degree` of the loss, as `Loss.scaled` returns it, and `log` for a
    logarithmic link.
    """
    return (-degree, -degree) if log else (1 - degree, 2 - degree)


def penalised(optimizer: Optimizer, l2: float) -> Optimizer:
    """Return an optimizer with this L2 penalty, in units of training, besides its own."""
    if not l2:
        return optimizer
    if "l2" in optimizer.own_fields:
        raise ValueError(
            f"{type(optimizer).__name__} has penalties of its own: set its l1 and l2, and "
            "penalty=None here"
        )
    return optimizer.replace(l2=optimizer.l2 + l2)
