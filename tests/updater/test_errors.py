"""Unfit arguments are refused by name, and nothing has been written when they are."""

import numpy as np
import pytest

from fastlr import SGD, Adam, ReduceOnPlateau
from tests.support.cases import bits, gradients, small, snapshot, walk
from tests.support.engines import use_engine

STEPPERS = ["cython-base", "cython-python_stepper", "numba", "numba-no_compiler"]


def unaligned(shape, dtype=np.float64):
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.zeros(count + 1, np.uint8)[1:].view(dtype).reshape(shape)


def read_only(array):
    array.setflags(write=False)
    return array


# bind

FLAT = np.ones(20)
UNFIT_PARAMS = {
    "number": (lambda: 3.0, TypeError, "params must be a NumPy array, a sequence of arrays or"),
    "nested list": (
        lambda: [[1.0, 2.0]],
        TypeError,
        r"params\[0\] must be a NumPy array, got list",
    ),
    "numbers": (lambda: {"w": 1.0}, TypeError, r"params\['w'\] must be a NumPy array, got float"),
    "generator": (lambda: (a for a in [FLAT]), TypeError, "params must be a NumPy array"),
    "no arrays": (list, ValueError, "params must hold at least one array"),
    "no names": (dict, ValueError, "params must hold at least one array"),
    "integer name": (lambda: {1: FLAT}, TypeError, "params: names must be strings, got 1"),
    "integers": (lambda: np.ones(3, int), TypeError, "must be float32 or float64, got int64"),
    "half": (lambda: np.ones(3, "f2"), TypeError, "must be float32 or float64, got float16"),
    "complex": (lambda: np.ones(3, "c16"), TypeError, "must be float32 or float64, got complex"),
    "objects": (lambda: np.ones(3, object), TypeError, "must be float32 or float64, got object"),
    "big-endian": (lambda: np.ones(3, ">f8"), TypeError, "params must have native byte order"),
    "two dtypes": (
        lambda: {"a": np.ones(2), "b": np.ones(2, "f4")},
        TypeError,
        r"params\['b'\] is float32 and params\['a'\] is float64",
    ),
    "every other": (lambda: np.ones(8)[::2], ValueError, r"params must be contiguous, got strides"),
    "column": (lambda: [np.ones((4, 4))[:, 1:3]], ValueError, r"params\[0\] must be contiguous"),
    "backwards": (lambda: np.ones(8)[::-1], ValueError, "params must be contiguous"),
    "turned": (
        lambda: np.ones((2, 3, 4)).transpose(1, 0, 2),
        ValueError,
        "params must be contiguous",
    ),
    "unaligned": (lambda: unaligned(3), ValueError, "params must be aligned to its element size"),
    "read-only": (lambda: read_only(np.ones(3)), ValueError, "params is read-only"),
    "twice": (lambda: [FLAT, FLAT], ValueError, r"params\[0\] and params\[1\] overlap in memory"),
    "overlap": (
        lambda: {"x": FLAT[5:12], "y": np.ones(3), "z": FLAT[:6]},
        ValueError,
        r"params\['z'\] and params\['x'\] overlap in memory",
    ),
}


@pytest.mark.parametrize("what", UNFIT_PARAMS)
def test_bind_refuses_unfit_parameters_by_name(what):
    build, error, said = UNFIT_PARAMS[what]
    params = build()
    with pytest.raises(error, match=said):
        SGD(lr=0.5, momentum=0.9).bind(params)
    assert (FLAT == 1).all()


UNFIT_OPTIONS = {
    "backend": [("gpu", ValueError), (None, ValueError), ("Cython", ValueError)],
    "n_threads": [(0, ValueError), (-2, ValueError), (1.5, TypeError), (True, TypeError)],
    "total_steps": [(0, ValueError), (-1, ValueError), (10.0, TypeError), ("9", TypeError)],
    "steps_per_epoch": [(0, ValueError), (2.5, TypeError), (False, TypeError)],
}


