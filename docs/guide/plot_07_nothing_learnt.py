"""
7. Nothing is learnt
====================

The loss does not move. Three causes, in the order in which to check them: a rate that is too
small (raise it ten to a hundred times), features that are not scaled, and, in networks, weights
that start too large or too small.
"""

# %%
# Breast cancer, as scikit-learn ships it: some features are near 0.01, others near 1,000. With
# these numbers every rate is wrong, for some features too large and for others too small.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import LinearClassifier

X, y = load_breast_cancer(return_X_y=True)
print("largest value of a feature, from", X.max(axis=0).min(), "to", X.max(axis=0).max())

# %%
rates = np.logspace(-6, 1, 15)
settings = {"schedule": None, "batch_size": 32, "random_state": 0, "standardize": False}
figure, axis = plt.subplots(layout="constrained")
for name, scaled in [("as they are", False), ("standardised", True)]:
    losses = []
    for lr in rates:
        model = LinearClassifier("sgd", lr=lr, **settings)
        steps = [StandardScaler(), model] if scaled else [model]
        losses.append(make_pipeline(*steps).fit(X, y)[-1].loss_curve_[-1])
    axis.plot(rates, losses, marker=".", label=name)
axis.axhline(np.log(2), color="grey", linestyle=":", label="a coin")
axis.set(xlabel="learning rate", ylabel="training loss after 10 epochs", xscale="log", yscale="log")
axis.legend()
plt.show()

# %%
# With standardised features a range of a thousand-fold works; without, only the smallest rates
# beat a coin, and not by much. On the left of the lower curve is the other cause: the rate is too
# small.

# %%
# The estimators see to the scales by themselves: with ``standardize="auto"``, their default,
# features that need it are scaled inside. It is switched off here. `diagnose` looks at a run and
# names the cause. Two that learn nothing: features as they are, and scaled features at a rate that
# is far too small.

from fastlr import diagnose

scaled = StandardScaler().fit_transform(X)
runs = {
    "features as they are": LinearClassifier("sgd", lr=0.01, **settings).fit(X, y),
    "rate too small": LinearClassifier("sgd", lr=1e-5, **settings).fit(scaled, y),
}
for name, model in runs.items():
    print(f"-- {name}\n{diagnose(model)}\n")
