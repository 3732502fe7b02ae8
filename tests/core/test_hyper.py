"""Hyper-parameter objects: built, refused, changed, compared, printed and cloned."""

import copy
import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from fastlr import SGD, Adam, AdamW, CosineAnnealing, OneCycle
from fastlr.core.hyper import HyperParameters, check_number
from fastlr.optimizers import OPTIMIZERS, Optimizer, get_optimizer

NUMBERS = [(n, p) for n, cls in OPTIMIZERS.items() for p in cls.ranges]
CHOICES = [(n, p) for n, cls in OPTIMIZERS.items() for p in cls.choices]


class Box(HyperParameters):
    width: float
    height: float = 2.0
    kind: str = "paper"
    inner: "Box | None" = None
    count: "int" = 3

    ranges = {"width": "(0, inf)", "height": "[0, 10]"}
    choices = {"kind": ("paper", "wood", None)}

    def validate(self):
        if self.kind == "wood" and self.height > 5:
            raise ValueError("Box: a box of wood is at most 5 high")


# Every optimizer


@pytest.mark.parametrize(("name", "parameter"), NUMBERS)
def test_numbers_outside_of_their_range_are_refused_by_name(name, parameter):
    cls = OPTIMIZERS[name]
    interval = cls.ranges[parameter]
    low, high = (float(x) for x in interval[1:-1].split(","))
    outside = [math.nan, low - 1e-9, -math.inf] + ([low] if interval[0] == "(" else [])
    outside += [high * (1 + 1e-9)] if math.isfinite(high) else []
    outside += [high] if interval[-1] == ")" else []
    for value in outside:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            cls(**{parameter: value})
        said = f"{cls.__name__}: {parameter} must be a number in {interval}, got {value!r}"
        assert str(caught.value) == said
    for value in ["0.5", True, 1j, [0.5], np.array([0.5, 0.6])]:
        with pytest.raises(TypeError, match=f"{cls.__name__}: {parameter} must be a number in"):
            cls(**{parameter: value})
    if cls.parameter_defaults[parameter] is not None:
        with pytest.raises(TypeError, match=f"{cls.__name__}: {parameter} must be a number in"):
            cls(**{parameter: None})


@pytest.mark.parametrize(("name", "parameter"), CHOICES)
def test_choices_that_do_not_exist_are_refused_by_name(name, parameter):
    cls = OPTIMIZERS[name]
    for value in ["none of them", 0.5, 1, 0]:
        with pytest.raises(ValueError, match=f"{cls.__name__}: {parameter} must be one of"):
            cls(**{parameter: value})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_hyper_parameter_is_checked(name):
    cls = OPTIMIZERS[name]
    # What a schedule may be is checked where it is read; tests of schedules see to it.
    assert set(cls.parameter_defaults) - set(cls.ranges) - set(cls.choices) <= {
        "schedule",
        "schedules",
    }


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_printed_as_the_call_that_makes_it(name):
    cls = OPTIMIZERS[name]
    assert repr(cls()) == f"{cls.__name__}()"
    changed = cls(lr=0.125, clip_norm=2, average="ema", schedule=OneCycle(total_steps=9))
    names = {c.__name__: c for c in (cls, OneCycle)}
    assert eval(repr(changed), names) == changed


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_can_be_cloned_pickled_and_copied(name):
    optimizer = OPTIMIZERS[name](lr=0.125, schedule=CosineAnnealing(7), clip_norm=1.0)
    for made in (clone(optimizer), pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert made == optimizer
        assert made is not optimizer
        assert made.schedule is not optimizer.schedule
        assert made.set_params(lr=0.5) != optimizer


@pytest.mark.parametrize("make", [clone, lambda o: pickle.loads(pickle.dumps(o)), copy.deepcopy])
def test_what_was_given_is_remembered_though_it_is_the_default(make):
    left, given = SGD(), SGD(lr=0.01)
    assert left == given
    assert not make(left).is_given("lr")
    assert make(given).is_given("lr")
    assert make(left).replace(lr=0.01).is_given("lr")
    assert (repr(make(left)), repr(make(given))) == ("SGD()", "SGD(lr=0.01)")
    with pytest.raises(ValueError, match="lr"):
        left.set_params(lr=-1.0)
    assert not left.is_given("lr")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_name_in_any_case_gives_the_defaults(name):
    cls = OPTIMIZERS[name]
    assert get_optimizer(name) == get_optimizer(name.upper()) == cls()
    assert get_optimizer(optimizer := cls(lr=0.5)) is optimizer


def test_an_unknown_optimizer_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"must be one of .*adam, .*adamw, .*, got 'adamx'"):
        get_optimizer("adamx")
    with pytest.raises(TypeError, match="must be a name or an Optimizer object, got type"):
        get_optimizer(SGD)


