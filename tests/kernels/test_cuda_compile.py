"""CUDA kernels compiled without a GPU: what PTX and ptxas say of them.

Kernels that step float32 arrays may have no double-precision instruction: most cards have few
units for those. Kernels that sum, and schedules, work in double precision on purpose, and so may
have some. `sweep_cuda.py` takes every kernel to every architecture; here are those that differ.
"""

import pytest
from numba import types

from fastlr.kernels.cuda import device as numba_cuda
from fastlr.kernels.cuda import sums as cuda_sums
from fastlr.kernels.cuda.update import own_width, schedule_source, update_source
from fastlr.kernels.language.terms import Finish
from fastlr.kernels.loops import update as emit
from tests.support.ptx import (
    MASKED,
    PARTIALS,
    SCHEDULE,
    TOTALS,
    UPDATE,
    VARIANTS,
    WITH_RULE,
    assemble,
    check,
    check_sums,
    compile_kernel,
    kernel_of,
    skip_without_compiler,
)

# Those with most arrays, which need most registers.
WIDEST = sorted(VARIANTS, key=lambda key: -len(VARIANTS[key].state))[:4]
# The last variant of a rule has most switches on.
SUMMING = list({v.rule.name: key for key, v in VARIANTS.items() if v.measure}.values())
EVERYTHING = Finish(cautious=True, lookahead=True, average=True)


@pytest.fixture(scope="module", autouse=True)
def _compiler():
    skip_without_compiler()


@pytest.mark.parametrize("key", VARIANTS)
def test_float32_kernel_has_no_double_and_no_spill(key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], True, "f32"))
    ptx = compile_kernel(kernel, UPDATE)
    assert ".f64" not in ptx
    check(ptx, exact)
    for architecture in ("sm_80", "sm_90"):
        # 32 registers are what lets every multiprocessor hold all the threads it can.
        # Adan, with four arrays and an average, takes two more.
        assert (assemble(ptx, tmp_path, architecture) or 0) <= (34 if key == "adan" else 32)


@pytest.mark.parametrize("key", WIDEST)
def test_compiles_for_sm_90_and_without_average(key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], False, "f32"))
    ptx = compile_kernel(kernel, UPDATE, "sm_90")
    assert ".f64" not in ptx
    check(ptx, exact)
    assemble(ptx, tmp_path, "sm_90")


@pytest.mark.parametrize("key", [key for key in WIDEST if key in MASKED])
def test_modifiers_that_follow_bring_no_double_and_no_spill(key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], False, "f32", EVERYTHING))
    ptx = compile_kernel(kernel, UPDATE)
    assert ".f64" not in ptx
    check(ptx, exact)
    assert (assemble(ptx, tmp_path, "sm_80") or 0) <= 64
    check_sums(cuda_sums.agreeing_source(VARIANTS[key], "f32"), PARTIALS, tmp_path)


@pytest.mark.parametrize("key", WIDEST)
def test_float64_kernel_has_no_spill(key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], True, "f64"))
    ptx = compile_kernel(kernel, UPDATE)
    check(ptx, exact)
    assemble(ptx, tmp_path, "sm_80")


@pytest.mark.parametrize("key", SUMMING)
def test_sums_of_a_rule_compile(key, tmp_path):
    check_sums(cuda_sums.measure_source(VARIANTS[key], "f32"), PARTIALS, tmp_path)
    check_sums(cuda_sums.adapt_source(VARIANTS[key], "f32"), TOTALS, tmp_path)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_sums_for_all_rules_compile(dtype, tmp_path):
    width = own_width(VARIANTS[SUMMING[0]])
    check_sums(cuda_sums.squares_source(dtype), PARTIALS, tmp_path)
    for squares in (False, True):
        check_sums(cuda_sums.zeros_source(dtype, squares), PARTIALS, tmp_path)
    check_sums(cuda_sums.norm_source(dtype, width, True), TOTALS, tmp_path, "sm_90")
    check_sums(cuda_sums.norm_source(dtype, width, False), TOTALS, tmp_path)
    check_sums(cuda_sums.mask_source(dtype, width), TOTALS, tmp_path, "sm_90")


@pytest.mark.parametrize("cls", WITH_RULE)
def test_schedule_kernel_compiles(cls, tmp_path):
    variant = emit.specialise(emit.schedule_rule_of_class(cls), {})
    kernel, exact = kernel_of(schedule_source(variant))
    ptx = compile_kernel(kernel, SCHEDULE)
    check(ptx, exact)
    for architecture in ("sm_80", "sm_90"):
        assemble(ptx, tmp_path, architecture)


@pytest.mark.parametrize("like", [types.float32, types.float64])
def test_memory_kernels_compile(like):
    fill = compile_kernel(numba_cuda.fill, [types.int64, like, types.int64])
    check(fill, exact=True)
    check(compile_kernel(numba_cuda.copy, [types.int64] * 3 + [like]), exact=True)
