"""
9. Transfer learning: a rate for each layer
===========================================

A network trained on much data is a good start for a task with little data. Its first layers change
slowly, at a small rate, and its new last layer learns at the usual rate. Howard & Ruder (2018) call
these discriminative learning rates. With gradual unfreezing, also theirs, layers join the training
one by one, from the last to the first.
"""

# %%
# A network learns to tell the digits 0 to 4 apart. Two new tasks have ten labelled rows each. The
# near task asks whether one of the same digits is odd or even, the far task which of the digits 5
# to 9 it is.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from fastlr import MLPClassifier

X, y = load_digits(return_X_y=True)
X, low = X / 16, np.flatnonzero(y < 5)
known, unseen = low[:450], low[450:]
trained = MLPClassifier((256, 64), max_epochs=20, random_state=0).fit(X[known], y[known])
print(f"0 to 4, new rows: accuracy {trained.score(X[unseen], y[unseen]):.3f}")

tasks = {"near: odd or even": (unseen, y % 2), "far: 5 to 9": (np.flatnonzero(y >= 5), y)}

# %%
# ``warm_start_from`` copies the layers that match: here all but the last, which has other classes.
# One parameter controls how they are then trained. ``lr=slice(low, high)`` spreads rates over the
# layers by equal factors, from the lowest in the first to the highest in the last. ``unfreeze=10``
# trains the last layer alone for ten epochs, then the last two for ten epochs, then all.

copied = {"warm_start_from": trained}
ways = {
    "from scratch": lambda lr: {"lr": lr},
    "frozen features": lambda lr: {"lr": lr, "frozen_layers": [0, 1], **copied},
    "all layers, one rate": lambda lr: {"lr": lr, **copied},
    "rates by layer": lambda lr: {"lr": slice(lr / 10, lr), **copied},
    "gradual unfreezing": lambda lr: {"lr": lr, "unfreeze": 10, **copied},
    "both": lambda lr: {"lr": slice(lr / 10, lr), "unfreeze": 10, **copied},
}


def accuracies(rows, labels, settings, draws):
    """Train on two rows of each digit, drawn anew each time; return accuracies on the rest."""
    found = []
    for draw in draws:
        rng = np.random.default_rng(draw)
        few = np.concatenate([rng.permutation(rows[y[rows] == k])[:2] for k in set(y[rows])])
        rest = np.setdiff1d(rows, few)
        model = MLPClassifier((256, 64), batch_size=5, max_epochs=30, random_state=draw, **settings)
        found.append(model.fit(X[few], labels[few]).score(X[rest], labels[rest]))
    return np.array(found)


# %%
# Each method uses the best of three rates, chosen on five draws of rows; the table shows twenty
# other draws. The second number is the standard deviation over draws, and the last column counts
# the draws in which the method did better than training from scratch on the same rows.

results = {}
for task, (rows, labels) in tasks.items():
    print(f"\n{task:23s}  rate   accuracy  (sd)     better than scratch")
    for way, settings in ways.items():
        rates = [0.003, 0.01, 0.03]
        means = [accuracies(rows, labels, settings(lr), range(5)).mean() for lr in rates]
        lr = rates[int(np.argmax(means))]
        scores = results[task, way] = accuracies(rows, labels, settings(lr), range(5, 25))
        better = int(np.sum(scores > results[task, "from scratch"]))
        better = "" if way == "from scratch" else f"{better}/20"
        print(f"{way:23s}  {lr:<5g}  {scores.mean():.3f}     ({scores.std(ddof=1):.3f})  {better}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for axis, task in zip(axes, tasks, strict=True):
    axis.boxplot([results[task, way] for way in ways], orientation="horizontal")
    axis.set(title=task, xlabel="accuracy", yticks=range(1, 7), yticklabels=ways)
axes[0].invert_yaxis()
plt.show()

# %%
# The best method depends on how near the tasks are. The near task needs the features that were
# learnt, and ten rows can only spoil them. So the less the layers move, the better: frozen layers
# do best, followed by small rates for the first layers together with gradual unfreezing. For the
# far task, features that tell 0 from 4 are of little use. Frozen layers do worse than training from
# scratch, and no method beats it by more than the spread over draws. So try frozen layers first,
# which is also the cheapest method. If they are no better than training from scratch, train all
# layers.
#
# With more rows, transfer matters less. With twenty rows of each digit instead of two, over eight
# draws, the six methods reach 0.983 to 0.990 on the near task, gradual unfreezing being the best.
# On the far task training from scratch is the best, with 0.949.
#
# For your own arrays, or those of another library, `layer_groups` makes equivalent parameter
# groups. These are the groups for the three layers of this network.

from fastlr import AdamW, layer_groups

params = {
    f"{kind}_{k}": array.copy()
    for k, layer in enumerate(zip(trained.coefs_, trained.intercepts_, strict=True))
    for kind, array in zip(("coef", "intercept"), layer, strict=True)
}
groups = layer_groups(params, lr=slice(1e-4, 1e-2), unfreeze=10)
updater = AdamW(lr=1e-2).bind(params, groups, steps_per_epoch=2)
for group in groups:
    print(group)