@pytest.mark.parametrize(
    ("name", "value", "error"), [(n, v, e) for n, vs in UNFIT_OPTIONS.items() for v, e in vs]
)
def test_bind_refuses_unfit_options_by_name(name, value, error):
    with pytest.raises(error, match=f"{name} must be "):
        SGD().bind(np.ones(3), **{name: value})


def test_bind_refuses_a_schedule_that_nobody_knows():
    with pytest.raises(ValueError, match=r"schedule must be one of .*onecycle.*, got 'twocycle'"):
        SGD(schedule="twocycle").bind(np.ones(3))
    with pytest.raises(TypeError, match="schedule must be a name, a Schedule object"):
        SGD(schedule=3).bind(np.ones(3))


def test_bind_says_at_once_that_a_schedule_lacks_the_length_of_the_run():
    with pytest.raises(ValueError, match="total_steps"):
        SGD(schedule="onecycle").bind(np.ones(3))


# step


def put(name, value):
    """Replace one gradient."""
    return lambda grads, params: {**grads, name: value(grads, params)}


LAST = "b.weight"
UNFIT_GRADS = {
    "shape": (put(LAST, lambda g, p: np.ones((2, 5))), ValueError, "must have shape (2, 4)"),
    "turned": (put(LAST, lambda g, p: np.ones((4, 2))), ValueError, "must have shape (2, 4)"),
    "fewer axes": (put(LAST, lambda g, p: np.ones(8)), ValueError, "must have shape (2, 4)"),
    "more axes": (put(LAST, lambda g, p: np.ones((2, 4, 1))), ValueError, "must have shape (2, 4)"),
    "dtype": (
        put(LAST, lambda g, p: np.ones((2, 4), "f4")),
        TypeError,
        "must be float64 as its parameter, got float32",
    ),
    "integers": (put(LAST, lambda g, p: np.ones((2, 4), int)), TypeError, "got int64"),
    "big-endian": (put(LAST, lambda g, p: np.ones((2, 4), ">f8")), TypeError, "got >f8"),
    "list": (
        put(LAST, lambda g, p: [[1.0] * 4] * 2),
        TypeError,
        "must be a NumPy array, got list",
    ),
    "none": (put(LAST, lambda g, p: None), TypeError, "must be a NumPy array, got NoneType"),
    "stride": (
        put(LAST, lambda g, p: np.ones((2, 8))[:, ::2]),
        ValueError,
        "must be C-contiguous as its parameter, got strides (64, 16)",
    ),
    "order": (
        put(LAST, lambda g, p: np.ones((2, 4), order="F")),
        ValueError,
        "must be C-contiguous as its parameter",
    ),
    "broadcast": (
        put(LAST, lambda g, p: np.broadcast_to(1.0, (2, 4))),
        ValueError,
        "must be C-contiguous as its parameter, got strides (0, 0)",
    ),
    "unaligned": (put(LAST, lambda g, p: unaligned((2, 4))), ValueError, "must be aligned to its"),
    "itself": (
        put(LAST, lambda g, p: p[LAST]),
        ValueError,
        f"overlaps params['{LAST}'] in memory",
    ),
    "another": (
        put(LAST, lambda g, p: p["a.weight"].reshape(-1)[2:10].reshape(2, 4)),
        ValueError,
        "overlaps params['a.weight'] in memory",
    ),
}
UNFIT_CONTAINERS = {
    "missing": (
        lambda g, p: {k: v for k, v in g.items() if k != LAST},
        ValueError,
        f"grads must have the keys of params; missing ['{LAST}'], unknown []",
    ),
    "unknown": (
        lambda g, p: {**g, "c": np.ones(2)},
        ValueError,
        "grads must have the keys of params; missing [], unknown ['c']",
    ),
    "misspelt": (
        lambda g, p: {k.replace("b.", "B."): v for k, v in g.items()},
        ValueError,
        f"missing ['{LAST}'], unknown ['B.weight']",
    ),
    "a list": (lambda g, p: list(g.values()), TypeError, "grads must be a dict like params, got"),
    "an array": (lambda g, p: g[LAST], TypeError, "grads must be a dict like params, got ndarray"),
    "nothing": (lambda g, p: None, TypeError, "grads must be a dict like params, got NoneType"),
}


