"""Schedules of hyper-parameters and groups: what is refused, copies, and estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import fastlr
from fastlr import SGD, AdamW, LinearClassifier, NAdam, RMSprop, Rprop
from fastlr.optimizers import Optimizer
from fastlr.schedules import (
    Constant,
    CosineAnnealing,
    Linear,
    OneCycle,
    ReduceOnPlateau,
)
from tests.support.hashed import uniform


def walk(updater, n):
    for _ in range(n):
        updater.step(np.ones(updater.params.size))
    return updater.params


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: SGD(schedules=[("momentum", "cosine")]),
            TypeError,
            "SGD: schedules must be a dict",
        ),
        (
            lambda: SGD(schedules={"beta1": "cosine"}),
            ValueError,
            r"schedules\['beta1'\] is none of its hyper-parameters \(lr, momentum",
        ),
        (lambda: SGD(schedules={"lr": "cosine"}), ValueError, r"goes into schedule="),
        (lambda: SGD(clip_norm=1.0, schedules={"clip_norm": "cosine"}), ValueError, "one number"),
        (
            lambda: SGD(momentum=0.9, schedules={"nesterov": "cosine"}),
            ValueError,
            r"schedules\['nesterov'\]: nesterov=False is no number",
        ),
        (lambda: SGD(schedules={"decay": "cosine"}), ValueError, "decay='l2' is no number"),
        (
            lambda: SGD(schedules={"clip_value": "cosine"}),
            ValueError,
            "clip_value=None is no number",
        ),
        (
            lambda: SGD(schedules={"momentum": "no such"}),
            ValueError,
            r"SGD: schedules\['momentum'\] must be one of",
        ),
        (lambda: SGD(schedules={"momentum": 0.9}), TypeError, r"schedules\['momentum'\] must be a"),
    ],
)
def test_what_cannot_be_scheduled_is_said_at_once(build, error, message):
    with pytest.raises(error, match=message):
        build()


class Deciding(Optimizer):
    """A rule whose coefficients depend on a number in two ways that no schedule can serve."""

    lr: float = 0.1
    limit: float = 0.5
    kept: float = 0.5

    def coefficients(self, t, lr):
        kept = np.broadcast_to(self.kept, np.shape(t))
        return {"rate": lr if self.limit > 0.1 else 2 * lr, "sum": np.cumsum(kept)}

    @staticmethod
    def update(p, g, rate, sum):
        p = p - rate * sum * g
        return (p,)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            Deciding(schedules={"limit": Linear(5)}),
            r"needs limit to be one number for the whole run",
        ),
        (
            Deciding(schedules={"kept": Linear(5)}),
            r"needs kept to be one number.*depends on that of",
        ),
        (Rprop(schedules={"max_step": Linear(5)}), None),
        (
            RMSprop(initial_scale=1.0, schedules={"initial_scale": Linear(5)}),
            "no effect: the steps do not read initial_scale",
        ),
        (NAdam(schedules={"momentum_decay": Linear(5)}), None),
        (SGD(schedules={"average_decay": Linear(5)}), "average_decay is for average='ema'"),
        (SGD(schedules={"momentum": Linear(5)}), None),  # 0 stays 0: nothing to complain of
        (
            AdamW(schedule=OneCycle(9), schedules={"beta1": Linear(5)}),
            r"schedules\['beta1'\] and OneCycle\(.*\) both drive the momentum",
        ),
        (AdamW(schedule=OneCycle(9, cycle_momentum=False), schedules={"beta1": Linear(5)}), None),
        (AdamW(schedules={"beta2": CosineAnnealing()}), "needs total_steps"),
        (
            AdamW(schedules={"beta1": Constant(1.2)}),
            r"AdamW: beta1 times schedules\['beta1'\] must be a number in \[0, 1\), got 1.08",
        ),
    ],
)
def test_what_a_rule_cannot_follow_is_said_by_bind(optimizer, message):
    if message is None:
        optimizer.bind(np.ones(2))
        return
    with pytest.raises(ValueError, match=message):
        optimizer.bind(np.ones(2))


def test_a_value_out_of_range_later_stops_before_the_parameters_change():
    updater = AdamW(schedules={"beta1": Linear(1000, end=1.5)}).bind(np.ones(3))
    with pytest.raises(ValueError, match=r"beta1 times schedules\['beta1'\] must be a number"):
        walk(updater, 300)
    before, t = updater.params.copy(), updater.t
    with pytest.raises(ValueError, match="beta1 times"):
        updater.step(np.ones(3))
    assert updater.t == t
    np.testing.assert_array_equal(updater.params, before)


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        ("no such", ValueError, r"groups\[0\]: schedule must be one of"),
        (0.5, TypeError, r"groups\[0\]: schedule must be a name"),
        (CosineAnnealing(), ValueError, "CosineAnnealing: steps=None .* needs total_steps"),
    ],
)
def test_a_bad_schedule_of_a_group_is_refused(schedule, error, message):
    with pytest.raises(error, match=message):
        SGD().bind({"a": np.ones(2)}, [{"match": "a", "schedule": schedule}])


# As a part of the optimizer, and in estimators


def test_schedules_are_hyper_parameters_like_others():
    optimizer = AdamW(schedules={"beta1": Linear(5), "eps": "cosine"})
    for other in (
        clone(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
        eval(
            repr(optimizer),
            {**{n: getattr(fastlr.schedules, n) for n in fastlr.schedules.__all__}, "AdamW": AdamW},
        ),
        optimizer.replace(),
    ):
        assert other == optimizer
    assert optimizer != AdamW(schedules={"beta1": Linear(6), "eps": "cosine"})
    assert optimizer.get_params()["schedules"]["eps"] == "cosine"
    with pytest.raises(ValueError, match="gamma"):
        optimizer.set_params(schedules={"gamma": "cosine"})
    assert set(optimizer.schedules) == {"beta1", "eps"}
    before = repr(optimizer)
    walk(optimizer.bind(np.ones(2), total_steps=9), 9)
    assert repr(optimizer) == before


def test_an_estimator_trains_by_the_schedules_of_its_optimizer():
    x = uniform((90, 4), 5) - 0.5
    y = (x[:, 0] + 0.1 * uniform(90, 6) > 0).astype(int)
    bad = {"weight_decay": ReduceOnPlateau(0.01, patience=0, threshold=10.0)}

    def weights(schedules):
        optimizer = SGD(lr=0.5, weight_decay=0.5, schedules=schedules)
        model = LinearClassifier(
            optimizer, schedule=None, max_epochs=8, batch_size=10, random_state=0
        )
        return np.linalg.norm(model.fit(x, y).coef_)

    plain = weights(None)
    assert weights({"weight_decay": Constant(0.1)}) > 1.2 * plain
    assert weights({"weight_decay": Linear()}) > 1.05 * plain  # it needs the length of the run
    assert weights(bad) > 1.2 * plain  # it hears the loss, which is never good enough
