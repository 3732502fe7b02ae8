"""Every CUDA kernel for sm_80 and sm_90 in either precision; minutes, so only `.ci/run` asks."""

import pytest

from fastlr.kernels.cuda import sums as cuda_sums
from fastlr.kernels.cuda.update import schedule_source, update_source
from fastlr.kernels.loops import update as emit
from fastlr.kernels.loops.finish import choices
from tests.support.ptx import (
    CAPABILITIES,
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

DTYPES = ("f32", "f64")


@pytest.fixture(scope="module", autouse=True)
def _compiler():
    skip_without_compiler()


def updates(variant):
    """Yield an update alone, with its average, and with all that may follow it."""
    yield False, None
    yield True, None
    follow = [f for f in choices() if variant.key in MASKED]
    yield from ((False, f) for f in follow if sum((f.cautious, f.lookahead, f.average)) in {0, 3})


@pytest.mark.parametrize("architecture", CAPABILITIES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("key", VARIANTS)
def test_rule(key, dtype, architecture, tmp_path):
    variant = VARIANTS[key]
    for average, finish in updates(variant):
        kernel, exact = kernel_of(update_source(variant, average, dtype, finish))
        ptx = compile_kernel(kernel, UPDATE, architecture)
        assert dtype == "f64" or ".f64" not in ptx
        check(ptx, exact)
        assemble(ptx, tmp_path, architecture)
    if variant.measure:
        check_sums(cuda_sums.measure_source(variant, dtype), PARTIALS, tmp_path, architecture)
        check_sums(cuda_sums.adapt_source(variant, dtype), TOTALS, tmp_path, architecture)
    if key in MASKED:
        check_sums(cuda_sums.agreeing_source(variant, dtype), PARTIALS, tmp_path, architecture)


@pytest.mark.parametrize("architecture", CAPABILITIES)
@pytest.mark.parametrize("cls", WITH_RULE)
def test_schedule(cls, architecture, tmp_path):
    variant = emit.specialise(emit.schedule_rule_of_class(cls), {})
    kernel, exact = kernel_of(schedule_source(variant))
    ptx = compile_kernel(kernel, SCHEDULE, architecture)
    check(ptx, exact)
    assemble(ptx, tmp_path, architecture)
