"""
3. Finding a rate
=================

Three methods, the cheapest first: the range test, a sweep over many rates at once, and
scikit-learn's searches.
"""

# %%
# The range test (Smith 2017) trains for some two hundred steps while the rate rises from far too
# small to far too large. The loss stays flat, falls, and shoots up; good rates lie where it falls.
# Where exactly, the curve does not tell: it would be another one for a slower rise. `find_lr` draws
# it, and suggests the rate that wins a race of short runs, each at a single rate; the model stays
# unchanged.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from fastlr import LinearClassifier, find_lr

X, y = load_digits(return_X_y=True)
X = X / 16
model = LinearClassifier(max_epochs=5, random_state=0)
found = find_lr(model, X, y, random_state=0)
print(found)

figure, axis = plt.subplots(layout="constrained")
found.plot(axis)
plt.show()

# %%
# Train the model at the suggested rate.

model.set_params(lr=found.suggestion).fit(X, y)
print(f"training loss {model.loss_curve_[-1]:.3f} after {model.n_iter_} epochs")

# %%
# A sweep cross-validates many rates, which take turns on the same mini-batches in compiled code,
# and drops hopeless ones early. `refit` returns a model trained at the best rate.

from fastlr.tuning import log_grid, log_uniform, sweep

swept = sweep(LinearClassifier(max_epochs=5, random_state=0), X, y, log_grid(1e-4, 10, 16), cv=3)
print(swept)
best = swept.refit(X, y)

figure, axis = plt.subplots(layout="constrained")
swept.plot(axis)
plt.show()

# %%
# A random search draws rates on a logarithmic scale, because their order of magnitude matters. It
# does as well as a grid of the same size, and better if other parameters are searched too, since no
# two trials share a rate (Bergstra & Bengio 2012).

from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

model = LinearClassifier(max_epochs=5, random_state=0)
grid = GridSearchCV(model, {"lr": [1e-4, 1e-3, 1e-2, 1e-1, 1.0]}, scoring="neg_log_loss", cv=3).fit(
    X, y
)
search = RandomizedSearchCV(
    model, {"lr": log_uniform(1e-4, 1)}, n_iter=10, scoring="neg_log_loss", cv=3, random_state=0
).fit(X, y)

figure, axis = plt.subplots(layout="constrained")
for name, result, marker in [("grid", grid, "s"), ("random", search, "o")]:
    rates = [params["lr"] for params in result.cv_results_["params"]]
    axis.plot(rates, -result.cv_results_["mean_test_score"], marker, label=name)
axis.axvline(found.suggestion, color="grey", linestyle=":", label="range test")
axis.set(xlabel="learning rate", ylabel="log-loss, cross-validated", xscale="log", yscale="log")
axis.legend()
plt.show()

print(
    f"grid {grid.best_params_['lr']:g}, random {search.best_params_['lr']:.3g}, "
    f"sweep {swept.best_lr:.3g}, range test {found.suggestion:.3g}"
)
