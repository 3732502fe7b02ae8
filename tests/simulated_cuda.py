"""Checks of the CUDA backend that run in Numba's simulator; `test_cuda_simulator.py` starts them.

The simulator is chosen by an environment variable before Numba is imported, so these run in a
process of their own. Its device memory is host memory: NumPy arrays stand behind objects that
offer `__cuda_array_interface__`, and every access of a kernel goes through their addresses.
"""

import ast

import numpy as np
import pytest
from cases import COMPILED_CASES, FULLEST, MODIFIERS, bits, common, gradients, make, tree
from hashed import uniform
from reference import REFERENCES, Walk

from fastlr import LAMB, SGD, AdamW, OneCycle, ScheduleFreeSGD
from fastlr.kernels import cuda_stepper, numba_cuda
from fastlr.kernels.cuda_source import update_source
from fastlr.kernels.emit import rule_of_class, specialise
from fastlr.kernels.schedule_cpu import schedule_kernel as host_kernel
from fastlr.kernels.schedule_cuda import schedule_kernel
from fastlr.kernels.source_cache import load_source
from fastlr.optimizers import Optimizer
from fastlr.schedules import SCHEDULES
from fastlr.schedules.lengths import Run

# Everything at once but what needs a reduction, which simulates slowly and has its own checks.
ALL = {**MODIFIERS["all"], "clip_norm": None, "nonfinite": "ignore"}
FOLLOWED = {**ALL, "l1": 0.02, "lookahead": 2, "lookahead_alpha": 0.3}

# Plateau schedules and compositions have no rule of their own.
WITH_RULE = [
    c
    for c in sorted(set(SCHEDULES.values()), key=lambda c: c.__name__)
    if any(isinstance(b.__dict__.get("factor"), staticmethod) for b in c.__mro__)
]


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


class Mine(Optimizer):
    """A user's rule that calls every function of the language."""

    lr: float = 0.1
    state = ("m", "i")

    def coefficients(self, t, lr):
        return {"rate": lr, "small": 0.25, "low": -0.75}

    @staticmethod
    def update(p, g, m, i, rate, small, low):
        m = m + small * (exp(-abs(g)) - log(small + g * g))  # noqa: F821
        i = max(min(m, g), low)
        return p - rate * (sign(g) * sqrt(abs(m)) + cbrt(i)), m, i  # noqa: F821


def followed(cls):
    """Return everything at once, what follows the rule included where it may."""
    return ALL if cls().predicts_elsewhere else FOLLOWED


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


ON_DEVICE = [case for case, (cls, _) in COMPILED_CASES.items() if not cls.sums]


class TestRules:
    @pytest.mark.parametrize("case", ON_DEVICE)
    def test_float32_kernel_gives_the_bits_of_the_cpu(self, case):
        cpu, gpu, host, device = both(make(case, **ALL), arrays(np.float32))
        same(make(case), host, device)
        same(make(case), cpu.state_dict()["state"], gpu.state_dict()["state"])

    @pytest.mark.parametrize("case", [c for c in FULLEST.values() if c in ON_DEVICE])
    def test_float64_kernel_gives_the_bits_of_the_cpu(self, case):
        more = {**followed(COMPILED_CASES[case][0]), "average": "polyak"}
        optimizer = make(case, **more, schedule=OneCycle(total_steps=5))
        cpu, gpu, host, device = both(optimizer, arrays(np.float64))
        same(optimizer, host, device)
        same(optimizer, cpu.state_dict()["state"], gpu.state_dict()["state"])

    @pytest.mark.parametrize("name", [n for n in REFERENCES if FULLEST[n] in ON_DEVICE])
    def test_agrees_with_the_readable_reference(self, name):
        cls = type(make(FULLEST[name]))
        for settings in REFERENCES[name].settings:
            optimizer = cls(**{**settings, **followed(cls)})
            params = optimizer.get_params(deep=False)
            shared = {k: v for k, v in params.items() if k in common(cls)}
            own = {k: v for k, v in params.items() if k not in shared}
            start = uniform(3, 4)
            walk = Walk(REFERENCES[name].rule, own, shared, start, [slice(None)])
            array = start.copy()
            updater = optimizer.bind(OnDevice(array))
            for t in range(1, 6):
                grad = uniform(3, 5, t)
                walk.step(grad)
                updater.step(OnDevice(grad))
            np.testing.assert_allclose(array, walk.p, rtol=1e-12)
            average = updater.state_dict()["state"]["average"]["0"]
            np.testing.assert_allclose(average, walk.average, rtol=1e-12)

    def test_what_the_device_cannot_do_is_refused_by_name(self):
        for optimizer, message in [
            (LAMB(), "LAMB sums over elements"),
            (SGD(clip_norm=1.0, clip_scope="parameter"), "clip_scope='parameter'"),
        ]:
            with pytest.raises(ValueError, match=message):
                optimizer.bind(OnDevice(np.ones(3)))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_users_rule_runs_on_the_device(self, dtype):
        cpu, gpu, host, device = both(Mine(), arrays(dtype))
        same(Mine(), host, device)
        same(Mine(), cpu.state_dict()["state"], gpu.state_dict()["state"])


