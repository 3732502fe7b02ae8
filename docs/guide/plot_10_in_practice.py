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
# 2. The learning curve. It still falls at the end: the rate is on the small side.

figure, axis = plt.subplots(layout="constrained")
axis.plot(plain[-1].history_["epoch"], plain[-1].loss_curve_)
axis.set(xlabel="epoch", ylabel="training loss", yscale="log")
plt.show()

# %%
# 3. A schedule, and the rate that the range test suggests. It is where to look next and no promise;
# on 143 rows, differences in the second digit are noise.

found = find_lr(network(optimizer=AdamW()), X, y, random_state=0)
print(f"suggested rate {found.suggestion:.3g}")
scheduled = network(optimizer=AdamW(), lr=found.suggestion, schedule="onecycle").fit(X, y)
report("one-cycle at the suggested rate", scheduled)

# %%
# 4. A search around it, by cross-validation, with the decay beside the rate.

from scipy.stats import loguniform
from sklearn.model_selection import RandomizedSearchCV

search = RandomizedSearchCV(
    network(optimizer=AdamW()),
    {
        "mlpclassifier__lr": loguniform(found.suggestion / 10, found.suggestion * 10),
        "mlpclassifier__optimizer__weight_decay": loguniform(1e-3, 1),
    },
    n_iter=12,
    scoring="neg_log_loss",
    cv=3,
    random_state=0,
).fit(X, y)
print({name: float(f"{value:.3g}") for name, value in search.best_params_.items()})
report("the best of twelve", search)

# %%
# 5. Steadier, if the curve asks for it: ``clip_norm=1.0`` and a warm-up cost nothing here.

from fastlr import CosineAnnealing, Warmup

steady = network(
    optimizer=AdamW(),
    lr=found.suggestion,
    schedule=Warmup(0.1, CosineAnnealing()),
    clip_norm=1.0,
).fit(X, y)
report("warm-up, cosine, clipping", steady)
