"""
7. Nothing is learnt
====================

If the loss does not move, check three causes in this order: a rate that is too small (raise it ten
to a hundred times), unscaled features, and, in networks, initial weights that are too large or too
small.
"""

# %%
# In scikit-learn's breast cancer data some features are near 0.01 and others near 1,000. Every rate
# is then too large for some features or too small for others.

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
for name, scaled in [("unscaled", False), ("standardised", True)]:
    losses = []
    for lr in rates:
        model = LinearClassifier("sgd", lr=lr, **settings)
        steps = [StandardScaler(), model] if scaled else [model]
        losses.append(make_pipeline(*steps).fit(X, y)[-1].loss_curve_[-1])
    axis.plot(rates, losses, marker=".", label=name)
axis.axhline(np.log(2), color="grey", linestyle=":", label="chance")
axis.set(xlabel="learning rate", ylabel="training loss after 10 epochs", xscale="log", yscale="log")
axis.legend()
plt.show()

# %%
# With standardised features, rates that differ by a factor of a thousand all work. Without, only
# the smallest rates beat chance, and not by much. The left end of the lower curve shows the other
# cause: a rate that is too small.

# %%
# By default (``standardize="auto"``) the estimators standardise features that need it; this page
# switches that off. `diagnose` names the cause of a failed run. Here are two runs that learn
# nothing: one on unscaled features, and one on scaled features at a rate that is far too small.

from fastlr import diagnose

scaled = StandardScaler().fit_transform(X)
runs = {
    "unscaled features": LinearClassifier("sgd", lr=0.01, **settings).fit(X, y),
    "rate too small": LinearClassifier("sgd", lr=1e-5, **settings).fit(scaled, y),
}
for name, model in runs.items():
    print(f"-- {name}\n{diagnose(model)}\n")
