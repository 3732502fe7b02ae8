"""Steps the optimizers of other libraries, whichever interface they have, in double precision.

Used by `make_optimizers` only; no test imports it, since none of the libraries need be there.
"""

from __future__ import annotations

import importlib
import inspect

import numpy as np


def run(case, start, grads_of, steps):
    """Yield (t, parameters, then the compared state) after each step."""
    module, _, name = case.source.rpartition(".")
    make = getattr(importlib.import_module(module), name)
    library = case.source.partition(".")[0]
    runner = {"optax": optax_steps, "keras": keras_steps}.get(library, torch_steps)
    decay = case.settings["weight_decay"] if case.adds_l2 else 0.0
    take = runner(make, case, start)
    params = start
    for t in range(1, steps + 1):
        grads = [g + decay * p for g, p in zip(grads_of(t), params, strict=True)]
        params, state = take(grads)
        yield t, params + state


def torch_steps(make, case, start):
    """Step anything with the interface of torch's optimizers."""
    import torch

    torch.set_default_dtype(torch.float64)  # some keep products and rates in scalars of this type
    params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in start]
    optimizer = make(params, **case.arguments, **no_foreach(make))
    if case.state == "averaged":
        optimizer.train()

    def take(grads):
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        stepped = [p.detach().numpy().copy() for p in params]
        if case.state == "averaged":
            return stepped, averaged(optimizer, params)
        kept = [optimizer.state[p][case.state].numpy().copy() for p in params if case.state]
        return stepped, kept

    return take


def averaged(optimizer, params):
    """Return what a schedule-free optimizer predicts with, and go on as if nothing was asked."""
    import torch

    before = [p.detach().clone() for p in params]
    optimizer.eval()
    found = [p.detach().numpy().copy() for p in params]
    optimizer.train()
    with torch.no_grad():
        for p, old in zip(params, before, strict=True):
            p.copy_(old)
    return found


def no_foreach(make):
    """Ask for the plain loop where there is a choice: it is the form that is documented."""
    return {"foreach": False} if "foreach" in inspect.signature(make).parameters else {}


def optax_steps(make, case, start):
    """Step an optax transformation in double precision."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    transformation = make(**case.arguments)
    params = [jax.numpy.array(p, dtype="float64") for p in start]
    state = transformation.init(params)

    @jax.jit
    def update(grads, state, params):
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    def take(grads):
        nonlocal params, state
        params, state = update([jax.numpy.array(g) for g in grads], state, params)
        return [np.array(p) for p in params], []

    return take


def keras_steps(make, case, start):
    """Step a keras optimizer in double precision."""
    import keras

    keras.config.set_floatx("float64")
    variables = [keras.Variable(p, dtype="float64") for p in start]
    optimizer = make(**case.arguments)

    def take(grads):
        tensors = [keras.ops.convert_to_tensor(np.asarray(g)) for g in grads]
        optimizer.apply(tensors, variables)
        return [keras.ops.convert_to_numpy(v.value).copy() for v in variables], []

    return take
