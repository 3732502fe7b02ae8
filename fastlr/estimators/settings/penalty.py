"""What `penalty`, `alpha` and `l1_ratio` ask of the optimizer, in units of training."""

from __future__ import annotations

from typing import Any

from ...optimizers.optimizer import Optimizer


def penalty_parts(penalty: str | None, alpha: float, l1_ratio: float) -> tuple[float, float]:
    """Return the strengths of the L1 and the L2 part.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None
        Which parts there are.
    alpha : float
        Strength of both.
    l1_ratio : float
        Share of the L1 part in the elastic net.

    Returns
    -------
    l1, l2 : float
        What multiplies the sum of absolute coefficients, and half the sum of squares.
    """
    share = {None: None, "l2": 0.0, "l1": 1.0, "elasticnet": l1_ratio}[penalty]
    if share is None:
        return 0.0, 0.0
    return alpha * share, alpha * (1 - share)


def scale_powers(degree: float, log: bool) -> tuple[float, float]:
    r"""Return the powers of the targets' scale that both strengths are multiplied by.

    With :math:`y = c y'` the loss is :math:`c^d` times that of training, and coefficients are
    :math:`c` times those of training, or the same under a logarithmic link.

    Parameters
    ----------
    degree : float
        :math:`d`, as `Loss.scaled` returns it.
    log : bool
        Whether the link is logarithmic.

    Returns
    -------
    l1, l2 : float
        Powers of :math:`c`.
    """
    return (-degree, -degree) if log else (1 - degree, 2 - degree)


def penalised(optimizer: Optimizer, l1: float, l2: float) -> Optimizer:
    """Return an optimizer with these penalties besides its own.

    Parameters
    ----------
    optimizer : Optimizer
        As `resolve_optimizer` made it.
    l1, l2 : float
        Strengths in units of training.

    Returns
    -------
    Optimizer
        A copy.

    Raises
    ------
    ValueError
        If the optimizer gives `l1` or `l2` another meaning, or has none.
    """
    changes: dict[str, Any] = {}
    for name, strength in (("l1", l1), ("l2", l2)):
        if not strength:
            continue
        if name in optimizer.own_fields:
            raise ValueError(
                f"{type(optimizer).__name__} has penalties of its own: set its l1 and l2, and "
                "penalty=None here"
            )
        changes[name] = getattr(optimizer, name) + strength
    made: Optimizer = optimizer.replace(**changes)
    return made
