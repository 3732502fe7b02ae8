"""The package is a house: an import points down a floor, and a private name stays in its room.

Lazy imports, imports for types only, and modules named in strings count like any other.
"""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.support.source_tree import imports, modules, reaches, room

# From the door down. What stands on one floor does not import its neighbours.
FLOORS = [
    {"__init__", "__main__"},
    {"cli"},
    {"reporting"},
    {"plots"},
    {"tuning", "onnx"},
    {"estimators"},
    {"compat", "rates", "torch"},
    {"training", "optimizers"},
    {"updater"},
    {"schedules", "losses", "diagnosis"},
    {"kernels"},
    {"drawing"},
    {"core", "exceptions", "rules", "_version"},
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}

# Exceptions: (what a module's name begins with, what it imports).
EXCEPTIONS = {
    # Three objects draw themselves: `plot` imports, when it is called, the display beside them.
    ("fastlr.schedules.base", "fastlr.schedules._display"),
    ("fastlr.tuning.range_test", "fastlr.tuning._range_display"),
    ("fastlr.tuning.sweep_result", "fastlr.tuning._sweep_display"),
    # `backend_info` looks whether the compiled stepper was built.
    ("fastlr.kernels.find.", "fastlr.updater.steppers"),
}

PRIVATE_NAMES = 10  # of another file in the same room; this number may only fall


def is_exception(each):
    """Tell whether an import is one of the exceptions."""
    return any(each.source.startswith(a) and each.target == b for a, b in EXCEPTIONS)


def test_every_room_has_a_floor():
    assert {room(module) for module in modules()} == FLOOR.keys()


def test_imports_point_down():
    upwards = [
        str(each)
        for each in imports()
        if room(each.source) != room(each.target)
        and not is_exception(each)
        and FLOOR[room(each.source)] >= FLOOR[room(each.target)]
    ]
    assert upwards == []


def test_imports_run_in_no_circle():
    below = {module: set() for module in modules()}
    for each in imports():
        asks_its_own_package = f"{each.source}.".startswith(f"{each.target}.")
        if not (is_exception(each) or asks_its_own_package):
            below[each.source].add(each.target)
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize(("source", "target"), sorted(EXCEPTIONS))
def test_an_exception_that_nobody_needs_is_removed(source, target):
    assert any(each.source.startswith(source) and each.target == target for each in imports())


def test_no_room_reaches_for_a_private_name_of_another():
    assert [str(each) for each in reaches() if each.crosses] == []


def test_private_names_are_hardly_used_beyond_their_file():
    """A function whose subject is called `model` is a method that has a file of its own."""
    found = [str(each) for each in reaches() if each.crosses or each.subject != "model"]
    assert len(found) <= PRIVATE_NAMES, "\n".join(found)