@pytest.fixture(scope="module", params=STEPPERS)
def walked(request):
    """An updater three steps into a run with everything on, and what it is then."""
    with use_engine(request.param) as backend:
        optimizer = Adam(lr=0.1, amsgrad=True, clip_norm=1.0, nonfinite="raise", average="ema")
        updater = walk(optimizer.bind(small(), backend=backend), 3)
    return updater, snapshot(updater)


@pytest.mark.parametrize("what", [*UNFIT_GRADS, *UNFIT_CONTAINERS])
def test_step_refuses_unfit_gradients_by_name_and_writes_nothing(walked, what):
    updater, before = walked
    spoil, error, said = {**UNFIT_GRADS, **UNFIT_CONTAINERS}[what]
    with pytest.raises(error) as caught:
        updater.step(spoil(gradients(updater.params, 4), updater.params))
    name = f"grads['{LAST}']" if what in UNFIT_GRADS else "grads"
    assert str(caught.value).startswith(name)
    assert said in str(caught.value)
    assert snapshot(updater) == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_step_refuses_what_is_not_finite_by_name_and_place(walked, value):
    updater, before = walked
    grads = {k: g.copy() for k, g in gradients(updater.params, 4).items()}
    grads[LAST][1, 2:] = value
    with pytest.raises(ValueError, match="not finite") as caught:
        updater.step(grads)
    said = f"grads['{LAST}'] holds 2 values that are not finite, the first {grads[LAST][1, 2]!r}"
    assert str(caught.value).startswith(said)
    assert "at index (1, 2)" in str(caught.value)
    assert snapshot(updater) == before


def test_a_refused_step_leaves_no_trace_in_the_steps_that_follow():
    clean, other = (Adam(lr=0.1, clip_norm=1.0).bind(small()) for _ in range(2))
    for t in range(1, 5):
        clean.step(gradients(clean.params, t))
        with pytest.raises(ValueError, match="must have shape"):
            other.step({**gradients(other.params, 9), LAST: np.ones(3)})
        other.step(gradients(other.params, t))
    assert snapshot(other) == snapshot(clean)


@pytest.mark.parametrize("name", STEPPERS)
def test_lists_and_single_arrays_are_checked_too(name):
    with use_engine(name) as backend:
        single, several = np.ones(4), [np.ones(4), np.ones(2)]
        one = SGD(lr=0.1).bind(single, backend=backend)
        many = SGD(lr=0.1).bind(several, backend=backend)
        for updater, grads, error, said in [
            (one, [np.ones(4)], TypeError, "^grads must be a NumPy array, got list"),
            (one, np.ones(5), ValueError, r"^grads must have shape \(4,\), got \(5,\)"),
            (one, single, ValueError, "^grads overlaps params in memory"),
            (one, single[::-1], ValueError, "^grads must be C-contiguous"),
            (many, [np.ones(4)], ValueError, "^grads must hold 2 arrays as params does, got 1"),
            (
                many,
                (np.ones(4),) * 3,
                ValueError,
                "^grads must hold 2 arrays as params does, got 3",
            ),
            (many, {"0": 1, "1": 1}, TypeError, "^grads must be a list or tuple like params"),
            (many, np.ones((2, 4)), TypeError, "^grads must be a list or tuple like params"),
            (many, [np.ones(4), None], TypeError, r"^grads\[1\] must be a NumPy array"),
            (many, [np.ones(4), several[0][:2]], ValueError, r"^grads\[1\] overlaps params\[0\]"),
        ]:
            with pytest.raises(error, match=said):
                updater.step(grads)
            assert updater.t == 0
    assert bits([single, *several]) == bits([np.ones(4), np.ones(4), np.ones(2)])


