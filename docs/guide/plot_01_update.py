r"""
1. Too large, too small, right
==============================

Gradient descent moves the parameters against the gradient, scaled by the learning rate
:math:`\alpha`:

.. math:: \theta_{new} = \theta_{old} - \alpha \, \nabla J(\theta_{old})

This page compares four rates on the same data. Too small a rate learns slowly and wastes epochs.
Too large a rate jumps over the minimum: the loss goes up and down, or only up.
"""

# %%
# Plain stochastic gradient descent on two thousand noisy rows of two classes. ``loss_curve_`` has
# the mean loss of each epoch; the dotted line is the loss of a model that ignores the features.

import matplotlib.pyplot as plt
import numpy as np

from fastlr import SGD, LinearClassifier, diagnose

rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 20))
y = X @ rng.normal(size=20) + rng.logistic(size=2000) > 0

models = {}
figure, axis = plt.subplots(layout="constrained")
for lr, what in [
    (0.0001, "too small"),
    (0.05, "right"),
    (5.0, "too large"),
    (20.0, "far too large"),
]:
    models[what] = model = LinearClassifier(
        SGD(), lr=lr, schedule=None, batch_size=8, max_epochs=20, random_state=0
    ).fit(X, y)
    axis.plot(model.history_["epoch"], model.loss_curve_, marker=".", label=f"{what}: {lr:g}")
axis.axhline(np.log(2), color="grey", linestyle=":")
axis.set(xlabel="epoch", ylabel="training loss", yscale="log")
figure.legend(loc="outside right center")
plt.show()

# %%
# `diagnose` tells these cases apart by the training history and recommends a next step.

for what, model in models.items():
    print(f"-- {what}\n{diagnose(model)}\n")

# %%
# With a rate that is far too large, the loss overflows. fastlr then stops, names the step and the
# rate in a warning, and keeps the weights of the last finished epoch.

import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = LinearClassifier(SGD(), lr=1e6, schedule=None, standardize=False, random_state=0).fit(
        1e300 * X, y
    )
print(caught[0].message)
