"""Parameter groups: which names a pattern takes, and what is refused."""

import numpy as np
import pytest

from fastlr import SGD
from fastlr.updater.groups import Group, assign_groups
from tests.support.cases import bits, small, snapshot, walk

NAMES = ["body.0.weight", "body.0.bias", "body.1.weight", "head.weight", "head.bias"]

CHOICES = {
    "a name": (["head.bias"], [0, 0, 0, 0, 1]),
    "a star": (["*.bias"], [0, 1, 0, 0, 1]),
    "a question mark": (["body.?.weight"], [1, 0, 1, 0, 0]),
    "a set": (["body.[1-9].*"], [0, 0, 1, 0, 0]),
    "several": ([["head.*", "*.bias"]], [0, 1, 0, 1, 1]),
    "a tuple": ([("head.weight", "head.bias")], [0, 0, 0, 1, 1]),
    "the first counts": (["*.bias", "head.*", "*"], [3, 1, 3, 2, 1]),
    "all": (["*"], [1, 1, 1, 1, 1]),
}


@pytest.mark.parametrize("what", CHOICES)
def test_patterns_choose_by_name(what):
    patterns, expected = CHOICES[what]
    given = [{"match": p, "lr": 0.5 + k} for k, p in enumerate(patterns)]
    groups, ids = assign_groups(NAMES, given)
    assert ids == expected
    assert groups == [Group(), *(Group(0.5 + k) for k in range(len(patterns)))]


def test_patterns_mind_case_and_the_whole_name():
    with pytest.raises(ValueError, match=r"groups\[0\]: match='HEAD.\*' fits no parameter"):
        assign_groups(NAMES, [{"match": "HEAD.*"}])
    with pytest.raises(ValueError, match=r"fits no parameter; names are 'body.0.weight', "):
        assign_groups(NAMES, [{"match": "bias"}])


def test_no_groups():
    assert assign_groups(NAMES, None) == assign_groups(NAMES, []) == ([Group()], [0] * 5)


