"""Compiles CUDA kernels without a GPU, and says what PTX and ptxas tell of them."""

import re
import shutil
import subprocess

import pytest
from numba import cuda, types

from fastlr.kernels.cuda import device as numba_cuda
from fastlr.kernels.jit.source_cache import load_source
from fastlr.kernels.loops import update as emit
from fastlr.schedules import SCHEDULES, Piecewise
from tests.support.cases import COMPILED

VARIANTS = {v.key: v for c in COMPILED.values() for v in emit.variants(emit.rule_of_class(c))}
# Those that a cautious step can follow.
MASKED = {
    v.key: v
    for c in COMPILED.values()
    for v in emit.variants(emit.rule_of_class(c))
    if not c().predicts_elsewhere and emit.DECAY_SHARE not in v.rule.parameters
}
# Plateau schedules and compositions have no rule of their own.
WITH_RULE = [
    c
    for c in sorted({*SCHEDULES.values(), Piecewise}, key=lambda c: c.__name__)
    if any(isinstance(b.__dict__.get("factor"), staticmethod) for b in c.__mro__)
]
UPDATE, PARTIALS, TOTALS, SCHEDULE = ([types.int64] * n for n in (6, 8, 10, 4))
CAPABILITIES = {"sm_80": (8, 0), "sm_90": (9, 0)}


def compile_kernel(kernel, arguments, architecture="sm_80"):
    """Return the PTX of a kernel."""
    capability = CAPABILITIES[architecture]
    ptx, _ = cuda.compile_ptx(kernel.py_func, types.void(*arguments), cc=capability)
    assert f".target {architecture}" in ptx
    return ptx


def skip_without_compiler():
    """Skip the test where Numba finds no NVVM."""
    try:
        compile_kernel(numba_cuda.fill, [types.int64, types.float32, types.int64])
    except Exception as reason:  # its type depends on which part of the toolkit is missing
        pytest.skip(f"Numba finds no CUDA compiler (pip install 'fastlr-optim[cuda]'): {reason}")


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
        assert not re.findall(r"\.(approx|ftz)", ptx), "roots, quotients or denormals of less"
        # Elements are counted in 64 bits all along: nothing is narrowed on the way.
        assert not re.findall(r"\bcvt\.[us]32\.[us]64", ptx)


def check_sums(source, arguments, folder, architecture="sm_80"):
    """Check a kernel that sums: it adds in double precision, within a block, without a spill."""
    ptx = compile_kernel(kernel_of(source)[0], arguments, architecture)
    assert re.search(r"\b(add|fma)\.(rn\.)?f64", ptx)
    assert "bar.sync" in ptx
    assert ".shared" in ptx
    check(ptx, exact=False)
    # A block of 256 threads has 65,536 registers to itself on every device.
    assert (assemble(ptx, folder, architecture) or 0) <= 128


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