def test_checks_across_parameters():
    with pytest.raises(ValueError, match="SGD: nesterov needs momentum > 0 and dampening == 0"):
        SGD(nesterov=True)
    with pytest.raises(ValueError, match="SGD: nesterov needs"):
        SGD(momentum=0.9, nesterov=True).set_params(dampening=0.5)
    with pytest.raises(ValueError, match="SGD: nesterov needs"):
        SGD(momentum=0.9, nesterov=True).replace(momentum=0)


# The contract itself


def test_arguments_by_position_and_by_name():
    box = Box(1.5, 3, kind="wood")
    assert box.get_params() == {
        "width": 1.5,
        "height": 3,
        "kind": "wood",
        "inner": None,
        "count": 3,
    }
    assert box == Box(height=3.0, width=1.5, kind="wood")
    for call, said in [
        (lambda: Box(), "Box needs 'width'"),
        (lambda: Box(1, width=2), "Box got 'width' twice"),
        (lambda: Box(1, depth=2), "Box has no parameter 'depth'; it takes width, height, kind"),
        (lambda: Box(1, 2, "wood", None, 3, 4), "Box takes at most 5 arguments, got 6"),
    ]:
        with pytest.raises(TypeError, match=said):
            call()
    assert list(Box.__signature__.parameters) == ["width", "height", "kind", "inner", "count"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_rate_is_the_first_argument(name):
    cls = OPTIMIZERS[name]
    assert cls(0.125) == cls(lr=0.125)
    assert next(iter(cls.__signature__.parameters)) == "lr"


def test_what_a_family_shares_comes_after_what_is_particular():
    class Heavier(AdamW):
        extra: float = 1.0
        beta1 = 0.5

    own = ["lr", "beta1", "beta2", "eps", "amsgrad", "eps_mode", "amsgrad_of", "extra"]
    assert list(Heavier.parameter_defaults)[: len(own)] == own
    assert Heavier(0.25, 0.75).get_params(deep=False) | {"schedule": None} == {
        **AdamW(0.25, 0.75).get_params(deep=False),
        "extra": 1.0,
    }
    assert Heavier().beta1 == 0.5

    class Late(HyperParameters):
        first: int = 1
        needed: float

    assert list(Late.__signature__.parameters) == ["needed", "first"]
    assert Late(2.0).get_params() == {"needed": 2.0, "first": 1}


def test_set_params_changes_all_or_nothing():
    inner = Box(1.0)
    box = Box(1.0, inner=inner)
    before = copy.deepcopy(box)
    for params, error, said in [
        ({"height": 4.0, "width": -1}, ValueError, r"Box: width must be a number in \(0, inf\)"),
        ({"height": 4.0, "depth": 1}, ValueError, "Box has no parameter 'depth'; it takes width"),
        ({"height": 6.0, "kind": "wood"}, ValueError, "a box of wood is at most 5 high"),
        ({"height": 4.0, "inner__width": 0}, ValueError, "Box: width must be a number in"),
        ({"height": 4.0, "inner__depth": 0}, ValueError, "Box has no parameter 'depth'"),
        ({"height": 4.0, "kind__x": 0}, ValueError, "Box: kind='paper' has no parameters to set"),
    ]:
        with pytest.raises(error, match=said):
            box.set_params(**params)
        assert box == before
    assert box.set_params(height=4.0, kind="wood") is box
    assert (box.height, box.kind) == (4.0, "wood")


def test_nested_objects_are_replaced_not_edited():
    shared = OneCycle(total_steps=10)
    first, second = SGD(schedule=shared), SGD(schedule=shared)
    first.set_params(schedule__total_steps=20)
    assert (first.schedule.total_steps, second.schedule.total_steps) == (20, 10)
    assert shared.total_steps == 10
    both = first.replace(schedule=CosineAnnealing(5), schedule__steps=7)
    assert both.schedule == CosineAnnealing(7)
    assert first.get_params()["schedule__total_steps"] == 20
    assert "schedule__total_steps" not in first.get_params(deep=False)


def test_replace_leaves_the_original():
    box = Box(1.0)
    other = box.replace(width=2.0)
    assert (box.width, other.width) == (1.0, 2.0)
    with pytest.raises(ValueError, match="width"):
        box.replace(width=-2.0)
    assert box == Box(1.0)


def test_equality_is_of_class_and_values():
    assert Adam() != AdamW(weight_decay=0.0, decay="l2")
    assert SGD(lr=1) == SGD(lr=1.0)
    assert SGD(nesterov=False) != 3
    assert Box(np.float64(2.0)) == Box(2)
    assert SGD(momentum=0.9) != SGD(momentum=0.8)
    with pytest.raises(TypeError, match="unhashable"):
        hash(SGD())


def test_numpy_numbers_are_numbers():
    for number in (np.float32(0.5), np.float64(0.5), np.int64(1), 1):
        assert SGD(lr=number).lr == number
        w = np.ones(1)
        SGD(lr=number).bind(w).step(np.ones(1))
        assert w[0] == 1 - number


def test_a_subclass_overrides_defaults_and_adds_checks():
    class Crate(Box):
        height = 1.0
        lid: bool = False

        ranges = {"height": "[0, 3]"}
        choices = {"lid": (False, True)}

    assert repr(Crate(2.0)) == "Crate(width=2.0)"
    assert Crate(2.0).get_params()["height"] == 1.0
    with pytest.raises(ValueError, match=r"Crate: height must be a number in \[0, 3\], got 4"):
        Crate(2.0, height=4)
    with pytest.raises(ValueError, match="Crate: kind must be one of"):
        Crate(2.0, kind="iron")
    with pytest.raises(ValueError, match="Crate: lid must be one of False, True, got 1"):
        Crate(2.0, lid=1)
    assert Box.ranges["height"] == "[0, 10]"


def test_none_is_accepted_only_where_it_is_the_default():
    assert SGD(clip_norm=None).clip_norm is None
    with pytest.raises(TypeError, match="SGD: lr must be a number"):
        SGD(lr=None)


@pytest.mark.parametrize(
    ("value", "interval", "fits"),
    [
        (0, "[0, 1)", True),
        (1, "[0, 1)", False),
        (0, "(0, 1]", False),
        (1, "(0, 1]", True),
        (math.inf, "(0, inf]", True),
        (math.inf, "(0, inf)", False),
        (1e308, "(0, inf)", True),
        (-0.0, "[0, 1)", True),
        (5e-324, "(0, 1)", True),
    ],
)
def test_brackets_say_whether_a_bound_belongs_to_the_range(value, interval, fits):
    if fits:
        check_number(value, "x", interval)
    else:
        with pytest.raises(ValueError, match="x must be a number in"):
            check_number(value, "x", interval)


def test_every_optimizer_has_a_rate_and_says_what_it_keeps():
    for cls in OPTIMIZERS.values():
        assert issubclass(cls, Optimizer)
        assert cls.parameter_defaults["lr"] > 0
        assert set(cls.initial_state(cls())) <= set(cls.state)
        assert cls.__doc__
        assert "References" in cls.__doc__