UNFIT = {
    "a dict": ({"match": "*"}, TypeError, "groups must be a list of dicts, got dict"),
    "text": ("*.bias", TypeError, "groups must be a list of dicts, got str"),
    "a number": (3, TypeError, "groups must be a list of dicts, got int"),
    "a list of texts": (["*"], TypeError, r"groups\[0\] must be a dict, got str"),
    "second": ([{"match": "*"}, 1], TypeError, r"groups\[1\] must be a dict, got int"),
    "no match": ([{"lr": 0.1}], ValueError, r"groups\[0\] needs 'match' and takes 'lr'"),
    "unknown": ([{"match": "*", "momentum": 0.5}], ValueError, r"groups\[0\] needs 'match' and"),
    "match number": ([{"match": 3}], TypeError, r"groups\[0\]: match must be a pattern or a list"),
    "match numbers": ([{"match": ["*", 1]}], TypeError, r"groups\[0\]: match must be a pattern"),
    "no pattern": ([{"match": []}], ValueError, r"groups\[0\]: match=\[\] fits no parameter"),
    "lr negative": ([{"match": "*", "lr": -0.1}], ValueError, r"groups\[0\]: lr \(a factor\) must"),
    "lr nan": ([{"match": "*", "lr": np.nan}], ValueError, r"groups\[0\]: lr \(a factor\) must"),
    "lr inf": ([{"match": "*", "lr": np.inf}], ValueError, r"groups\[0\]: lr \(a factor\) must"),
    "lr text": ([{"match": "*", "lr": "1"}], TypeError, r"groups\[0\]: lr \(a factor\) must"),
    "lr none": ([{"match": "*", "lr": None}], TypeError, r"groups\[0\]: lr \(a factor\) must"),
    "lr true": ([{"match": "*", "lr": True}], TypeError, r"groups\[0\]: lr \(a factor\) must"),
    "decay": ([{"match": "*", "weight_decay": -1}], ValueError, r"groups\[0\]: weight_decay must"),
    "decay text": ([{"match": "*", "weight_decay": ""}], TypeError, r"\[0\]: weight_decay must be"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_unfit_groups_are_refused_by_name(what):
    groups, error, said = UNFIT[what]
    params = small()
    with pytest.raises(error, match=said):
        SGD().bind(params, groups)
    assert bits(params) == bits(small())


def step_by_hand(groups, **more):
    params = {"w": np.ones(2), "b": np.ones(2)}
    SGD(lr=0.5, **more).bind(params, groups).step({"w": np.ones(2), "b": np.ones(2)})
    return params["w"][0], params["b"][0]


def test_a_factor_on_the_rate_by_hand():
    assert step_by_hand([{"match": "b", "lr": 0.5}]) == (0.5, 0.75)
    assert step_by_hand([{"match": "b", "lr": 2}]) == (0.5, 0.0)
    assert step_by_hand([{"match": "b", "lr": 0}]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("decay", "w", "b"),
    [("l2", 1 - 0.5 * 1.25, 0.5), ("decoupled", 0.875 - 0.5, 0.5), ("independent", 0.25, 0.5)],
)
def test_a_decay_of_its_own_by_hand(decay, w, b):
    more = {"weight_decay": 0.25, "decay": decay}
    assert step_by_hand([{"match": "b", "weight_decay": 0.0}], **more) == (w, b)
    assert step_by_hand([{"match": "b", "weight_decay": None}], **more) == (w, w)
    more["weight_decay"] = 0.0
    assert step_by_hand([{"match": "w", "weight_decay": 0.25}], **more) == (w, b)


def test_decoupled_decay_follows_a_groups_rate_and_independent_decay_does_not():
    groups = [{"match": "b", "lr": 0.5}]
    params = {"w": np.ones(1), "b": np.ones(1)}
    zero = {"w": np.zeros(1), "b": np.zeros(1)}
    SGD(lr=0.5, weight_decay=0.5, decay="decoupled").bind(params, groups).step(zero)
    assert (params["w"][0], params["b"][0]) == (0.75, 0.875)
    params = {"w": np.ones(1), "b": np.ones(1)}
    SGD(lr=0.5, weight_decay=0.5, decay="independent").bind(params, groups).step(zero)
    assert (params["w"][0], params["b"][0]) == (0.5, 0.5)


def test_the_norm_is_taken_over_all_groups():
    params = {"w": np.zeros(1), "b": np.zeros(1)}
    updater = SGD(lr=1.0, clip_norm=1.0).bind(params, [{"match": "b", "lr": 0.5}])
    updater.step({"w": np.array([3.0]), "b": np.array([4.0])})
    scale = 1 / (5 + 1e-6)
    assert params["w"][0] == pytest.approx(-3 * scale, rel=1e-15)
    assert params["b"][0] == pytest.approx(-2 * scale, rel=1e-15)


def test_positions_are_the_names_of_a_sequence():
    arrays = [np.ones(1) for _ in range(11)]
    updater = SGD(lr=0.5).bind(arrays, [{"match": ["1", "10"], "lr": 0}])
    updater.step([np.ones(1)] * 11)
    assert [a[0] for a in arrays] == [0.5, 1.0, *[0.5] * 8, 1.0]
    single = np.ones(1)
    SGD(lr=0.5).bind(single, [{"match": "0", "lr": 0.5}]).step(np.ones(1))
    assert single[0] == 0.75


def test_a_group_that_changes_nothing_changes_nothing():
    plain = walk(SGD(lr=0.5, momentum=0.9, weight_decay=0.1).bind(small()), 4)
    groups = [{"match": "a.*"}, {"match": "*", "lr": 1, "weight_decay": 0.1}]
    grouped = walk(SGD(lr=0.5, momentum=0.9, weight_decay=0.1).bind(small(), groups), 4)
    assert snapshot(grouped) == snapshot(plain)