@pytest.mark.parametrize("name", STEPPERS)
def test_overlap_is_seen_past_an_empty_parameter_that_lies_inside_another(name):
    flat = np.ones(20)
    with use_engine(name) as backend:
        updater = SGD(lr=0.1).bind([flat[:10], flat[2:12][:0]], backend=backend)
        with pytest.raises(ValueError, match=r"grads\[0\] overlaps params\[0\]"):
            updater.step([flat[5:15], np.empty(0)])
        assert (flat == 1).all()
        updater.step([flat[10:], flat[3:9][:0]])  # beside it, and nothing: both are fine
    assert flat.tolist() == [0.9] * 10 + [1.0] * 10


# state dicts


def other_state(name, value):
    def spoil(d):
        d["state"]["v"][name] = value(d["state"]["v"][name])

    return spoil


UNFIT_STATE = {
    "missing key": (lambda d: d.pop("t"), ValueError, "state_dict must have keys"),
    "further key": (lambda d: d.update(lr=1), ValueError, "state_dict must have keys"),
    "format": (lambda d: d.update(format=99), ValueError, "format must be 1, got 99"),
    "class": (
        lambda d: d.update(optimizer="SGD"),
        ValueError,
        "is of SGD, and this updater of Adam",
    ),
    "t negative": (lambda d: d.update(t=-1), ValueError, r"\['t'\] must be at least 0"),
    "t a float": (lambda d: d.update(t=2.0), TypeError, r"\['t'\] must be a whole number"),
    "skipped": (lambda d: d.update(skipped=None), TypeError, r"\['skipped'\] must be a whole"),
    "last skipped": (
        lambda d: d.update(last_skipped="c.weight"),
        ValueError,
        r"\['last_skipped'\] must be None or a parameter's name, got 'c.weight'",
    ),
    "last skipped of another type": (
        lambda d: d.update(last_skipped=[0]),
        ValueError,
        r"\['last_skipped'\] must be None or a parameter's name, got \[0\]",
    ),
    "no state": (lambda d: d.update(state=3), TypeError, r"\['state'\] must be a dict, got int"),
    "no arrays": (lambda d: d["state"].update(v=3), TypeError, r"\['v'\] must be a dict, got int"),
    "no v": (lambda d: d["state"].pop("v"), ValueError, r"\['state'\] must have keys .*'v'"),
    "no name": (
        lambda d: d["state"]["v"].pop(LAST),
        ValueError,
        r"must have the parameters' names",
    ),
    "shape": (other_state(LAST, np.ravel), ValueError, r"\['v'\]\['b.weight'\] must be float64 of"),
    "dtype": (other_state(LAST, np.float32), ValueError, r"\['v'\]\['b.weight'\] must be float64"),
    "a list": (other_state(LAST, list), TypeError, r"\['v'\]\['b.weight'\] must be a NumPy array"),
    "no schedule": (lambda d: d.update(schedule=3), TypeError, r"\['schedule'\] must be a dict"),
    "schedule": (
        lambda d: d.update(schedule={"best": 1.0}),
        ValueError,
        r"\['schedule'\] must have keys \[\], got \['best'\]",
    ),
}


@pytest.mark.parametrize("what", UNFIT_STATE)
def test_an_unfit_state_dict_is_refused_by_name_and_changes_nothing(what):
    spoil, error, said = UNFIT_STATE[what]
    updater = walk(Adam(lr=0.1).bind(small()), 3)
    before, given = snapshot(updater), walk(Adam(lr=0.1).bind(small(seed=8)), 5).state_dict()
    spoil(given)
    with pytest.raises(error, match=said):
        updater.load_state_dict(given)
    assert snapshot(updater) == before


def test_a_state_dict_that_is_none_is_refused():
    with pytest.raises(TypeError, match="state_dict must be a dict, got list"):
        SGD().bind(np.ones(2)).load_state_dict([])


@pytest.mark.parametrize("metric", [None, "0.5", True, np.ones(2)])
def test_a_metric_that_is_no_number_is_refused(metric):
    updater = SGD(schedule=ReduceOnPlateau(patience=0)).bind(np.ones(2))
    before = updater.state_dict()["schedule"]
    with pytest.raises(TypeError, match="metric must be a number, got"):
        updater.observe(metric)
    assert updater.state_dict()["schedule"] == before
