"""Rates and momenta of fastlr.torch change by hand and by schedules."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

import fastlr.torch as compiled  # noqa: E402
from fastlr import OneCycle, ReduceOnPlateau, Warmup  # noqa: E402
from tests.support.tensors import (  # noqa: E402
    assert_same,
    give,
    make,
    make_theirs,
    tensors,
)


def test_groups_changed_between_steps_act_at_the_next_one():
    ours, theirs = tensors((3,), (2, 2)), tensors((3,), (2, 2))
    made = []
    for params, make_it in ((ours, make), (theirs, make_theirs)):
        optimizer = make_it("AdamW", [params[0]], lr=1e-2)
        give(params, 0)
        optimizer.step()
        optimizer.add_param_group({"params": [params[1]], "lr": 0.1, "betas": (0.5, 0.9)})
        for t in range(1, 12):
            give(params, t)
            optimizer.param_groups[0]["lr"] *= 0.9
            if t == 4:
                optimizer.param_groups[1]["weight_decay"] = 0.3
            if t == 6:
                optimizer.param_groups[0]["betas"] = [0.8, 0.95]
            if t == 7:
                optimizer.param_groups[0]["betas"][0] = 0.7
            if t == 9:
                optimizer.param_groups[1]["lr"] = torch.tensor(0.03)
            if t == 10:
                optimizer.param_groups[1]["lr"].fill_(0.01)
            optimizer.step()
        made.append(optimizer)
    assert_same(ours, theirs)
    assert made[0].state[ours[0]]["step"] == 12
    assert made[0].state[ours[1]]["step"] == 11


@pytest.mark.parametrize("name", ["AdamW", "SGD", "ASGD", "Adafactor"])
@pytest.mark.parametrize("theirs", [False, True])
def test_a_schedule_of_ours_drives_rates_and_momentum(name, theirs):
    make_it = make_theirs if theirs else make
    ours, other = tensors((3, 2)), tensors((3, 2))
    optimizer = make_it(name, ours, lr=0.1)
    scheduler = compiled.Schedule(optimizer, OneCycle(), total_steps=20)
    reference = make_theirs(name, other, lr=0.1)
    curve = OneCycle().simulate(20, 0.1)
    for t in range(20):
        assert scheduler.get_last_lr()[0] == pytest.approx(curve.lr[t])
        group = reference.param_groups[0]
        group["lr"] = float(curve.lr[t])
        if "betas" in group:
            group["betas"] = (float(curve.momentum[t]), group["betas"][1])
        elif "momentum" in group:
            group["momentum"] = float(curve.momentum[t])
        give(ours, t)
        give(other, t)
        optimizer.step()
        reference.step()
        assert_same(ours, other)
        scheduler.step()


def test_a_schedule_goes_on_after_a_pause_and_gives_way_to_a_rate_set_by_hand():
    (p,) = tensors((3,))
    optimizer = compiled.SGD([p], lr=1.0)
    scheduler = compiled.Schedule(optimizer, Warmup(10))
    for t in range(4):
        give([p], t)
        optimizer.step()
        scheduler.step()
    saved = scheduler.state_dict()
    again = compiled.Schedule(compiled.SGD([p], lr=1.0), Warmup(10))
    again.load_state_dict(saved)
    assert again.get_last_lr() == scheduler.get_last_lr()
    before = p.detach().clone()
    optimizer.param_groups[0]["lr"] = 0.0
    give([p], 5)
    optimizer.step()
    assert torch.equal(p, before)


def test_a_plateau_schedule_takes_the_metric():
    (p,) = tensors((3,))
    optimizer = compiled.AdamW([p], lr=1.0)
    scheduler = compiled.Schedule(optimizer, ReduceOnPlateau(factor=0.5, patience=1))
    rates = []
    for metric in (1.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        give([p], 0)
        optimizer.step()
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == 1.0
    assert rates[-1] < 1.0
