"""A schedule whose rest is played faster than it was laid out."""

import numpy as np
import pytest

from fastlr import SGD, CosineAnnealing, OneCycle
from fastlr.updater.timetable import Timetable
from tests.support.engines import ENGINES

SCHEDULES = {"cosine": CosineAnnealing(), "one cycle": OneCycle()}


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("since", [1, 10, 60])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rest_falls_to_the_schedules_end_within_the_steps_given(engine, name, since):
    p = np.zeros(3)
    updater = SGD(lr=0.5, momentum=0.9, schedule=SCHEDULES[name]).bind(
        p, total_steps=100, backend=engine
    )
    rates = []
    for _ in range(since):
        updater.step(np.ones(3))
    last, momentum = updater.stats()["lr"], updater.momentum
    updater.binding.hurry(20)
    for _ in range(20):
        rates.append(updater.lr)
        updater.step(np.ones(3))
        assert updater.stats()["lr"] == rates[-1]
    assert rates[0] <= last * 1.3  # no higher than it would have been
    assert (np.diff(rates) <= 0).all()
    assert rates[-1] < 0.05 * 0.5
    assert updater.momentum >= momentum or name == "cosine"
    assert updater.t == since + 20
    updater.step(np.ones(3))  # beyond the end as at the end
    assert updater.stats()["lr"] <= rates[-1]


def test_steps_before_it_and_a_restart_know_nothing_of_it():
    optimizer = SGD(lr=0.5, schedule=OneCycle())
    p = np.zeros(1)
    binding = optimizer.bind(p, total_steps=100).binding
    table: Timetable = binding.timetable
    steps = np.arange(100.0)
    before = [table.rates(int(t)) for t in steps]
    table.hurry(50, 10)
    assert [table.rates(int(t)) for t in steps[:50]] == before[:50]
    assert table.rates(59)[0] < before[90][0]
    table.restart(binding.optimizer, binding.run)
    assert [table.rates(int(t)) for t in steps] == before
