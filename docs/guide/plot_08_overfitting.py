"""
8. Overfitting
==============

If the training loss falls while the validation loss rises, the network memorises the rows. The rate
is not the cause. Stop early by the loss on held-out rows, lower the rate when that loss stops
falling, and regularise with weight decay or dropout.
"""

# %%
# A network that is far too large learns three hundred digits, some of which have a wrong label. As
# many rows are held out and watched with ``X_val`` and ``y_val``.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from fastlr import AdamW, MLPClassifier, ReduceOnPlateau, diagnose

X, y = load_digits(return_X_y=True)
X, y = X[:600] / 16, y[:600].copy()
rng = np.random.default_rng(0)
wrong = rng.choice(300, 45, replace=False)
y[wrong] = rng.integers(0, 10, 45)
train, held_out = slice(0, 300), slice(300, 600)

runs = {
    "nothing": {},
    "dropout 0.5": {"dropout": 0.5},
    "weight decay 1": {"optimizer": AdamW(lr=0.002, weight_decay=1.0)},
    "plateau, stopped early": {
        "schedule": ReduceOnPlateau(factor=0.2, patience=2),
        "early_stopping": True,
        "n_iter_no_change": 8,
    },
}
figure, axes = plt.subplots(2, 2, figsize=(9, 7), sharex=True, sharey=True, layout="constrained")
for axis, (name, change) in zip(axes.flat, runs.items(), strict=True):
    settings = {"optimizer": AdamW(lr=0.002), "schedule": None, "batch_size": 32}
    settings |= {"max_epochs": 60, "random_state": 0, **change}
    model = MLPClassifier((200,), **settings)
    model.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])
    epochs = model.history_["epoch"]
    axis.plot(epochs, model.history_["loss"], label="training")
    axis.plot(epochs, model.history_["validation_loss"], label="validation")
    accuracy = model.score(X[held_out], y[held_out])
    axis.set(title=f"{name}: {accuracy:.3f}", yscale="log")
    if name == "nothing":
        verdict = diagnose(model)
axes[0, 0].legend()
for axis in axes[1]:
    axis.set_xlabel("epoch")
plt.show()

# %%
# Each title has the accuracy on the held-out rows. With ``early_stopping=True`` the model keeps the
# weights of the best epoch instead of the last.
#
# `diagnose` recognises the first run.

print(verdict)
