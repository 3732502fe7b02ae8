r"""
5. Batch size
=============

The gradient of a batch with :math:`k` times as many rows has less noise, so each step may be
larger, and an epoch has fewer steps. The linear rule multiplies the rate by :math:`k` (Goyal et al.
2017); for very large batches, over 1,000 rows, :math:`\sqrt{k}` is the safer choice (Hoffer et al.
2017).
"""

# %%
# Plain SGD with batches of 8 to 256 rows. Left: one rate for all. The larger the batch, the fewer
# the steps, and the less is learnt in ten epochs. Right: ``reference_batch_size`` declares that the
# rate is meant for batches of 8, and larger batches use a larger rate, which ``lr_`` holds.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from fastlr import SGD, LinearClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
BASE_BATCH, BASE_RATE = 8, 0.05


def trained(batch, **settings):
    """Return a model trained for ten epochs."""
    return LinearClassifier(
        SGD(), lr=BASE_RATE, schedule=None, batch_size=batch, random_state=0, **settings
    ).fit(X, y)


figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for batch in (8, 32, 64, 256):
    axes[0].plot(trained(batch).loss_curve_, label=f"{batch} rows")
    model = trained(batch, reference_batch_size=BASE_BATCH)
    axes[1].plot(model.loss_curve_, label=f"{batch} rows, rate {model.lr_:g}")
axes[0].set(title=f"rate {BASE_RATE}", xlabel="epoch", ylabel="training loss", yscale="log")
axes[1].set(title="scaled to the batch", xlabel="epoch")
for axis in axes:
    axis.legend()
plt.show()

# %%
# `scale_lr` does the same for any rate. Rules that divide by the size of gradients, such as Adam
# and most others, use the square root at any batch size (Malladi et al. 2022); `scale_lr` knows
# them.

from fastlr import scale_lr

for optimizer in ("sgd", "adamw", "prodigy"):
    scaled = [scale_lr(0.01, 100, batch, optimizer=optimizer) for batch in (200, 1000, 4000)]
    print(f"{optimizer:8s} 0.01 at 100 rows; at 200, 1000, 4000: {[round(r, 4) for r in scaled]}")
