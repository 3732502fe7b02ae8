"""
2. Where to start
=================

Each optimizer has a rate that is a good first guess. These are for networks; a linear model
tolerates about ten times as much.

========= ================================ ==========================================
optimizer first guess                      note
========= ================================ ==========================================
SGD       0.01, up to 0.1 with momentum    momentum helps; scale with the batch size
Adam      0.001, beta1 0.9, beta2 0.999    beta2 0.99 reacts faster
AdamW     0.001, weight decay 0.01         the decay is decoupled from the gradient
RMSprop   0.001, rho 0.9                   0.0001 where gradients explode
AdaGrad   0.01                             for sparse data; its rate only falls
========= ================================ ==========================================

These are fastlr's defaults, so an optimizer without arguments is a fair first try. Estimators go
further: with ``lr="auto"``, their default, `fit` first makes short runs at several rates.
"""

# %%
# `recommend` returns the rate, the range to search, companion parameters, and the source. If a task
# is given, it prefers what is usual for that task.

from fastlr import SGD, Adagrad, Adam, AdamW, RMSprop, recommend

for optimizer in (SGD(), Adam(), AdamW(), RMSprop(), Adagrad()):
    found = recommend(optimizer)
    print(
        f"{type(optimizer).__name__:8s} {found.lr:<6g} {found.low:g} to {found.high:g}  "
        f"{found.params}  {found.where}"
    )
for optimizer, task in [("adamw", "transfer"), ("rmsprop", "recurrent"), ("adagrad", "sparse")]:
    print(f"{optimizer}, {task}: {recommend(optimizer, task).lr:g}")

# %%
# All five optimizers on the same linear model, at their first guess and at ten times that rate.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from fastlr import LinearClassifier

X, y = load_digits(return_X_y=True)
X = X / 16

figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
choices = [SGD(momentum=0.9), Adam(), AdamW(), RMSprop(), Adagrad()]
for axis, factor in zip(axes, [1, 10], strict=True):
    for optimizer in choices:
        model = LinearClassifier(
            optimizer,
            lr=factor * optimizer.lr,
            schedule=None,
            batch_size=32,
            max_epochs=10,
            random_state=0,
        ).fit(X, y)
        axis.plot(model.history_["epoch"], model.loss_curve_, label=type(optimizer).__name__)
    axis.set(xlabel="epoch", yscale="log", title=f"{factor} x the first guess")
axes[0].set_ylabel("training loss")
axes[1].legend()
plt.show()
