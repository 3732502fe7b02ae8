"""
4. Changing the rate while training
===================================

A schedule multiplies the rate by a factor that depends on the step alone. Lengths are steps
(``100``), epochs (``epochs(2)``) or a fraction of the run (``0.1``). ``schedule.plot()`` shows the
rates before anything is trained.
"""

# %%
import matplotlib.pyplot as plt

from fastlr.schedules import (
    Constant,
    CosineAnnealing,
    CosineRestarts,
    Cyclical,
    ExponentialDecay,
    OneCycle,
    StepDecay,
    Warmup,
    epochs,
)

PER_EPOCH, STEPS = 100, 1000
schedules = {
    "step decay": StepDecay(every=epochs(3), gamma=0.1),
    "exponential decay": ExponentialDecay(gamma=0.95, every=epochs(1)),
    "cosine annealing": CosineAnnealing(),
    "cosine with warm restarts": CosineRestarts(epochs(2.5)),
    "warm-up, then cosine": Warmup(0.1, CosineAnnealing()),
    "constant, then cosine": Constant().then(CosineAnnealing(), after=0.5),
    "cyclical": Cyclical(up=epochs(1)),
    "one-cycle": OneCycle(),
}
figure, axes = plt.subplots(4, 2, figsize=(9, 10), layout="constrained")
for axis, (name, schedule) in zip(axes.flat, schedules.items(), strict=True):
    schedule.plot(ax=axis, n=STEPS, lr=0.1, steps_per_epoch=PER_EPOCH)
    axis.set_title(name, pad=22)  # above the legend of rate and momentum
plt.show()

# %%
# One-cycle and cyclical schedules also drive the momentum (dashed), in the opposite direction.
# Schedules compose: ``a.then(b, after=100)`` runs one after the other, ``a * b`` multiplies them,
# and `Warmup` precedes any schedule.
#
# `ReduceOnPlateau` cannot be planned. It sees a metric after each epoch and lowers the rate when
# the metric stops improving. The metric in this example is made up.

from fastlr.schedules import ReduceOnPlateau

loss = [1.0, 0.7, 0.5, 0.42, 0.42, 0.42, 0.42, 0.3, 0.3, 0.3]
plateau = ReduceOnPlateau(factor=0.2, patience=1)
rates = plateau.simulate(STEPS, lr=0.1, steps_per_epoch=PER_EPOCH, metrics=loss).lr
figure, (above, below) = plt.subplots(2, 1, sharex=True, layout="constrained")
above.step([PER_EPOCH * (i + 1) for i in range(len(loss))], loss, where="post", color="tab:green")
above.set(ylabel="metric")
below.plot(rates)
below.set(xlabel="step", ylabel="learning rate")
plt.show()

# %%
# To see the benefit, compare a constant rate with two schedules on noisy data. At a constant rate
# the weights keep jumping around the minimum; a falling rate lets them settle.

import numpy as np

from fastlr import SGD, LinearClassifier

rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 50))
y = X @ rng.normal(size=50) / 5 + rng.logistic(size=4000) > 0
figure, axis = plt.subplots(layout="constrained")
for name in (None, "exponentialdecay", "onecycle"):
    model = LinearClassifier(
        SGD(lr=0.5), schedule=name, batch_size=8, max_epochs=30, random_state=0
    ).fit(X, y)
    axis.plot(model.history_["epoch"], model.loss_curve_, label=str(name or "constant"))
axis.set(xlabel="epoch", ylabel="training loss")
axis.legend()
plt.show()
