"""
6. Steadier training
====================

If the loss jumps, clip the gradient's norm (at 1 to 5), use larger batches, or warm up the rate
over the first steps.
"""

# %%
# A classification problem in which a few rows are a thousand times too large, as in real tables.
# The gradient of one such row throws the weights far off. ``clip_norm`` bounds the step.

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
# Features are not standardised here (``standardize=False``), as with data from a stream; otherwise
# the large rows would determine the scale of the features. Clipping bounds every step, so these
# rows no longer matter. Larger batches only dilute them. A warm-up protects only the start of
# training. It helps in the first steps of deep networks and of rules like Adam, whose running means
# are rough at first, but not against rows that return in every epoch.
