"""Where a penalty leads on sparse rows: to the minimum of dense ones, and of scikit-learn."""

import pytest

from fastlr import QHM, SGD, Adagrad, Adam
from fastlr.optimizers import OPTIMIZERS, get_optimizer
from tests.support.minima import CASES, distance, fitted

# Rates for mini-batches of 24 rows, and how near to the minimum 200 epochs lead by each rule.
RULES = {
    "adabelief": (0.02, 2e-3),
    "adabound": (0.1, 4e-3),
    "adagrad": (0.3, 4e-3),
    "adam": (0.02, 2e-3),
    "adamax": (0.06, 2e-3),
    "adamw": (0.02, 2e-3),
    "adan": (0.03, 2e-3),
    "ademamix": (0.1, 1e-2),
    "adopt": (0.05, 5e-3),
    "asgd": (0.5, 5e-3),
    "laprop": (0.03, 2e-3),
    "madgrad": (0.3, 5e-3),
    "nadam": (0.02, 2e-3),
    "qhadam": (0.02, 2e-3),
    "radam": (0.06, 2e-3),
    "schedulefreeadamw": (0.08, 5e-2),
    "schedulefreesgd": (1.0, 5e-2),
    "sgd": (0.5, 5e-3),
    "yogi": (0.02, 2e-3),
    # These see a gradient's sign, or divide it by what is mostly its own size: the noise of
    # mini-batches then takes them past the minimum, on dense rows too.
    "adadelta": (10.0, 5e-2),
    "lion": (0.003, 5e-2),
    "rmsprop": (0.01, 5e-2),
    "rprop": (0.1, 0.5),
    "signum": (0.003, 1e-2),
}
# Rules that look across elements, whose steps are dense.
ACROSS = {*("adafactor", "dadaptadam", "dog", "lamb", "lars", "muon", "novograd", "prodigy", "sm3")}


def unregularised(rule):
    """Return a rule without a decay of its own, which would move the minimum."""
    optimizer = get_optimizer(rule)
    own = {"weight_decay", "lambd"} & set(optimizer.get_params())
    return optimizer.replace(**dict.fromkeys(own, 0.0))


def test_every_rule_that_steps_lazily_is_looked_at():
    others = {"ftrl", "qhm"}  # one has penalties of its own, the other is in STEADY
    assert set(OPTIMIZERS) == set(RULES) | ACROSS | others


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "case", [("three classes", "l2"), ("three classes", "l1"), ("numbers", "elasticnet")]
)
def test_sparse_rows_lead_to_the_minimum_of_dense_ones(case, rule):
    lr, near = RULES[rule]
    optimizer = unregularised(rule)
    dense, sparse = (
        distance(fitted(*case, optimizer, lr, rows), *case) for rows in ("dense", "sparse")
    )
    assert max(dense, sparse) < near * (4 if case[1] == "l1" else 1)
    assert sparse < max(3 * dense, 3e-3)


STEADY = {
    "sgd": (SGD(), 0.5),
    "momentum": (SGD(momentum=0.9), 0.05),
    "nesterov": (SGD(momentum=0.9, nesterov=True), 0.05),
    "qhm": (QHM(momentum=0.9), 0.5),
    "adagrad": (Adagrad(), 0.3),
    "adam": (Adam(), 0.02),
    "averaged": (Adam(average="ema", average_decay=0.98), 0.02),
    "averaged sgd": (SGD(average="ema", average_decay=0.98), 0.5),
}


@pytest.mark.parametrize("rule", STEADY)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rows", ["dense", "sparse"])
def test_every_penalty_leads_to_the_minimum_of_scikit_learn(rows, case, rule):
    optimizer, lr = STEADY[rule]
    assert distance(fitted(*case, optimizer, lr, rows), *case) < (1e-2 if case[1] == "l1" else 5e-3)
