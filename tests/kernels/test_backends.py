"""Every compiler, instruction set and stepper gives the same bits for every rule and modifier."""

import ctypes
import functools
from pathlib import Path

import numpy as np
import pytest

from fastlr.kernels.ahead import built
from fastlr.kernels.find import info
from fastlr.kernels.loops import update as emit
from fastlr.updater.steppers.host import sum_of_squares
from tests.support.cases import (
    COMPILED,
    COMPILED_CASES,
    DTYPES,
    FULLEST,
    MODIFIERS,
    bits,
    make,
    modifiers_of,
    snapshot,
    tree,
    walk,
)
from tests.support.engines import ENGINES, needs_compiled, use_engine
from tests.support.hashed import uniform


# Numba is the measure: it is always there. It compiles the average once for each optimizer only.
def modifiers_for(case):
    few = ("plain", "clip_norm", "decoupled")
    return modifiers_of(COMPILED_CASES[case][0]) if case in FULLEST.values() else few


@functools.cache
def expected(case, dtype):
    with use_engine("numba") as backend:
        return {modifier: run(case, dtype, backend, modifier) for modifier in modifiers_for(case)}


def run(case, dtype, backend, modifier):
    """Step a few times and return all bits; the rule alone meets arrays of every shape."""
    params = tree(dtype)
    if modifier != "plain":
        params = {name: params[name] for name in ("p0", "p1", "p3", "p12", "p37", "column")}
    updater = make(case, **MODIFIERS[modifier]).bind(params, backend=backend)
    return snapshot(walk(updater, 6))


# Engines are what changes fastest, so that a process finds what it compares with in its cache.
@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "numba"], indirect=True)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", COMPILED_CASES)
def test_same_bits_from_every_engine(engine, case, dtype):
    for modifier in modifiers_for(case):
        got = run(case, dtype, engine, modifier)
        assert got["t"] == 6
        for part, value in expected(case, dtype)[modifier].items():
            assert got[part] == value, f"{part} with {modifier}"


def test_the_settings_reach_every_variant_of_every_rule():
    for name, cls in COMPILED.items():
        rule = emit.rule_of_class(cls)
        cases = [settings for c, settings in COMPILED_CASES.values() if c is cls]
        made = {emit.specialise(rule, cls(**s).switches()).key for s in cases}
        assert made == {v.key for v in emit.variants(rule)}, name


# Values that comparisons and vector code may treat in their own ways

SPECIAL = [0.0, -0.0, 1.0, -2.5, 1e-40, -1e-310, 3e38, np.inf, -np.inf, np.nan, 0.4, -0.4]


@functools.cache
def special_results(case, dtype, engine):
    with use_engine(engine) as backend, np.errstate(all="ignore"):
        p = np.repeat(np.array(SPECIAL), len(SPECIAL)).astype(dtype)
        g = np.tile(np.array(SPECIAL), len(SPECIAL)).astype(dtype)
        results = []
        for more in ({}, {"clip_value": 0.4, "weight_decay": 0.1}):
            param = p.copy()
            updater = make(case, **more).bind(param, backend=backend)
            for _ in range(2):
                updater.step(g)
            arrays = [
                a for by_name in updater.state_dict()["state"].values() for a in by_name.values()
            ]
            results += [param, *arrays]
        # What a NaN carries depends on the order of operands, which compilers may choose.
        return [np.where(np.isnan(a), dtype(np.nan), a) for a in results]


@pytest.mark.parametrize("engine", [e for e in ENGINES if e.startswith("cython")])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", COMPILED_CASES)
def test_infinities_zeros_and_denormals_are_treated_alike(engine, case, dtype):
    want = special_results(case, dtype, "numba")
    assert bits(special_results(case, dtype, engine)) == bits(want)
    finite = np.isfinite(want[0])
    assert finite.any()
    assert not finite.all()


# The reduction behind clip_norm


@needs_compiled
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("isa", built.ISAS)
def test_sum_of_squares_has_one_order_of_additions(isa, dtype):
    if isa not in info.backend_info()["isas_supported"]:
        pytest.skip(f"{isa} kernels do not run here")
    address = built.updates(isa).KERNELS[f"sumsq_{dtype}"]
    compiled = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_ssize_t)(address)
    for n in [*range(70), 1000, 16383, 16384]:
        x = (uniform(n, 3) * 10.0 ** (4 * uniform(n, 4))).astype("f4" if dtype == "f32" else "f8")
        got = compiled(x.ctypes.data, n)
        assert got == sum_of_squares([x]), n
        assert got == pytest.approx(np.sum(x.astype(float) ** 2), rel=1e-14)


def test_sum_of_squares_goes_by_blocks_and_over_arrays():
    x = uniform(40001, 3)
    by_hand = sum_of_squares([x[:16384]]) + sum_of_squares([x[16384:32768]])
    by_hand += sum_of_squares([x[32768:]])
    assert sum_of_squares([x]) == by_hand
    y = np.asfortranarray(uniform((30, 7), 4))
    assert sum_of_squares([x, y]) == by_hand + sum_of_squares([y.ravel("F")])


# What the table of kernels promises


@needs_compiled
@pytest.mark.parametrize("isa", built.ISAS)
def test_the_build_holds_every_rule_variant_precision_and_average(isa):
    if isa not in info.backend_info()["isas_supported"]:
        pytest.skip(f"{isa} kernels do not run here")
    module = built.updates(isa)
    assert isa == module.ISA
    for cls in COMPILED.values():
        for variant in emit.variants(emit.rule_of_class(cls)):
            for dtype in ("f32", "f64"):
                for average in (False, True):
                    assert module.KERNELS[emit.kernel_name(variant, average, dtype)] > 0


@pytest.mark.parametrize("name", COMPILED)
def test_rules_read_from_text_and_from_classes_are_one(name):
    cls = COMPILED[name]
    owner = next(base for base in cls.__mro__ if "update" in base.__dict__)
    from_class = emit.rule_of_class(cls)
    file = Path(from_class.file)
    (from_file,) = [r for r in emit.rules_in_file(file) if r.name == owner.__name__]
    assert from_file.digest == from_class.digest
    assert from_file.line == from_class.line
