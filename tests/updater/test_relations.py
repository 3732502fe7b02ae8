"""Runs that must be related whatever the rule computes: equal settings said in two ways."""

import numpy as np
import pytest

from fastlr import SGD, Adagrad, Adam, AdamW, Constant, RMSprop
from tests.support.cases import CASES, FULLEST, bits, gradients, make, small, snapshot, tree, walk

CUT = 5  # steps


def run(case, params=None, groups=None, flip=1, **more):
    updater = make(case, **more).bind(small() if params is None else params, groups)
    for t in range(1, CUT + 1):
        updater.step({k: flip * g for k, g in gradients(updater.params, t).items()})
    return snapshot(updater)


@pytest.mark.parametrize("case", CASES)
def test_settings_that_change_nothing_give_the_same_bits(case):
    plain = run(case, weight_decay=0.0)
    # The norm of a scaled gradient may differ in its last bit, but not where the factor is 1.
    for same in [
        {"decay": "l2"},
        {"decay": "decoupled"},
        {"decay": "independent"},
        {"clip_norm": np.inf},
        {"clip_norm": 1e6},
        {"clip_value": np.inf},
        {"clip_value": 1.0},
        {"schedule": Constant()},
        {"schedule": "constant"},
        {"nonfinite": "raise"},
        {"nonfinite": "skip"},
        {"average": "polyak"},
    ]:
        other = run(case, weight_decay=0.0, **same)
        other["state"].pop("average", None)
        assert other == plain, same


@pytest.mark.parametrize("more", [{}, {"clip_norm": 0.5}, {"clip_value": 0.3}])
@pytest.mark.parametrize("case", CASES)
def test_ascending_is_descending_the_negated_gradient(case, more):
    assert run(case, maximize=True, **more) == run(case, flip=-1, **more)


@pytest.mark.parametrize("case", CASES)
def test_a_rate_of_zero_freezes_a_group_and_it_alone(case):
    if not _uses_rate(case):
        pytest.skip("this rule moves without its rate")
    if CASES[case][0].scope == "all":
        pytest.skip("this rule looks at all groups at once")
    params = small()
    frozen = run(case, params, [{"match": "a.*", "lr": 0.0, "weight_decay": 0.0}], weight_decay=0.1)
    start, free = bits(small()), run(case, weight_decay=0.1)
    for name in ("a.weight", "a.bias"):
        assert frozen["params"][name] == start[name] != free["params"][name]
    assert frozen["params"]["b.weight"] == free["params"]["b.weight"]


def _uses_rate(case):
    return run(case, lr=0.0, weight_decay=0.0)["params"] == bits(small())


@pytest.mark.parametrize("case", CASES)
def test_a_group_steps_as_if_its_parameters_were_bound_alone(case):
    if CASES[case][0].scope == "all":
        pytest.skip("this rule looks at all groups at once")
    params = small()
    groups = [{"match": ["a.bias", "b.*"], "lr": 0.5, "weight_decay": 0.2}]
    together = run(case, params, groups, weight_decay=0.05)
    names = [n for n in params if n != "a.weight"]
    # A factor on the rate is what a constant schedule is, too: some rules start from `lr` itself.
    for chosen, more in [
        (["a.weight"], {"weight_decay": 0.05}),
        (names, {"weight_decay": 0.2, "schedule": Constant(0.5)}),
    ]:
        optimizer = make(case, **more)
        alone = {n: small()[n] for n in chosen}
        updater = optimizer.bind(alone)
        for t in range(1, CUT + 1):
            updater.step({n: gradients(small(), t)[n] for n in chosen})
        assert bits(alone) == {n: together["params"][n] for n in chosen}


@pytest.mark.parametrize("case", FULLEST.values())
def test_clipping_equals_scaling_the_gradient_beforehand(case):
    params, other = small(), small()
    clipped, scaled = make(case, clip_norm=0.7).bind(params), make(case).bind(other)
    for t in range(1, CUT + 1):
        grads = gradients(params, t)
        norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
        assert norm > 0.7
        clipped.step(grads)
        scaled.step({k: g * (0.7 / (norm + 0.7e-6)) for k, g in grads.items()})
    for name, p in params.items():
        np.testing.assert_allclose(p, other[name], rtol=1e-12)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("scale", [2.0**-40, 2.0**30])
