"""
10. The practical order
=======================

Start from the recommended rate, look at the learning curve, add a schedule, then search; use a
warm-up and clipping if training is unsteady. This page follows one data set step by step.
"""

# %%
# Before anything else, hold some rows out. Real features are unscaled, so the pipeline standardises
# them.

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import AdamW, MLPClassifier, find_lr

X, y = load_breast_cancer(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)


def report(name, model):
    """Print the loss on the held-out rows."""
    print(f"{name:34s} log-loss {log_loss(y_test, model.predict_proba(X_test)):.4f}")


# %%
# 1. The recommended rate: AdamW at a constant 0.001.


def network(**settings):
    """Return a pipeline with a small network."""
    mlp = MLPClassifier((32,), batch_size=32, max_epochs=20, random_state=0, **settings)
    return make_pipeline(StandardScaler(), mlp)


plain = network(optimizer=AdamW(), lr=0.001, schedule=None).fit(X, y)
report("AdamW at 0.001", plain)

# %%
# 2. The learning curve and its diagnosis. `plot_diagnosis` draws it with the verdict and the next
# step.

from fastlr import diagnose
from fastlr.plots import plot_diagnosis

print(diagnose(plain))
plot_diagnosis(plain)
plt.show()

# %%
# 3. A schedule and a higher rate. The range test shows how high the rate may be: the loss shoots up
# at its ``edge``. Its suggestion has won a race of short runs; ten times the first rate is near it.

found = find_lr(network(optimizer=AdamW()), X, y, random_state=0)
print(found)
scheduled = network(optimizer=AdamW(), lr=0.01, schedule="onecycle").fit(X, y)
report("one-cycle at 0.01", scheduled)

# %%
# 4. A search around that rate, together with the weight decay: 27 candidates in one sweep.

from fastlr.tuning import log_grid, sweep

swept = sweep(
    network(optimizer=AdamW()),
    X,
    y,
    log_grid(1e-3, 1e-1, 9),
    weight_decays=[0.01, 0.1, 1.0],
    scoring="neg_log_loss",
    random_state=0,
)
print(swept)
report("the best of the sweep", swept.refit(X, y))

# %%
# On 143 rows, differences in the second digit are noise.
#
# 5. If the curve is unsteady, use ``clip_norm=1.0`` and a warm-up. They cost nothing here.

from fastlr import CosineAnnealing, Warmup

steady = network(
    optimizer=AdamW(),
    lr=0.01,
    schedule=Warmup(0.1, CosineAnnealing()),
    clip_norm=1.0,
).fit(X, y)
report("warm-up, cosine, clipping", steady)

# %%
# ``fastlr.report(model, "report.html")`` writes a page with the pictures and the diagnosis of a
# run.
