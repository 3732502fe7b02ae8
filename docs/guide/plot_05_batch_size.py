r"""
5. Batch size
=============

A batch of :math:`k` times as many rows has a gradient with less noise, so each of its fewer steps
may be larger. The linear rule multiplies the rate by :math:`k` (Goyal et al. 2017); for very large
batches, over 1,000 rows, :math:`\sqrt{k}` is the safer choice (Hoffer et al. 2017).
"""

# %%
# Plain SGD with batches of 8 to 256 rows. Left, the same rate for all: the larger the batch, the
# fewer the steps, and the less is learnt in ten epochs. Right, the rate grows with the batch.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from fastlr import SGD, LinearClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
BASE_BATCH, BASE_RATE = 8, 0.05


def loss_curve(batch, lr):
    """Return the training loss of each epoch."""
    model = LinearClassifier(
        SGD(), lr=lr, schedule=None, batch_size=batch, max_epochs=10, random_state=0
    )
    return model.fit(X, y).loss_curve_


figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for batch in (8, 32, 64, 256):
    k = batch / BASE_BATCH
    axes[0].plot(loss_curve(batch, BASE_RATE), label=f"{batch} rows")
    axes[1].plot(loss_curve(batch, BASE_RATE * k), label=f"{batch} rows, rate {BASE_RATE * k:g}")
axes[0].set(title=f"rate {BASE_RATE}", xlabel="epoch", ylabel="training loss", yscale="log")
axes[1].set(title="linear scaling", xlabel="epoch")
for axis in axes:
    axis.legend()
plt.show()