def test_adam_without_eps_does_not_see_the_size_of_gradients(amsgrad, scale):
    """A power of two changes no digit, so the bits must not change either."""

    def final(scale):
        params = tree()
        updater = Adam(lr=0.1, eps=0.0, beta1=0.7, amsgrad=amsgrad).bind(params)
        for t in range(1, 40):
            updater.step({k: np.asarray(scale * g) for k, g in gradients(params, t).items()})
        return bits(params)

    assert final(scale) == final(1.0)


@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20])
@pytest.mark.parametrize(
    "optimizer",
    [
        RMSprop(eps=0.0, centered=True, momentum=0.5),
        Adagrad(eps=0.0),
        Adam(eps=0.0, clip_norm=None),
    ],
)
def test_rules_that_divide_by_the_gradients_size_do_not_see_it(optimizer, scale):
    def final(scale):
        params = small()
        updater = optimizer.bind(params)
        for t in range(1, 20):
            updater.step({k: np.asarray(scale * g) for k, g in gradients(params, t).items()})
        return bits(params)

    assert final(scale) == final(1.0)


def test_sgd_is_linear_in_rate_and_gradient():
    def moved(lr, scale):
        params = small()
        updater = SGD(lr=lr, momentum=0.75, dampening=0.25).bind(params)
        for t in range(1, 10):
            updater.step({k: np.asarray(scale * g) for k, g in gradients(params, t).items()})
        return bits(params)

    assert moved(0.5, 2.0) == moved(1.0, 1.0) == moved(0.25, 4.0)


def test_sgd_without_momentum_is_plain_whatever_the_dampening():
    plain = walk(SGD(lr=0.5).bind(small()), 5)
    for same in (SGD(lr=0.5, dampening=0.9), SGD(lr=0.5, momentum=0, lr_in_momentum=True)):
        assert bits(walk(same.bind(small()), 5).params) == bits(plain.params)


def test_nesterov_looks_one_step_ahead_of_heavy_ball():
    heavy, ahead = (
        walk(SGD(lr=0.5, momentum=0.75, nesterov=n).bind(small()), 6) for n in (False, True)
    )
    buffers = heavy.state_dict()["state"]["buf"]
    assert bits(buffers) == bits(ahead.state_dict()["state"]["buf"])
    for name, buf in buffers.items():
        look_ahead = heavy.params[name] - 0.5 * 0.75 * buf
        np.testing.assert_allclose(ahead.params[name], look_ahead, rtol=1e-13)


@pytest.mark.parametrize("lr_in_momentum", [False, True])
def test_where_the_rate_enters_makes_no_difference_while_it_is_constant(lr_in_momentum):
    a = walk(SGD(lr=0.5, momentum=0.75, lr_in_momentum=lr_in_momentum).bind(small()), 8)
    b = walk(SGD(lr=0.5, momentum=0.75).bind(small()), 8)
    assert bits(a.params) == bits(b.params)


def test_adamw_is_adam_with_decoupled_decay():
    a = walk(Adam(lr=0.1, weight_decay=0.2, decay="decoupled").bind(small()), 8)
    b = walk(AdamW(lr=0.1, weight_decay=0.2).bind(small()), 8)
    assert bits(a.params) == bits(b.params)


@pytest.mark.parametrize("kind", ["decoupled", "independent"])
def test_direct_decay_takes_its_share_off_first(kind):
    """Without a gradient nothing else happens: p shrinks by the same factor at every step."""
    params = small()
    updater = SGD(lr=0.5, weight_decay=0.25, decay=kind, schedule=Constant(0.5)).bind(params)
    for _ in range(3):
        updater.step({k: np.zeros_like(p) for k, p in params.items()})
    factor = 1 - 0.25 * 0.5 * (0.5 if kind == "decoupled" else 1.0)
    for name, p in params.items():
        np.testing.assert_allclose(p, small()[name] * factor**3, rtol=1e-15)