def same(optimizer, expected, got):
    """Compare bits; exp and log may differ in the last place between math libraries."""
    rule = ast.Module(list(rule_of_class(type(optimizer)).body), [])
    if not {n.func.id for n in ast.walk(rule) if isinstance(n, ast.Call)} & {"exp", "log"}:
        assert bits(expected) == bits(got)
        return
    for name, array in expected.items():
        if isinstance(array, dict):
            same(optimizer, array, got[name])
        else:
            rtol = 1e-5 if array.dtype == np.float32 else 1e-13
            np.testing.assert_allclose(got[name], array, rtol=rtol, atol=rtol)


class TestGradients:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_clipping_by_norm_is_global_and_signed(self, dtype):
        optimizer = AdamW(lr=0.1, clip_norm=0.7, maximize=True, weight_decay=0.1, eps=0.5)
        _, _, host, device = both(optimizer, arrays(dtype), steps=2)
        rtol = 1e-6 if dtype == np.float32 else 1e-14
        for name, array in host.items():
            np.testing.assert_allclose(device[name], array, rtol=rtol, atol=rtol)

    def test_norm_adds_in_double_precision(self):
        array = np.zeros(40, np.float32)
        grad = np.ones(40, np.float32)
        grad[0] = 2.0**13  # in float32 its square would swallow the others
        SGD(lr=1.0, clip_norm=1.0).bind(OnDevice(array)).step(OnDevice(grad))
        scale = np.float32(1 / (np.sqrt(2.0**26 + 39) + 1e-6))
        assert array[1] == -scale

    def test_figures_of_the_last_step(self):
        updater = SGD(lr=0.5, clip_norm=1.0, nonfinite="skip").bind({"a": OnDevice(np.ones(2))})
        assert updater.stats()["grad_norm"] is None
        updater.step({"a": OnDevice(np.array([3.0, 4.0]))})
        assert updater.stats()["grad_norm"] == 5.0
        assert updater.stats()["last_skipped"] is None
        updater.step({"a": OnDevice(np.array([3.0, np.nan]))})
        assert updater.stats()["last_skipped"] == "a"
        assert np.isnan(updater.stats()["grad_norm"])
        assert (updater.stats()["t"], updater.stats()["skipped"]) == (1, 1)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_skip_leaves_everything_as_it_was(self, bad):
        array, grad = np.ones(5), uniform(5, 1)
        updater = AdamW(nonfinite="skip", clip_norm=1.0, average="ema").bind(OnDevice(array))
        updater.step(OnDevice(grad))
        before = array.copy(), bits(updater.state_dict()["state"])
        grad[3] = bad
        updater.step(OnDevice(grad))
        assert (updater.t, updater.skipped) == (1, 1)
        assert bits(before[0]) == bits(array)
        assert before[1] == bits(updater.state_dict()["state"])
        updater.step(OnDevice(np.ones(5)))
        assert updater.t == 2
        assert np.isfinite(array).all()

    def test_raise_names_the_gradient_and_changes_nothing(self):
        host = arrays(np.float32)
        before = bits(host)
        updater = SGD(lr=0.1, momentum=0.9, nonfinite="raise").bind(on_device(host))
        grads = gradients(host, 1)
        grads["d"] = np.array([1, 2, 3, 4, np.nan], np.float32)
        with pytest.raises(ValueError, match=r"grads\['d'\] holds values that are not finite"):
            updater.step(on_device(grads))
        assert bits(host) == before
        assert (updater.t, updater.skipped) == (0, 0)

    def test_finite_gradient_with_infinite_square_is_no_reason_to_skip(self):
        array, grad = np.zeros(3), np.array([1e200, -1e200, 1.0])
        updater = SGD(lr=0.5, nonfinite="skip").bind(OnDevice(array))
        updater.step(OnDevice(grad))
        assert updater.skipped == 0
        assert array.tolist() == [-5e199, 5e199, -0.5]

    def test_ignore_lets_nan_through_to_its_element_only(self):
        array = np.ones(3)
        SGD(lr=0.5).bind(OnDevice(array)).step(OnDevice(np.array([1.0, np.nan, 2.0])))
        assert array[[0, 2]].tolist() == [0.5, 0.0]
        assert np.isnan(array[1])


