"""Steps the optimizers of other libraries with a rate that falls, in double precision.

Used by `make_presets` only; no test imports it, since none of the libraries need be there. Unlike
`libraries`, the rate is set anew before each step, the way each library has for it.
"""

from __future__ import annotations

import importlib

import numpy as np


def run(case, start, grads_of, factor, steps):
    """Yield (t, parameters) after each step; `factor` multiplies the rate, from step 0."""
    module, _, name = case.source.rpartition(".")
    make = getattr(importlib.import_module(module), name)
    runners = {
        "torch": torch_steps,
        "fastai": fastai_steps,
        "optax": optax_steps,
        "keras": keras_steps,
        "sklearn": sklearn_steps,
    }
    take = runners[case.source.partition(".")[0]](make, case.arguments, start, factor)
    decay = case.settings["weight_decay"] if case.adds_l2 else 0.0
    params = start
    for t in range(1, steps + 1):
        params = take(t, [g + decay * p for g, p in zip(grads_of(t), params, strict=True)])
        yield t, params


def torch_steps(make, arguments, start, factor):
    """Step one of torch's optimizers, in its plain form."""
    import torch

    torch.set_default_dtype(torch.float64)  # NAdam keeps a product in a scalar of this type
    params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in start]
    optimizer = make(params, foreach=False, **arguments)
    rate = optimizer.param_groups[0]["lr"]

    def take(t, grads):
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.param_groups[0]["lr"] = rate * factor(t - 1)
        optimizer.step()
        return [p.detach().numpy().copy() for p in params]

    return take


def fastai_steps(make, arguments, start, factor):
    """Step one of fastai's optimizers."""
    import torch

    params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in start]
    optimizer = make(params, **arguments)

    def take(t, grads):
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.set_hyper("lr", arguments["lr"] * factor(t - 1))
        optimizer.step()
        return [p.detach().numpy().copy() for p in params]

    return take


def optax_steps(make, arguments, start, factor):
    """Step an optax transformation; its rate is a function of the step."""
    import jax
    import optax

    rate = arguments["learning_rate"]
    jax.config.update("jax_enable_x64", True)
    transformation = make(**{**arguments, "learning_rate": lambda t: rate * factor(t)})
    params = [jax.numpy.array(p, dtype="float64") for p in start]
    state = transformation.init(params)

    @jax.jit
    def update(grads, state, params):
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    def take(t, grads):
        nonlocal params, state
        params, state = update([jax.numpy.array(g) for g in grads], state, params)
        return [np.array(p) for p in params]

    return take


def keras_steps(make, arguments, start, factor):
    """Step a keras optimizer."""
    import keras

    keras.config.set_floatx("float64")
    variables = [keras.Variable(p, dtype="float64") for p in start]
    rate = arguments.get("learning_rate", float(make().learning_rate))
    optimizer = make(**arguments)

    def take(t, grads):
        optimizer.learning_rate = rate * factor(t - 1)
        tensors = [keras.ops.convert_to_tensor(np.asarray(g)) for g in grads]
        optimizer.apply(tensors, variables)
        return [keras.ops.convert_to_numpy(v.value).copy() for v in variables]

    return take


def sklearn_steps(make, arguments, start, factor):
    """Step an optimizer of scikit-learn's multi-layer perceptron."""
    params = [p.copy() for p in start]
    optimizer = make(params, **arguments)
    rate = optimizer.learning_rate_init

    def take(t, grads):
        # Adam starts from the first of these in each step, SGD from the second.
        optimizer.learning_rate_init = optimizer.learning_rate = rate * factor(t - 1)
        optimizer.update_params(params, grads)
        return [np.array(p) for p in params]

    return take
