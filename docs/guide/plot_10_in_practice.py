"""
10. The practical order
=======================

The recommended value first, then the learning curve, then a schedule, then a search; and warm-up
and clipping where training is unsteady. One data set, step by step.
"""

# %%
# Real features are not scaled, so this is where to begin. Hold some rows out before anything else.

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
    """Print the loss on rows that were held out."""
    print(f"{name:34s} log-loss {log_loss(y_test, model.predict_proba(X_test)):.4f}")


# %%
# 1. The recommended value: AdamW at 0.001, a constant rate.


def network(**settings):
    """Return a pipeline with a small network."""
    mlp = MLPClassifier((32,), batch_size=32, max_epochs=20, random_state=0, **settings)
    return make_pipeline(StandardScaler(), mlp)


plain = network(optimizer=AdamW(), lr=0.001, schedule=None).fit(X, y)
report("AdamW at 0.001", plain)

# %%
# 2. The learning curve, and what it means. `plot_diagnosis` draws it with verdict and next step.

from fastlr import diagnose
from fastlr.plots import plot_diagnosis

print(diagnose(plain))
plot_diagnosis(plain)
plt.show()

# %%
# 3. A schedule, and a higher rate. The range test says how far one may go: its suggestion is
# cautious, and its ``edge`` is where the loss shoots up. Ten times the first rate lies between.

found = find_lr(network(optimizer=AdamW()), X, y, random_state=0)
print(found)
scheduled = network(optimizer=AdamW(), lr=0.01, schedule="onecycle").fit(X, y)
report("one-cycle at 0.01", scheduled)

# %%
# 4. A search around it, with the decay beside the rate: 27 candidates in one sweep.

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
# 5. Steadier, if the curve asks for it: ``clip_norm=1.0`` and a warm-up cost nothing here.

from fastlr import CosineAnnealing, Warmup

steady = network(
    optimizer=AdamW(),
    lr=0.01,
    schedule=Warmup(0.1, CosineAnnealing()),
    clip_norm=1.0,
).fit(X, y)
report("warm-up, cosine, clipping", steady)

# %%
# ``fastlr.report(model, "report.html")`` writes pictures and diagnosis of a run into one page.