class TestArrays:
    def test_one_launch_serves_all_arrays_and_groups(self, monkeypatch):
        launches = []
        configure = cuda_stepper.configure

        def counted(kernel, blocks, stream):
            launches.append(blocks)
            return configure(kernel, blocks, stream)

        host = arrays(np.float64)
        groups = [{"match": "*.bias", "weight_decay": 0.0}, {"match": "d", "lr": 0.1}]
        monkeypatch.setattr(cuda_stepper, "configure", counted)
        _, _, host, device = both(AdamW(lr=0.1, weight_decay=0.3), host, groups=groups)
        assert launches == [2 + 1 + 0 + 2] * 3
        assert bits(host) == bits(device)

    def test_shapes_without_elements_or_axes(self):
        host = {n: a for n, a in tree().items() if a.size <= 5 and a.flags.c_contiguous}
        assert {a.shape for a in host.values()} >= {(), (0,), (3, 0), (5,)}
        _, _, host, device = both(SGD(lr=0.1, momentum=0.9, weight_decay=0.1), host, steps=1)
        assert bits(host) == bits(device)

    def test_nothing_but_empty_arrays(self):
        updater = SGD(clip_norm=1.0, nonfinite="raise").bind([OnDevice(np.ones((0, 3)))])
        updater.step([OnDevice(np.ones((0, 3)))])
        assert updater.t == 1

    def test_element_beyond_two_to_the_31(self):
        # The last block of an array so large that its first block lies far before this launch,
        # and its address as far before the memory that is there.
        far = 2**31 + 4
        p, g = np.ones(3, np.float32), np.full(3, 0.5, np.float32)
        first_block = -far // numba_cuda.THREADS
        table = np.array([[far + 3], [first_block], [0], [p.ctypes.data - 4 * far]])
        grads = np.array([g.ctypes.data - 4 * far])
        variant = specialise(rule_of_class(SGD), SGD().switches())
        assert variant.coefficients == ("ahead", "rate")
        row = np.array([1, np.inf, 0, 0, 0, 0, 0, 0, 1, 0.25], np.float32)
        entry = load_source(*update_source(variant, False, "f32")).entry
        arguments = (np.zeros(1, np.int64), table, grads, row, np.ones(1, np.float32))
        numba_cuda.configure(entry, 1, 0)(*(a.ctypes.data for a in arguments), 1)
        assert p.tolist() == [0.875] * 3

    def test_resume_equals_the_run_without_a_break(self):
        optimizer = AdamW(lr=0.1, schedule=OneCycle(total_steps=9), average="polyak")
        one, two = np.ones(3), np.ones(3)
        whole, first = optimizer.bind(OnDevice(one)), optimizer.bind(OnDevice(two))
        for t in range(2):
            whole.step(OnDevice(uniform(3, t)))
            first.step(OnDevice(uniform(3, t)))
        kept = first.state_dict()
        assert all(isinstance(a["0"], np.ndarray) for a in kept["state"].values())
        second = optimizer.bind(OnDevice(two))
        second.load_state_dict(kept)
        for t in range(2, 4):
            whole.step(OnDevice(uniform(3, t)))
            second.step(OnDevice(uniform(3, t)))
        assert bits(one) == bits(two)
        assert bits(whole.state_dict()["state"]) == bits(second.state_dict()["state"])

    def test_averaged_are_copies_on_the_device(self):
        array = np.full(3, 2.0)
        updater = SGD(lr=0.5, average="polyak").bind({"w": OnDevice(array)})
        assert updater.averaged["w"].copy_to_host().tolist() == [2.0] * 3
        for _ in range(2):
            updater.step({"w": OnDevice(np.ones(3))})
        average = updater.averaged["w"]
        updater.step({"w": OnDevice(np.ones(3))})
        assert average.copy_to_host().tolist() == [1.25] * 3

    def test_what_a_schedule_free_rule_predicts_with_comes_to_the_device(self):
        array, host = np.full(3, 2.0), np.full(3, 2.0)
        optimizer = ScheduleFreeSGD(lr=0.5, weight_decay=0.1)
        device, cpu = optimizer.bind(OnDevice(array)), optimizer.bind(host)
        for t in range(3):
            device.step(OnDevice(uniform(3, t)))
            cpu.step(uniform(3, t))
        np.testing.assert_allclose(device.averaged.copy_to_host(), cpu.averaged, rtol=1e-14)
        assert not np.allclose(cpu.averaged, host, rtol=1e-3)

    def test_gradients_may_come_from_elsewhere_at_each_step(self):
        array = np.zeros(2)
        updater = SGD(lr=1.0).bind(OnDevice(array))
        grads = [np.full(2, float(k)) for k in range(3)]
        for grad in [*grads, grads[0], grads[2]]:
            updater.step(OnDevice(grad))
        assert array.tolist() == [-5.0, -5.0]


