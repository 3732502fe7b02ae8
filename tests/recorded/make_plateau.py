"""Records keras's callback on a plateau: ``python -m tests.recorded.make_plateau``.

It needs keras and jax, and rewrites `preset_plateau.json`. Each case names the arguments of
``keras.callbacks.ReduceLROnPlateau`` and those of the fastlr schedule with ``preset="keras"``.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
from pathlib import Path

from tests.support.hashed import uniform

FILE = Path(__file__).with_name("preset_plateau.json")
EPOCHS = 80

# name: keras's arguments, fastlr's, whether the metric rises
CASES = {
    "defaults": ({}, {}, False),
    "cooldown": (
        {"factor": 0.5, "patience": 2, "cooldown": 3, "min_delta": 0.02, "min_lr": 0.01},
        {"factor": 0.5, "patience": 2, "cooldown": 3, "threshold": 0.02, "min_factor": 0.01},
        False,
    ),
    "one epoch of cooldown": (
        {"factor": 0.8, "patience": 1, "cooldown": 1, "min_delta": 0.0},
        {"factor": 0.8, "patience": 1, "cooldown": 1, "threshold": 0.0},
        False,
    ),
    "no patience, of a score": (
        {"factor": 0.9, "patience": 0, "mode": "max", "min_delta": 0.005},
        {"factor": 0.9, "patience": 0, "mode": "max", "threshold": 0.005},
        True,
    ),
}


def metrics(rises):
    """Return a noisy metric that levels off, below zero for the most part."""
    noise = 0.05 * uniform(EPOCHS, 31)
    loss = [2.0 / (1.0 + 0.3 * t) - 1.0 + float(noise[t]) for t in range(EPOCHS)]
    return [-m for m in loss] if rises else loss


def factors(arguments, values):
    """Return the learning rate after each epoch, from 1."""
    import keras

    keras.config.set_floatx("float64")
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    callback = keras.callbacks.ReduceLROnPlateau("metric", **{"mode": "min", **arguments})
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"metric": value})
        rates.append(float(model.optimizer.learning_rate))
    return rates


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_ENABLE_X64"] = "1"
    kept = {
        "made_with": {name: importlib.metadata.version(name) for name in ("keras", "jax")},
        "factors": {name: factors(a, metrics(rises)) for name, (a, _, rises) in CASES.items()},
    }
    FILE.write_text(json.dumps(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
