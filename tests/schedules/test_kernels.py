"""Compiled rules of schedules: the same bits from every compiler, and a user's own rule."""

import math
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from fastlr.kernels.find.schedule import schedule_kernel
from fastlr.kernels.language.check import UPDATE_FUNCTIONS
from fastlr.kernels.loops import update as emit
from fastlr.schedules import (
    REX,
    SCHEDULES,
    Constant,
    CosineAnnealing,
    CosineRestarts,
    Cyclical,
    ExponentialDecay,
    InverseSqrt,
    InverseTime,
    InvScaling,
    Linear,
    MultiStep,
    OneCycle,
    Optimal,
    Piecewise,
    Polynomial,
    Run,
    Schedule,
    StepDecay,
    Warmup,
    WarmupStableDecay,
)

try:
    from fastlr.kernels.ahead import _schedules
except ImportError:
    _schedules = None

RUN = Run(total_steps=700, steps_per_epoch=70)
SETTINGS = [
    Constant(0.3),
    StepDecay(9, gamma=0.7),
    ExponentialDecay(0.9, every=13, min_factor=0.01),
    ExponentialDecay(0.9, every=13, staircase=True),
    CosineAnnealing(300, min_factor=0.03),
    CosineAnnealing(200, after="periodic"),
    CosineRestarts(30, decay=0.9),
    CosineRestarts(30, T_mult=3, decay=0.9, min_factor=0.1, cycles=3),
    CosineRestarts(30, T_mult=1.3, decay=0.9),
    Warmup(57),
    Warmup(57, shape="exponential"),
    Warmup(57, shape="constant"),
    InverseTime(0.3, every=11),
    InverseTime(0.3, every=11, staircase=True),
    InverseSqrt(40),
    Polynomial(300, power=1.7, min_factor=0.03),
    Linear(300, start=0.2, end=1.3),
    REX(300, min_factor=0.03),
    WarmupStableDecay(57, 300),
    WarmupStableDecay(57, 300, shape="cosine", min_factor=0.03),
    WarmupStableDecay(57, 300, shape="linear", start=0.0),
    Optimal(1e-3),
    InvScaling(0.25),
    Cyclical(13, 17, mode="triangular2"),
    Cyclical(13, 17, mode="exp_range", gamma=0.99),
    OneCycle(pct_start=0.4),
    OneCycle(anneal="linear", three_phase=True),
    OneCycle(preset="fastai"),
    MultiStep([9, 40, 41, 600], gamma=0.7),
    Piecewise([9, 40, 600], [1.0, 0.3, 0.0, 0.2]),
    Piecewise([9, 40, 41, 600], [0.1, 1.0, 0.3, 2.0, 0.2], "linear"),
]


class Fading(Schedule):
    """A user's schedule: falls as a power of the time that is left."""

    steps: int | None = None
    power: float = 2.0
    lengths = {"steps": 1}
    ranges = {"power": "(0, inf)"}

    def coefficients(self, run):
        return {"total": self.steps_of("steps", run), "power": self.power, "one": 1.0}

    @staticmethod
    def factor(t, total, power, one):
        return pow(one - min(t, total) / total, power)


class SlowCosine(CosineAnnealing):
    """A user's schedule that takes over a built-in rule."""

    min_factor = 0.5


def test_every_rule_is_among_the_settings():
    with_rule = {
        c for c in SCHEDULES.values() if isinstance(c.__dict__.get("factor"), staticmethod)
    }
    # No name stands for Piecewise, which cannot be made without its values.
    assert with_rule | {Piecewise} == {type(s) for s in SETTINGS}


@pytest.mark.skipif(_schedules is None, reason="the compiled core was not built")
@pytest.mark.parametrize("schedule", SETTINGS, ids=repr)
def test_cython_and_numba_give_the_same_bits(schedule):
    t = np.concatenate([np.arange(1500.0), 1e6 + np.arange(100.0)])
    cython = schedule_kernel(type(schedule), "cython")
    numba = schedule_kernel(type(schedule), "numba")
    assert cython.coefficients == numba.coefficients
    for values in (schedule.coefficients(RUN), schedule.momentum_coefficients(RUN)):
        if values is not None:
            np.testing.assert_array_equal(cython(t, values), numba(t, values))
            assert set(values) == set(cython.coefficients), "a constant that no rule reads"


@pytest.mark.skipif(_schedules is None, reason="the compiled core was not built")
def test_built_in_rules_run_ahead_of_time_even_when_inherited():
    assert schedule_kernel(OneCycle).backend == "cython"
    assert schedule_kernel(SlowCosine).backend == "cython"
    assert SlowCosine(10).evaluate([10.0], Run())[0][0] == 0.5


