"""Hostile calls of optimizers and updaters: construction, `bind`, `step`, `load_state_dict`."""

import numpy as np

from fastlr.optimizers import OPTIMIZERS
from tests.fuzz.bits import bits_of, refused
from tests.fuzz.hostile import SCALARS, Choices, Recipe, recipe
from tests.support.cases import MODIFIERS

NAMES = sorted(OPTIMIZERS)
FIELDS = {name: sorted(OPTIMIZERS[name]().get_params(deep=False)) for name in NAMES}
SHAPES = [(8,), (4, 3), (1,), (0,), ()]
GROUPS = (
    *([], [{}], [{"match": "w"}], [{"match": "w", "lr": 0.5}], [{"match": "x"}], {}, "w", 3),
    *([{"match": "w", "weight_decay": float("nan")}], [{"match": "w", "lr": -1}], [3], [{"lr": 1}]),
    *([{"match": 3, "lr": 1.0}], [{"match": "w", "unknown": 1.0}], [{"match": "w", "start": 2}]),
    *([{"match": "w", "start": 10**400}], [{"match": "w", "lr": "x"}], [{"match": ["w", "0"]}]),
)


def hyper_parameters(choose):
    name = choose.of(NAMES)
    given = dict(MODIFIERS[choose.of(sorted(MODIFIERS)) if choose.rarely(3) else "plain"])
    given["nonfinite"] = choose.of(["ignore", "raise", "skip"])
    if choose.rarely():
        given[choose.of(FIELDS[name])] = choose.of(SCALARS)
    return name, given


def bind_arguments(choose):
    """Choose arguments of `bind` beside the parameters."""
    given = {"n_threads": choose.of([1, 1, 2])}
    if choose.rarely(5):
        given["groups"] = choose.of(GROUPS)
    if choose.rarely(5):
        others = ["backend", "n_threads", "total_steps", "steps_per_epoch", "measure_updates"]
        given[choose.of(others)] = choose.of(SCALARS)
    return given


def container(choose, like=None):
    """Choose recipes of arrays and what holds them; like others, or with one flaw."""
    if like is None:
        shapes = [choose.of(SHAPES) for _ in range(choose.of([1, 2, 3]))]
        dtype = choose.of(["f4", "f8"])
        arrays = [Recipe(shape, dtype, seed=i) for i, shape in enumerate(shapes)]
        kind = choose.of(["dict", "list", "tuple", "array"])
        if choose.rarely(2):  # sound: what follows is hostile enough
            return arrays, kind
    else:
        arrays, kind = list(like[0]), like[1]
    if choose.rarely(3):
        i = choose.of(range(len(arrays)))
        arrays[i] = recipe(choose, arrays[i].shape)
    if choose.rarely(16):
        kind = choose.of(["dict", "list", "tuple", "array", "none", "few", "many", "alias"])
    return arrays, kind


def contained(drawn):
    recipes_, kind = drawn
    arrays = [recipe.build() for recipe in recipes_]
    names = ["w", "b", "c"]
    if kind == "array":
        return arrays[0]
    if kind == "dict":
        return dict(zip(names, arrays, strict=False))
    if kind == "alias":
        return [arrays[0], arrays[0]]
    found = tuple(arrays) if kind == "tuple" else arrays
    return {"none": None, "few": found[:-1], "many": [*found, arrays[0]]}.get(kind, found)


def mutation(choose):
    """Choose a place in a state dict and what to do to it."""
    path = [choose.of(range(8)) for _ in range(choose.of([1, 2, 3]))]
    how = choose.of(["delete", "rename", "scalar", "array", "add", "flaw"])
    return path, how, choose.of(SCALARS), recipe(choose, (8,))


def case(spelled):
    """Return the arguments of a case that bytes spell."""
    choose = Choices(spelled)
    held = container(choose)
    return (
        hyper_parameters(choose),
        bind_arguments(choose),
        (held, container(choose, like=held)),
        choose.of(["step", "step", "load", "observe", "lr"]),
        [mutation(choose) for _ in range(choose.of([1, 2]))],
        choose.of(SCALARS),
    )


def mutated(state, changes):
    """Return a state dict with entries deleted, renamed, replaced or added somewhere in it."""
    for path, how, scalar, array in changes:
        held = state
        for k in path[:-1]:
            inner = [v for v in held.values() if isinstance(v, dict) and v]
            held = inner[k % len(inner)] if inner else held
        key = list(held)[path[-1] % len(held)] if held else "x"
        old = held.pop(key, None)
        if how == "delete":
            continue
        if how == "rename":
            held["renamed"] = old
        elif how == "scalar":
            held[key] = scalar
        elif how == "add":
            held[key], held["added"] = old, scalar
        elif how == "flaw" and isinstance(old, np.ndarray):
            held[key] = array._replace(shape=old.shape, dtype=old.dtype.str).build()
        else:
            held[key] = array.build()
    return state


def check(given):
    """Call an updater; whatever is refused leaves parameters, state and arguments as they were."""
    (name, fields), bind, (held, grads), what, changes, scalar = given
    params, given_grads = contained(held), contained(grads)
    before = bits_of(params)
    made = []
    if refused(lambda: made.append(OPTIMIZERS[name](**fields).bind(params, **bind))):
        assert bits_of(params) == before, "a refused `bind` has written to params"
        return "bind"
    updater = made[0]
    assert bits_of(params) in (before, bits_of(updater.params)), "`bind` has changed params"
    good = [Recipe(r.shape, r.dtype, seed=9) for r in held[0]], held[1]
    if held[1] != "alias":
        refused(lambda: updater.step(contained(good)))
    state = bits_of((params, updater.state_dict()))
    grads_before = bits_of(given_grads)
    calls = {
        "step": lambda: updater.step(given_grads),
        "load": lambda: updater.load_state_dict(mutated(updater.state_dict(), changes)),
        "observe": lambda: updater.observe(scalar),
        "lr": lambda: setattr(updater, "lr", scalar),
    }
    if refused(calls[what]):
        assert bits_of((params, updater.state_dict())) == state, f"refused {what} changed something"
    assert bits_of(given_grads) == grads_before, "gradients were written to"
    refused(lambda: updater.step(contained(good)))
    return what