class TestSchedules:
    @pytest.mark.parametrize("cls", WITH_RULE)
    def test_kernel_on_device_times_gives_what_the_cpu_gives(self, cls):
        coefficients = cls().coefficients(Run(total_steps=8, steps_per_epoch=4))
        t = np.arange(0.0, 11.0, 2.0)
        out = np.full_like(t, -1.0)
        schedule_kernel(cls)(OnDevice(out), OnDevice(t), coefficients)
        np.testing.assert_allclose(out, host_kernel(cls)(t, coefficients), rtol=1e-14)

    def test_refuses_what_it_cannot_fill(self):
        kernel = schedule_kernel(OneCycle)
        coefficients = OneCycle().coefficients(Run(8, None))
        t = OnDevice(np.arange(3.0))
        with pytest.raises(TypeError, match="out must be float64"):
            kernel(OnDevice(np.zeros(3, np.float32)), t, coefficients)
        with pytest.raises(ValueError, match="out must have the shape of t"):
            kernel(OnDevice(np.zeros(4)), t, coefficients)
        with pytest.raises(ValueError, match="coefficients must have"):
            kernel(OnDevice(np.zeros(3)), t, {})


class TestRefusals:
    def refused(self, error, match, params, grads=None):
        """Bind or step with something unfit; nothing may change."""
        arrays = [p.array for p in params if isinstance(p, OnDevice)]
        before = bits(arrays)
        with pytest.raises(error, match=match):
            SGD(lr=0.1).bind(params).step(grads)
        assert bits(arrays) == before

    def test_numpy_parameters_beside_device_arrays(self):
        with pytest.raises(TypeError, match=r"params\[1\] must be a CUDA device array.*'cython'"):
            SGD().bind([OnDevice(np.ones(2)), np.ones(2)])

    def test_numpy_parameters_when_cuda_is_asked_for(self):
        with pytest.raises(TypeError, match=r"params must be a CUDA .* got a NumPy array; move"):
            SGD().bind(np.ones(2), backend="cuda")

    def test_numpy_gradients(self):
        self.refused(TypeError, r"grads\[0\] must be a CUDA", [OnDevice(np.ones(2))], [np.ones(2)])

    def test_other_backends_for_device_arrays(self):
        for backend in ("cython", "numba"):
            with pytest.raises(ValueError, match=f"backend='{backend}' takes NumPy arrays"):
                SGD().bind(OnDevice(np.ones(2)), backend=backend)

    def test_dtypes(self):
        with pytest.raises(TypeError, match="params must be float32 or float64, got int64"):
            SGD().bind(OnDevice(np.ones(2, np.int64)))
        with pytest.raises(TypeError, match=r"params\[1\] is float32 and params\[0\] is float64"):
            SGD().bind([OnDevice(np.ones(2)), OnDevice(np.ones(2, np.float32))])
        good = [OnDevice(np.ones(2))]
        grads = [OnDevice(np.ones(2, np.float32))]
        self.refused(TypeError, "must be float64 as its parameter, got float32", good, grads)

    def test_shapes(self):
        grads = [OnDevice(np.ones((2, 1)))]
        self.refused(ValueError, r"must have shape \(2,\)", [OnDevice(np.ones(2))], grads)

    def test_layout(self):
        with pytest.raises(ValueError, match="params must be contiguous in C order"):
            SGD().bind(OnDevice(np.ones((2, 3)).T))
        grads = [OnDevice(np.ones(4)[::2])]
        self.refused(ValueError, r"grads\[0\] must be contiguous", [OnDevice(np.ones(2))], grads)

    def test_read_only_and_misaligned_parameters(self):
        array = np.ones(2)
        array.flags.writeable = False
        with pytest.raises(ValueError, match="params is read-only"):
            SGD().bind(OnDevice(array))
        crooked = np.zeros(17, np.uint8)[1:].view(np.float64)
        with pytest.raises(ValueError, match="params must be aligned"):
            SGD().bind(OnDevice(crooked))

    def test_modifiers_that_need_sums_over_elements(self):
        with pytest.raises(ValueError, match="cautious=True counts elements"):
            SGD(cautious=True).bind(OnDevice(np.ones(2)))

    def test_overlap(self):
        memory = np.ones(6)
        with pytest.raises(ValueError, match=r"params\[0\] and params\[1\] overlap"):
            SGD().bind([OnDevice(memory[:4]), OnDevice(memory[3:])])
        params = [OnDevice(memory[:2]), OnDevice(memory[2:4])]
        grads = [OnDevice(np.ones(2)), OnDevice(memory[3:5])]
        self.refused(ValueError, r"grads\[1\] overlaps params\[1\]", params, grads)

    def test_containers(self):
        params = [OnDevice(np.ones(2)), OnDevice(np.ones(2))]
        self.refused(ValueError, "grads must hold 2 arrays", params, [OnDevice(np.ones(2))])
        named = {"w": OnDevice(np.ones(2))}
        with pytest.raises(ValueError, match="grads must have the keys of params"):
            SGD().bind(named).step({"b": OnDevice(np.ones(2))})

    def test_gradients_on_two_streams(self):
        params = [OnDevice(np.ones(2)), OnDevice(np.ones(2))]
        grads = [OnDevice(np.ones(2), stream=11), OnDevice(np.ones(2), stream=12)]
        self.refused(ValueError, r"grads\[1\] must be on the stream", params, grads)
