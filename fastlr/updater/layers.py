"""Settings by layer: rates that rise from the first layer to the last, and gradual unfreezing.

Howard & Ruder (2018) call the first discriminative learning rates. Both come down to parameter
groups, so that a step costs what it costs without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from ..core.hyper import check_number
from ..schedules import epochs

_OTHERS = 0.1  # slice(None, hi): what the rate of all layers but the last is multiplied by


def spread_rates(lr: slice, n_layers: int, label: str = "lr") -> list[float]:
    r"""Return the learning rate of each layer, from the first to the last.

    .. math::
        \eta_k = \eta_0 \left(\frac{\eta_{L-1}}{\eta_0}\right)^{k / (L - 1)}

    ``slice(lowest, highest)`` has the rates of the first layer and the last; ``slice(highest)``
    gives all other layers a tenth. A single layer has the highest rate.
    """
    wanted = f"{label}=slice(lowest, highest) must hold two learning rates"
    if lr.step is not None or lr.stop is None:
        raise ValueError(f"{wanted}, got {lr!r}")
    check_number(lr.stop, f"{label}: highest", "(0, inf)")
    if lr.start is None:
        return [lr.stop * _OTHERS] * (n_layers - 1) + [float(lr.stop)]
    check_number(lr.start, f"{label}: lowest", "(0, inf)")
    if lr.start > lr.stop:
        raise ValueError(f"{wanted}, the lower one first, got {lr!r}")
    if n_layers == 1:
        return [float(lr.stop)]
    return [float(rate) for rate in np.geomspace(lr.start, lr.stop, n_layers)]


def unfreezing_epochs(unfreeze: Any, n_layers: int, frozen: Iterable[int] = ()) -> dict[int, int]:
    """Return how many epochs each layer that waits stays frozen.

    An int trains one more layer every so many epochs, from the last one backwards, and passes over
    `frozen` layers, which are never trained; a dict names layers and their epochs. Negative numbers
    count from the last layer.
    """
    trained = [k for k in range(n_layers) if k not in set(frozen)]
    if unfreeze is None:
        return {}
    if not isinstance(unfreeze, Mapping):
        _check_epochs(unfreeze, 1)
        return {k: int(unfreeze) * i for i, k in enumerate(reversed(trained)) if i}
    found: dict[int, int] = {}
    for layer, count in unfreeze.items():
        if not _is_whole(layer) or not -n_layers <= layer < n_layers:
            raise ValueError(
                f"unfreeze must name layers from {-n_layers} to {n_layers - 1}, got {layer!r}"
            )
        k = int(layer) % n_layers
        if k in found or k not in trained:
            what = "named twice" if k in found else "among those that are never trained"
            raise ValueError(f"unfreeze: layer {layer} is {what}")
        _check_epochs(count, 0)
        found[k] = int(count)
    if trained and all(found.get(k) for k in trained):
        raise ValueError(f"unfreeze trains no layer from the start, got {unfreeze!r}")
    return {k: count for k, count in found.items() if count}


def layer_groups(
    layers: Mapping[str, Any] | Sequence[Any], lr: slice | None = None, unfreeze: Any = None
) -> list[dict[str, Any]]:
    """Return groups for `Optimizer.bind` that give each layer its rate and its time to start.

    Parameters
    ----------
    layers : dict of str to array, or sequence
        The parameters to be bound: those belong to a layer whose names share what stands before
        the last ``.`` or ``/``, or else the number at their end, and layers follow in the order
        of the dict. Or the layers from the first to the last, each a name pattern or several.
    lr : slice, optional
        ``slice(1e-5, 1e-3)`` spreads rates geometrically, from the lowest in the first layer to
        the highest in the last; ``slice(1e-3)`` is a tenth of that for all layers but the last.
        Give the optimizer the highest: groups hold factors on it.
    unfreeze : int or dict of int to int, optional
        Gradual unfreezing: the last layer is trained from the start, and one more, from the back
        to the front, every so many epochs. Or after how many epochs each of the layers named by
        number is. Needs `steps_per_epoch` of `bind`.

    Returns
    -------
    list of dict
        A group for each layer.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit.

    See Also
    --------
    MLPClassifier : Takes ``lr=slice(...)`` and ``unfreeze`` themselves.

    Notes
    -----
    A layer that waits is treated as if its gradients were zeros: parameters and state stay as
    they were bound, and when its turn comes the rule counts its steps from there. Schedules go on
    for all layers alike. RMSprop with `initial_scale` is the exception: its state decays while it
    waits.

    References
    ----------
    Howard & Ruder (2018), arXiv:1801.06146.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import AdamW, layer_groups
    >>> params = {f"{kind}{k}": np.ones(2) for k in range(3) for kind in ("weight", "bias")}
    >>> groups = layer_groups(params, slice(1e-5, 1e-3), unfreeze=1)
    >>> [(each["match"], round(each["lr"], 6)) for each in groups]
    [(['weight0', 'bias0'], 0.01), (['weight1', 'bias1'], 0.1), (['weight2', 'bias2'], 1.0)]
    >>> updater = AdamW(lr=1e-3).bind(params, groups, steps_per_epoch=100)
    >>> updater.step({name: np.ones(2) for name in params})
    >>> params["weight2"].round(4).tolist(), params["weight1"].tolist()
    ([0.999, 0.999], [1.0, 1.0])
    """
    if isinstance(layers, Mapping):
        matches = _by_name(layers)
    elif isinstance(layers, (str, bytes)) or not isinstance(layers, Sequence):
        raise TypeError(
            f"layers must be a dict of parameters or a sequence of name patterns, got {layers!r}"
        )
    else:
        matches = [[each] if isinstance(each, str) else each for each in layers]
    if lr is not None and not isinstance(lr, slice):
        raise TypeError(f"lr must be a slice of two learning rates or None, got {lr!r}")
    starts = unfreezing_epochs(unfreeze, len(matches))
    groups: list[dict[str, Any]] = [{"match": match} for match in matches]
    for k, group in enumerate(groups):
        if lr is not None:
            group["lr"] = spread_rates(lr, len(matches))[k] / lr.stop
        if k in starts:
            group["start"] = epochs(starts[k])
    return groups


def _by_name(names: Iterable[str]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        prefix = re.match(r"(.*)[./]", name)
        number = re.search(r"\d+$", name)
        layer = prefix[1] if prefix else number[0] if number else name
        found.setdefault(layer, []).append(re.sub(r"([*?[])", r"[\1]", name))
    return list(found.values())


def _check_epochs(value: Any, least: int) -> None:
    if not _is_whole(value):
        raise TypeError(
            "unfreeze must be a whole number of epochs, a dict from layers to such numbers, or "
            f"None, got {value!r}"
        )
    if value < least:
        raise ValueError(f"unfreeze must be at least {least} epochs, got {value!r}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
