"""
9. Transfer learning: a rate for each layer
===========================================

A network that was trained on much data is a good start for a task with little. What it has learnt
changes slowly, at a small rate, and its new last layer learns at the usual one. Howard & Ruder
(2018) call these discriminative learning rates.
"""

# %%
# First task: which of ten digits, with 1,200 rows. Second task: odd or even, with 40 other rows.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from fastlr import MLPClassifier

X, y = load_digits(return_X_y=True)
X, odd = X / 16, y % 2 == 1
X_new, y_new, X_test, y_test = X[1200:1240], odd[1200:1240], X[1240:], odd[1240:]

trained = MLPClassifier((64, 32), max_epochs=20, random_state=0).fit(X[:1200], y[:1200])

# %%
# ``warm_start_from`` copies the layers that fit, here all but the last, whose classes are others.
# ``transferred_lr_factor`` is what the rate of the copied layers is multiplied by; 0.1 and less is
# usual. ``frozen_layers`` leaves some as they are, and ``layer_lr_decay`` lets the rate fall from
# each layer to the one before it.

runs = {
    "from scratch": {},
    "copied, one rate": {"warm_start_from": trained},
    "copied, a tenth of the rate": {"warm_start_from": trained, "transferred_lr_factor": 0.1},
    "copied, frozen": {"warm_start_from": trained, "frozen_layers": [0, 1]},
    "copied, rates halved by layer": {"warm_start_from": trained, "layer_lr_decay": 0.5},
}
figure, axis = plt.subplots(layout="constrained")
for name, change in runs.items():
    model = MLPClassifier((64, 32), lr=0.02, batch_size=10, max_epochs=40, random_state=0, **change)
    model.fit(X_new, y_new, X_val=X_test, y_val=y_test)
    accuracy = model.history_["validation_score"]
    axis.plot(model.history_["epoch"], accuracy, label=f"{name}: {accuracy[-1]:.3f}")
axis.set(xlabel="epoch", ylabel="accuracy on the second task")
axis.legend()
plt.show()

# %%
# From scratch the network has forty rows to learn what a digit is; with copied layers it has to
# learn which of them are odd. The less the copied layers move, the better here.
#
# ``groups`` says the same by name, for any parameter: the first layer at a hundredth of the rate,
# and no rate at all for its intercept.

model = MLPClassifier(
    (64, 32),
    lr=0.02,
    batch_size=10,
    max_epochs=40,
    warm_start_from=trained,
    groups=[{"match": "coef_0", "lr": 0.01}, {"match": "intercept_0", "lr": 0.0}],
    random_state=0,
).fit(X_new, y_new)
print(f"accuracy {model.score(X_test, y_test):.3f}")
