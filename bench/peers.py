"""The same rules in torch and optax, for `rules.py`: whatever is installed, one thread, float32."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

# Settings under which each does what fastlr's default does, up to constants.
TORCH = {
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
    "Signum": "sign_sgd",
    "Yogi": "yogi",
}


def torch_step(name: str, params: np.ndarray, grads: np.ndarray) -> tuple[str, Callable] | None:
    """Return how torch steps, and a function that does so once; None if it cannot."""
    try:
        import torch
    except ImportError:
        return None
    if name not in TORCH:
        return None
    torch.set_num_threads(1)
    p = torch.from_numpy(params.copy()).requires_grad_()
    p.grad = torch.from_numpy(grads.copy())
    make: Any = getattr(torch.optim, name)
    try:
        return "fused", make([p], fused=True, **TORCH[name]).step
    except (TypeError, RuntimeError):
        return "foreach", make([p], foreach=True, **TORCH[name]).step


def optax_step(name: str, params: np.ndarray, grads: np.ndarray) -> Callable | None:
    """Return a function that makes one step under jit, its buffers reused; None if it cannot."""
    # One thread, as everybody else: XLA reads this when it is first imported.
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )
    try:
        import jax
        import optax
    except ImportError:
        return None
    if name not in OPTAX or not hasattr(optax, OPTAX[name]):
        return None
    rule = getattr(optax, OPTAX[name])(1e-3)

    def step(p: Any, state: Any, g: Any) -> tuple[Any, Any]:
        updates, state = rule.update(g, state, p)
        return optax.apply_updates(p, updates), state

    compiled = jax.jit(step, donate_argnums=(0, 1))
    p, g = jax.numpy.array(params), jax.numpy.array(grads)
    held = [p, rule.init(p)]

    def once() -> None:
        held[:] = compiled(*held, g)
        jax.block_until_ready(held[0])

    return once
