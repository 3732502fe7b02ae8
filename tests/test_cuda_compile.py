"""CUDA kernels compiled without a GPU: what PTX and ptxas say of them."""

import re
import shutil
import subprocess

import pytest
from cases import COMPILED
from numba import cuda, types

from fastlr.kernels import emit, numba_cuda
from fastlr.kernels.cuda_source import schedule_source, update_source
from fastlr.kernels.source_cache import load_source
from fastlr.schedules import SCHEDULES

VARIANTS = {v.key: v for c in COMPILED.values() for v in emit.variants(emit.rule_of_class(c))}
# Those with most arrays, which need most registers.
WIDEST = sorted(VARIANTS, key=lambda key: -len(VARIANTS[key].state))[:4]
UPDATE = [types.int64] * 6
# Plateau schedules and compositions have no rule of their own.
WITH_RULE = [
    c
    for c in sorted(set(SCHEDULES.values()), key=lambda c: c.__name__)
    if any(isinstance(b.__dict__.get("factor"), staticmethod) for b in c.__mro__)
]


@pytest.fixture(scope="module")
def to_ptx():
    """A function from a kernel, its types and a compute capability to PTX."""

    def compile_kernel(kernel, arguments, capability=(8, 0)):
        ptx, _ = cuda.compile_ptx(kernel.py_func, types.void(*arguments), cc=capability)
        return ptx

    try:
        compile_kernel(numba_cuda.fill, [types.int64, types.float32, types.int64])
    except Exception as reason:  # its type depends on which part of the toolkit is missing
        pytest.skip(f"Numba finds no CUDA compiler (pip install 'fastlr[cuda]'): {reason}")
    return compile_kernel


def kernel_of(source):
    """Load an emitted kernel; tell whether its bits are its own, not those of a math library."""
    name, text = source
    return load_source(name, text).entry, re.search(r"\b(exp|log|cos|pow)\(", text) is None


def check(ptx, exact):
    """Check what holds in either precision."""
    assert not re.findall(r"\b(ld|st)\.[fu]\d+", ptx), "generic addresses: slower than global"
    if exact:
        assert "fma." not in ptx, "a product and a sum that the CPU rounds twice"
        assert not re.findall(r"\bmul\.f\d+", ptx), "a product that ptxas may fuse"
        assert ".local" not in ptx
        # Elements are counted in 64 bits all along: nothing is narrowed on the way.
        assert not re.findall(r"\bcvt\.[us]32\.[us]64", ptx)


def assemble(ptx, folder, architecture):
    """Run ptxas, where it is; return registers for each thread. A spill fails."""
    if shutil.which("ptxas") is None:
        return None
    source = folder / "kernel.ptx"
    source.write_text(ptx)
    done = subprocess.run(
        ["ptxas", "-v", f"-arch={architecture}", str(source), "-o", str(folder / "kernel.cubin")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in done.stderr
    return int(re.search(r"Used (\d+) registers", done.stderr)[1])


@pytest.mark.parametrize("key", VARIANTS)
def test_float32_kernel_has_no_double_and_no_spill(to_ptx, key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], True, "f32"))
    ptx = to_ptx(kernel, UPDATE)
    assert ".target sm_80" in ptx
    assert ".f64" not in ptx
    check(ptx, exact)
    for architecture in ("sm_80", "sm_90"):
        # 32 registers are what lets every multiprocessor hold all the threads it can.
        assert (assemble(ptx, tmp_path, architecture) or 0) <= 32


@pytest.mark.parametrize("key", WIDEST)
def test_compiles_for_sm_90_and_without_average(to_ptx, key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], False, "f32"))
    ptx = to_ptx(kernel, UPDATE, capability=(9, 0))
    assert ".target sm_90" in ptx
    assert ".f64" not in ptx
    check(ptx, exact)
    assemble(ptx, tmp_path, "sm_90")


@pytest.mark.parametrize("key", WIDEST)
def test_float64_kernel_has_no_spill(to_ptx, key, tmp_path):
    kernel, exact = kernel_of(update_source(VARIANTS[key], True, "f64"))
    ptx = to_ptx(kernel, UPDATE)
    check(ptx, exact)
    assemble(ptx, tmp_path, "sm_80")


@pytest.mark.parametrize("cls", WITH_RULE)
def test_schedule_kernel_compiles(to_ptx, cls, tmp_path):
    variant = emit.specialise(emit.schedule_rule_of_class(cls), {})
    kernel, exact = kernel_of(schedule_source(variant))
    ptx = to_ptx(kernel, [types.int64] * 4)
    check(ptx, exact)
    assemble(ptx, tmp_path, "sm_80")


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_reductions_compile(to_ptx, dtype, tmp_path):
    partial_sums, finish = numba_cuda.reductions(dtype)
    like = types.float32 if dtype == "f32" else types.float64
    for kernel, arguments in (
        (partial_sums, [types.int64] * 7 + [like]),
        (finish, [types.int64] * 4 + [types.float64]),
    ):
        ptx = to_ptx(kernel, arguments)
        assert "bar.sync" in ptx
        assert ".shared" in ptx
        check(ptx, exact=False)
        for architecture in ("sm_80", "sm_90"):
            assemble(ptx, tmp_path, architecture)


@pytest.mark.parametrize("like", [types.float32, types.float64])
def test_memory_kernels_compile(to_ptx, like):
    check(to_ptx(numba_cuda.fill, [types.int64, like, types.int64]), exact=True)
    check(to_ptx(numba_cuda.copy, [types.int64] * 3 + [like]), exact=True)
