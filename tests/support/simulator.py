"""What the checks in Numba's simulator share; `tests/kernels/test_cuda_simulator.py` starts them.

The simulator is chosen by an environment variable before Numba is imported, so they run in
processes of their own. Its device memory is host memory: NumPy arrays stand behind objects that
offer `__cuda_array_interface__`, and every access of a kernel goes through their addresses.
"""

import ast

import numpy as np

from fastlr.kernels.loops.update import rule_of_class
from tests.support import simulator_blocks
from tests.support.cases import COMPILED, MODIFIERS, bits, gradients
from tests.support.hashed import uniform

simulator_blocks.install()

# Everything at once but clipping by norm, which has its own checks: it would cost the bits.
ALL = {**MODIFIERS["all"], "clip_norm": None, "nonfinite": "ignore"}
FOLLOWED = {**ALL, "l1": 0.02, "cautious": True, "lookahead": 2, "lookahead_alpha": 0.3}
SUMMING = [name for name, cls in COMPILED.items() if cls.sums]


class OnDevice:
    """An array as another library would offer it on a GPU."""

    def __init__(self, array, stream=1):
        self.array, self.stream = array, stream

    @property
    def __cuda_array_interface__(self):
        a = self.array
        return {
            "shape": a.shape,
            "typestr": a.dtype.str,
            "data": (a.ctypes.data, not a.flags.writeable),
            "strides": None if a.flags.c_contiguous else a.strides,
            "stream": self.stream,
            "version": 3,
        }


def on_device(arrays, stream=1):
    return {name: OnDevice(a, stream) for name, a in arrays.items()}


def both(optimizer, host, steps=3, groups=None, single=False):
    """Step copies of arrays on the CPU and in the simulator; return both updaters and arrays."""
    device = {name: a.copy(order="K") for name, a in host.items()}
    cpu = optimizer.bind(host, groups)
    gpu = optimizer.bind(on_device(device), groups)
    assert gpu.backend == "cuda"
    for t in range(1, steps + 1):
        grads = gradients(host, t)
        cpu.step(grads)
        gpu.step(on_device(grads))
    return cpu, gpu, host, device


def arrays(dtype, seed=1):
    """Return few elements, for the simulator is slow, in arrays that end within a block."""
    shapes = {"a.weight": (2, 3), "b.bias": (1,), "c": (0, 2), "d": (5,)}
    return {n: uniform(s, seed, k).astype(dtype) for k, (n, s) in enumerate(shapes.items())}


def same(optimizer, expected, got):
    """Compare bits; math libraries differ in the last place, and so do sums in other orders."""
    rule = rule_of_class(type(optimizer))
    calls = [n for n in ast.walk(ast.Module(list(rule.body), [])) if isinstance(n, ast.Call)]
    if not rule.summing and not {n.func.id for n in calls} & {"exp", "log"}:
        assert bits(expected) == bits(got)
    else:
        near(expected, got)


def near(expected, got):
    """Compare nested dicts of arrays and numbers within some units in the last place."""
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        if isinstance(value, dict):
            near(value, got[name])
        else:
            rtol = 1e-5 if np.asarray(value).dtype == np.float32 else 1e-13
            np.testing.assert_allclose(got[name], value, rtol=rtol, atol=rtol)
