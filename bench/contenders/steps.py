"""One step of a rule over arrays: torch, DeepSpeed, optax and NumPy doing what a default does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..measure.peers import load

# Settings under which each does what fastlr's default does, up to constants.
TORCH: Mapping[str, dict[str, float]] = {
    "Adadelta": {},
    "Adagrad": {},
    "Adam": {},
    "AdamW": {},
    "Adamax": {},
    "ASGD": {},
    "NAdam": {},
    "RAdam": {},
    "RMSprop": {},
    "Rprop": {},
    "SGD": {"lr": 1e-3},
}
OPTAX = {
    "AdaBelief": "adabelief",
    "Adadelta": "adadelta",
    "Adagrad": "adagrad",
    "Adam": "adam",
    "Adamax": "adamax",
    "AdamW": "adamw",
    "Adan": "adan",
    "LAMB": "lamb",
    "LARS": "lars",
    "Lion": "lion",
    "NAdam": "nadam",
    "NovoGrad": "novograd",
    "RAdam": "radam",
    "RMSprop": "rmsprop",
    "Rprop": "rprop",
    "SGD": "sgd",
    "Signum": "signum",
    "Yogi": "yogi",
}
Arrays = list[np.ndarray]


def torch_step(name: str, how: str, params: Arrays, grads: Arrays) -> Callable[[], Any] | None:
    """Return a step of torch's optimizer, `how` of ``"fused"`` or ``"foreach"``."""
    torch = load("torch")
    if torch is None or name not in TORCH:
        return None
    tensors = [torch.from_numpy(p.copy()).requires_grad_() for p in params]
    for tensor, grad in zip(tensors, grads, strict=True):
        tensor.grad = torch.from_numpy(grad)
    make: Any = getattr(torch.optim, name)
    try:
        step: Callable[[], Any] = make(tensors, **{how: True}, **TORCH[name]).step
        step()
    except (TypeError, RuntimeError):  # not every rule has a fused form for the CPU
        return None
    return step


def deepspeed_step(name: str, params: Arrays, grads: Arrays) -> Callable[[], Any] | None:
    """Return a step of DeepSpeed's CPUAdam, which is compiled on first use."""
    if name not in ("Adam", "AdamW") or params[0].dtype != np.float32:
        return None
    if load("deepspeed") is None:
        return None
    import torch

    tensors = [torch.from_numpy(p.copy()).requires_grad_() for p in params]
    for tensor, grad in zip(tensors, grads, strict=True):
        tensor.grad = torch.from_numpy(grad)
    made: list[Any] = []

    def once() -> None:
        if not made:  # here, so that whoever times it can say why it does not compile
            from deepspeed.ops.adam import DeepSpeedCPUAdam

            made.append(DeepSpeedCPUAdam(tensors, adamw_mode=name == "AdamW"))
        made[0].step()

    return once


def optax_step(name: str, params: Arrays, grads: Arrays) -> Callable[[], Any] | None:
    """Return a step under jit, its buffers reused."""
    optax = load("optax")
    if optax is None or name not in OPTAX or not hasattr(optax, OPTAX[name]):
        return None
    import jax

    rule = getattr(optax, OPTAX[name])(1e-3)

    def step(p: Any, state: Any, g: Any) -> tuple[Any, Any]:
        updates, state = rule.update(g, state, p)
        return optax.apply_updates(p, updates), state

    compiled = jax.jit(step, donate_argnums=(0, 1))
    with jax.enable_x64(params[0].dtype == np.float64):
        p, g = [jax.numpy.array(a) for a in params], [jax.numpy.array(a) for a in grads]
        held = [p, rule.init(p)]

    def once() -> None:
        held[:] = compiled(*held, g)
        jax.block_until_ready(held[0])

    return once


def numpy_step(name: str, params: Arrays, grads: Arrays) -> Callable[[], Any] | None:
    """Return AdamW as NumPy would have it: in place, and without temporaries."""
    if name != "AdamW":
        return None
    m, v, spare = ([np.zeros_like(a) for a in params] for _ in range(3))
    lr, beta1, beta2, eps, decay = 1e-3, 0.9, 0.999, 1e-8, 1e-2
    count = [0]

    def once() -> None:
        count[0] += 1
        root = np.sqrt(1 - beta2 ** count[0])
        rate = lr / (1 - beta1 ** count[0]) * root
        for a, g, mean, square, s in zip(params, grads, m, v, spare, strict=True):
            a *= 1 - lr * decay
            mean *= beta1
            np.multiply(g, 1 - beta1, out=s)
            mean += s
            square *= beta2
            np.multiply(g, g, out=s)
            s *= 1 - beta2
            square += s
            np.sqrt(square, out=s)
            s += eps * root
            np.divide(mean, s, out=s)
            s *= rate
            a -= s

    return once


def fastlr_step(
    name: str, params: Arrays, grads: Arrays, threads: int = 1, backend: str = "auto"
) -> Callable[[], Any]:
    """Return a step of this library, by the name of the optimizer's class."""
    from fastlr.optimizers import OPTIMIZERS

    cls = next(c for c in OPTIMIZERS.values() if c.__name__ == name)
    mine = [p.copy() for p in params]
    if len(mine) == 1:
        one = cls().bind(mine[0], n_threads=threads, backend=backend)
        return lambda: one.step(grads[0])
    several = cls().bind(mine, n_threads=threads, backend=backend)
    return lambda: several.step(grads)


def steppers(
    name: str, params: Arrays, grads: Arrays, threads: int = 1
) -> dict[str, Callable[[], Any]]:
    """Return a step by everybody who has the rule.

    Parameters
    ----------
    name : str
        Class name of an optimizer.
    params, grads : list of ndarray
        What is stepped, each by its own copy, and with what.
    threads : int, default=1
        For this library; see `peers.threads` for the others. XLA has one thread, and so does
        NumPy, and both take part only where everybody has one.

    Returns
    -------
    dict of str to callable
        Names to calls; this library comes first.
    """
    found: dict[str, Callable[[], Any] | None] = {
        "fastlr": fastlr_step(name, params, grads, threads),
        "torch fused": torch_step(name, "fused", params, grads),
        "torch foreach": torch_step(name, "foreach", params, grads),
        "DeepSpeed CPUAdam": deepspeed_step(name, params, grads),
    }
    if threads == 1:
        found["optax under jit"] = optax_step(name, params, grads)
        found["NumPy"] = numpy_step(name, [p.copy() for p in params], grads)
    return {who: step for who, step in found.items() if step is not None}