def test_a_users_rule_is_compiled_and_composes():
    assert schedule_kernel(Fading).backend == "numba"
    got = Fading(8, power=3.0).simulate(12).lr
    expected = [(1 - min(t, 8) / 8) ** 3 for t in range(12)]
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=0)
    whole = Warmup(4, Fading()).simulate(12).lr
    np.testing.assert_allclose(whole[4:], [(1 - t / 8) ** 2 for t in range(8)], rtol=1e-15)
    with pytest.raises(ValueError, match="backend='cython': Fading was not compiled"):
        schedule_kernel(Fading, "cython")


def test_a_users_rule_with_a_built_in_name_is_not_mistaken_for_it():
    class OneCycle(Schedule):
        def coefficients(self, run):
            return {"two": 2.0}

        @staticmethod
        def factor(t, two):
            return t * two

    assert OneCycle().simulate(3).lr.tolist() == [0, 2, 4]


def test_functions_follow_ieee_and_floor_keeps_its_type():
    class Odd(Schedule):
        def coefficients(self, run):
            return {"one": 1.0, "base": 1.1}

        @staticmethod
        def factor(t, one, base):
            k = floor(t / (one + one))  # noqa: F821
            return pow(base, k) + one / (t - t) * sign(t)  # noqa: F821

    got = Odd().evaluate([0.0, 5.0], Run())[0]
    assert math.isnan(got[0])
    assert got[1] == math.inf


class Ladder(Schedule):
    """A user's schedule with tables: as many rungs as are given."""

    rungs: tuple = (2.0, 4.5)
    heights: tuple = (1.0, 0.5, 0.25)

    def coefficients(self, run):
        return {"rungs": self.rungs, "heights": self.heights, "far": 100.0}

    @staticmethod
    def factor(t, rungs, heights, far):
        # Outside of a table its first or its last entry counts.
        return entry(heights, passed(rungs)) + entry(rungs, -far) + entry(rungs, t * far)  # noqa: F821


def test_a_users_rule_reads_tables_of_any_length():
    steps = np.array([1.0, 2.0, 4.0, 4.5, 9.0, 0.0])
    got = Ladder().evaluate(steps, Run())[0]
    rest = 2.0 + np.where(steps > 0, 4.5, 2.0)
    np.testing.assert_allclose(got, np.add([1.0, 0.5, 0.5, 0.25, 0.25, 1.0], rest), rtol=1e-15)
    long = Ladder(tuple(range(1, 1000)), tuple(range(1000))).evaluate(np.arange(999.0), Run())[0]
    assert long[500] == 500.0 + 1.0 + 999.0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("return passed(t)", "the table must be a parameter"),
        ("return passed(a + a)", "the table must be a parameter"),
        ("return entry(a, t) + a", "'a' is a table, and cannot be used as a number"),
        ("return entry(a)", "`entry` takes 2 plain"),
        ("return passed(a, t)", "`passed` takes 1 plain"),
    ],
)
def test_a_table_is_nothing_but_a_table(tmp_path, rule, said):
    file = tmp_path / "mine.py"
    file.write_text(f"class Mine:\n    @staticmethod\n    def factor(t, a):\n        {rule}\n")
    with pytest.raises(emit.RuleError, match=re.escape(said)):
        [emit.specialise(rule, {}) for rule in emit.schedule_rules_in_file(file)]


def test_updates_have_no_tables():
    assert not {"passed", "entry"} & UPDATE_FUNCTIONS


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"rungs": 3.0}, TypeError, "Ladder.coefficients: rungs must be a sequence of numbers"),
        ({"rungs": ()}, ValueError, "rungs must have an entry"),
        ({"far": (1.0,)}, TypeError, "Ladder.coefficients: far must be a number, got"),
    ],
)
def test_a_table_and_a_number_are_not_mistaken_for_each_other(given, error, said):
    kernel = schedule_kernel(Ladder)
    with pytest.raises(error, match=said):
        kernel(np.zeros(2), {**Ladder().coefficients(RUN), **given})


class Missing(Schedule):
    def coefficients(self, run):
        return {"a": 1.0}

    @staticmethod
    def factor(t, a, b):
        return t * a + b


class Literal(Schedule):
    @staticmethod
    def factor(t):
        return t * 2.0


class Ruleless(Schedule):
    pass


def test_a_wrong_rule_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"Missing.coefficients must return 'b'.*returned a"):
        Missing().simulate(3)
    with pytest.raises(NotImplementedError, match="Literal must define `coefficients`"):
        Literal().coefficients(RUN)
    with pytest.raises(emit.RuleError, match=r"kernels.py:\d+: Literal_factor: literal 2.0"):
        schedule_kernel(Literal)
    with pytest.raises(emit.RuleError, match="Ruleless states no rule"):
        Ruleless().simulate(3)


def test_importing_schedules_imports_no_compiler_and_no_plotting():
    code = """
        import importlib.util, sys
        from fastlr.schedules import OneCycle
        if importlib.util.find_spec("fastlr.kernels.ahead._schedules"):
            OneCycle(10).simulate(10)
        heavy = {"numba", "matplotlib", "pandas", "torch"} & set(sys.modules)
        print(sorted(heavy))
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
