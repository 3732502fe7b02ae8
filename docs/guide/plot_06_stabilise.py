"""
6. Steadier training
====================

Three means against loss that jumps: clip the gradient's norm (1 to 5), take larger batches, and
warm the rate up over the first steps.
"""

# %%
# A regression line with a few rows that are a thousand times too large, as real tables have them.
# One such row makes a gradient that throws the weights far away. ``clip_norm`` bounds the step.

import matplotlib.pyplot as plt
import numpy as np

from fastlr import SGD, LinearClassifier, Warmup

rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 20))
y = X @ rng.normal(size=20) + rng.logistic(size=4000) > 0
X[rng.choice(4000, 8, replace=False)] *= 1000

runs = {
    "as it is": {},
    "clip_norm=1": {"clip_norm": 1.0},
    "batches of 512": {"batch_size": 512},
    "warm-up": {"schedule": Warmup(0.5)},
}
figure, axis = plt.subplots(layout="constrained")
for name, change in runs.items():
    settings = {"schedule": None, "batch_size": 16, "max_epochs": 15, "random_state": 0}
    settings |= {"standardize": False} | change
    model = LinearClassifier(SGD(lr=0.1), **settings).fit(X, y)
    axis.plot(model.history_["epoch"], model.loss_curve_, label=name)
axis.set(xlabel="epoch", ylabel="training loss", yscale="log")
axis.legend()
plt.show()

# %%
# Features are not standardised here (``standardize=False``), as in data that come in a stream:
# otherwise rows like these would count for their size before training begins. Clipping bounds
# every step, so these rows no longer matter. Larger batches only dilute them.
# Warm-up protects the start and nothing else: it is for the first steps of deep networks and of
# rules like Adam, whose running means are still rough then, not for rows that come back in every
# epoch.
