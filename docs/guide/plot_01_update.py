r"""
1. Too large, too small, right
==============================

Gradient descent moves the parameters against the gradient, by the learning rate :math:`\alpha`:

.. math:: \theta_{new} = \theta_{old} - \alpha \, \nabla J(\theta_{old})

Three rates on the same data. Too small a rate learns slowly and wastes the epochs. Too large a
rate jumps over the minimum: the loss goes up and down, or only up.
"""

# %%
# The digits that scikit-learn ships, 1,797 images of 64 pixels, and plain stochastic gradient
# descent. ``loss_curve_`` has the mean loss of each epoch.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from fastlr import SGD, LinearClassifier

X, y = load_digits(return_X_y=True)
X = X / 16

figure, axis = plt.subplots(layout="constrained")
for lr, what in [(0.001, "too small"), (0.3, "right"), (300.0, "too large")]:
    model = LinearClassifier(
        SGD(), lr=lr, schedule=None, batch_size=32, max_epochs=15, random_state=0
    ).fit(X, y)
    axis.plot(model.history_["epoch"], model.loss_curve_, marker=".", label=f"{what}: {lr:g}")
axis.set(xlabel="epoch", ylabel="training loss", yscale="log")
axis.legend()
plt.show()

# %%
# A rate that is far too large leaves the finite numbers. fastlr then stops, warns with the step
# and the rate, and keeps the weights of the last finished epoch.

import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = LinearClassifier(SGD(), lr=1e6, schedule=None, standardize=False, random_state=0).fit(
        1e300 * X, y
    )
print(caught[0].message)
