"""What the constructor parameters of MLPs say of each layer, in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from numbers import Integral
from typing import Any

from ...core.hyper import check_number
from ...schedules import epochs
from ...training.mlp.activations import ACTIVATIONS, check_activation
from ...training.mlp.initialisation import INITS
from ...updater.groups import assign_groups
from ...updater.layers import spread_rates

INIT_CHOICES = ("auto", "xavier", "he", *INITS)


def layer_sizes(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers."""
    given = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else hidden_layer_sizes
    sizes = list(given)
    if not all(isinstance(n, Integral) and int(n) >= 1 for n in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be whole numbers of at least 1, got {hidden_layer_sizes!r}"
        )
    return tuple(int(n) for n in sizes)


def per_layer(value: Any, n_hidden: int, name: str) -> list[Any]:
    """Return one value for each hidden layer."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value] * n_hidden
    values = list(value)
    if len(values) != n_hidden:
        raise ValueError(
            f"{name} must be one value, or one for each of {n_hidden} hidden layers, got {value!r}"
        )
    return values


def activations_of(activation: Any, n_hidden: int) -> list[str]:
    """Return the activation of each hidden layer."""
    return [
        check_activation(name, "activation")
        for name in per_layer(activation, n_hidden, "activation")
    ]


def dropout_rates(input_dropout: float, dropout: Any, n_hidden: int) -> list[float]:
    """Return the rates for the inputs and for each hidden layer."""
    rates = [input_dropout, *per_layer(dropout, n_hidden, "dropout")]
    for rate in rates:
        check_number(rate, "dropout", "[0, 1)")
    return [float(rate) for rate in rates]


def init_of(init: str, activation: str) -> str:
    """Return the initialisation of a layer, one of `INITS`, by what follows it."""
    scheme = ACTIVATIONS[activation].init if init == "auto" else init
    return scheme if scheme in INITS else f"{scheme}_uniform"


def frozen_of(frozen_layers: Sequence[int], n_layers: int) -> list[int]:
    """Return the numbers of the layers that are not trained, from 0."""
    given = list(frozen_layers)
    if not all(isinstance(k, Integral) and -n_layers <= int(k) < n_layers for k in given):
        raise ValueError(
            f"frozen_layers must name layers from {-n_layers} to {n_layers - 1}, got {given!r}"
        )
    frozen = sorted({int(k) % n_layers for k in given})
    if len(frozen) == n_layers:
        raise ValueError(f"frozen_layers names all {n_layers} layers: nothing is left to train")
    return frozen


def layer_factors_of(lr: Any, layer_lr_decay: float, n_layers: int) -> list[float]:
    """Return what the rate of each layer is multiplied by, copied ones aside."""
    if not isinstance(lr, slice):
        return [layer_lr_decay ** (n_layers - 1 - k) for k in range(n_layers)]
    if layer_lr_decay != 1:
        raise ValueError(
            f"lr={lr!r} and layer_lr_decay={layer_lr_decay!r} both spread rates over the layers; "
            "leave one of them"
        )
    return [rate / lr.stop for rate in spread_rates(lr, n_layers)]


def parameter_groups(
    names: Sequence[str],
    layer_factors: Sequence[float],
    frozen: Sequence[int],
    waits: Mapping[int, int],
    given: Sequence[Mapping[str, Any]] | None,
    own_fields: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the groups to bind an optimizer with, one for each distinct set of settings.

    A rate in `given` multiplies its layer's, what else is said there replaces what the optimizer
    says. Intercepts are exempt from decay and penalties where it says nothing of them.
    """
    assign_groups(names, given)  # for its messages
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name in names:
        layer = int(name.rpartition("_")[2])
        own = next((dict(g) for g in given or () if _matches(g["match"], name)), {})
        own.pop("match", None)
        own["lr"] = own.get("lr", 1.0) * layer_factors[layer]
        free = {k: 0.0 for k in ("weight_decay", "l1", "l2") if k not in own_fields}
        if layer in waits:
            own.setdefault("start", epochs(waits[layer]))
        if layer in frozen:
            own |= {"lr": 0.0, **free}
        elif name.startswith("intercept"):
            own = free | own
        key = tuple(sorted((k, repr(v)) for k, v in own.items()))
        made.setdefault(key, {"match": [], **own})["match"].append(name)
    return list(made.values())


def _matches(patterns: Any, name: str) -> bool:
    return any(
        fnmatchcase(name, each) for each in ([patterns] if isinstance(patterns, str) else patterns)
    )
