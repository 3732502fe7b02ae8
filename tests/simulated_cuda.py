"""Checks of the CUDA backend that run in Numba's simulator; `test_cuda_simulator.py` starts them.

The simulator is chosen by an environment variable before Numba is imported, so these run in a
process of their own. Its device memory is host memory: NumPy arrays stand behind objects that
offer `__cuda_array_interface__`, and every access of a kernel goes through their addresses.
"""

import ast

import numpy as np
import pytest
import simulator_blocks
from cases import (
    COMPILED,
    COMPILED_CASES,
    FULLEST,
    MODIFIERS,
    bits,
    common,
    gradients,
    make,
    tree,
    walk,
)
from hashed import uniform
from reference import REFERENCES, Walk

from fastlr import LARS, SGD, AdamW, DoG, OneCycle, ScheduleFreeSGD
from fastlr.kernels import cuda_reduce, cuda_stepper, numba_cuda
from fastlr.kernels.cuda_source import update_source
from fastlr.kernels.emit import rule_of_class, specialise
from fastlr.kernels.schedule_cpu import schedule_kernel as host_kernel
from fastlr.kernels.schedule_cuda import schedule_kernel
from fastlr.kernels.source_cache import load_source
from fastlr.optimizers import Optimizer
from fastlr.schedules import SCHEDULES
from fastlr.schedules.lengths import Run

simulator_blocks.install()

# Everything at once but clipping by norm, which has its own checks: it would cost the bits.
ALL = {**MODIFIERS["all"], "clip_norm": None, "nonfinite": "ignore"}
FOLLOWED = {**ALL, "l1": 0.02, "cautious": True, "lookahead": 2, "lookahead_alpha": 0.3}
SUMMING = [name for name, cls in COMPILED.items() if cls.sums]

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


@pytest.fixture
def launches(monkeypatch):
    """The number of blocks of each launch of a step, in order."""
    counted = []

    def counting(kernel, blocks, stream):
        counted.append(blocks)
        return numba_cuda.configure(kernel, blocks, stream)

    for module in (cuda_stepper, cuda_reduce):
        monkeypatch.setattr(module, "configure", counting)
    return counted


def arrays(dtype, seed=1):
    """Return few elements, for the simulator is slow, in arrays that end within a block."""
    shapes = {"a.weight": (2, 3), "b.bias": (1,), "c": (0, 2), "d": (5,)}
    return {n: uniform(s, seed, k).astype(dtype) for k, (n, s) in enumerate(shapes.items())}


class TestRules:
    @pytest.mark.parametrize("case", COMPILED_CASES)
    def test_float32_kernel_gives_the_bits_of_the_cpu(self, case):
        cpu, gpu, host, device = both(make(case, **ALL), arrays(np.float32))
        same(make(case), host, device)
        same(make(case), cpu.state_dict()["state"], gpu.state_dict()["state"])

    @pytest.mark.parametrize("case", [c for c in FULLEST.values() if c in COMPILED_CASES])
    def test_float64_kernel_gives_the_bits_of_the_cpu(self, case):
        more = {**followed(COMPILED_CASES[case][0]), "average": "polyak"}
        optimizer = make(case, **more, schedule=OneCycle(total_steps=5))
        cpu, gpu, host, device = both(optimizer, arrays(np.float64))
        same(optimizer, host, device)
        same(optimizer, cpu.state_dict()["state"], gpu.state_dict()["state"])

    @pytest.mark.parametrize("name", [n for n in REFERENCES if FULLEST[n] in COMPILED_CASES])
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

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_users_rule_runs_on_the_device(self, dtype):
        cpu, gpu, host, device = both(Mine(), arrays(dtype))
        same(Mine(), host, device)
        same(Mine(), cpu.state_dict()["state"], gpu.state_dict()["state"])


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


class TestSums:
    """Rules that sum over elements first, and whatever else is summed."""

    @pytest.mark.parametrize("name", SUMMING)
    def test_groups_clipping_and_scalars_are_those_of_the_cpu(self, name):
        host = {n: np.concatenate([a.ravel()] * 3) for n, a in arrays(np.float32).items()}
        groups = [{"match": "b.bias", "lr": 0.5}, {"match": ["a*", "d"], "weight_decay": 0.0}]
        optimizer = make(
            FULLEST[name], weight_decay=0.05, clip_norm=0.5, clip_scope="group", nonfinite="skip"
        )
        cpu, gpu, host, device = both(optimizer, host, groups=groups)
        near(host, device)
        near(cpu.state_dict()["state"], gpu.state_dict()["state"])
        scalars = [u.state_dict().get("scalars", {}) for u in (cpu, gpu)]
        assert set(scalars[0]) == set(optimizer.scalars)
        for scalar, value in scalars[0].items():  # of double precision, from float32 elements
            expected = value if isinstance(value, dict) else {"": value}
            found = scalars[1][scalar] if isinstance(value, dict) else {"": scalars[1][scalar]}
            assert found == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("name", SUMMING)
    def test_resume_goes_between_devices(self, name):
        optimizer = make(FULLEST[name], weight_decay=0.05)
        host = arrays(np.float64)
        whole = walk(optimizer.bind({n: a.copy() for n, a in host.items()}), 4)
        first = walk(optimizer.bind({n: a.copy() for n, a in host.items()}), 2)
        device = {n: a.copy() for n, a in first.params.items()}
        second = optimizer.bind(on_device(device))
        second.step(on_device(gradients(device, 9)))  # is to be forgotten, but for the parameters
        for n, a in first.params.items():
            device[n][...] = a
        second.load_state_dict(first.state_dict())
        for t in (3, 4):
            second.step(on_device(gradients(device, t)))
        near(whole.params, device)
        last = optimizer.bind({n: a.copy() for n, a in device.items()})
        last.load_state_dict(second.state_dict())
        near(walk(whole, 2, first=5).params, walk(last, 2, first=5).params)

    @pytest.mark.parametrize("scope", ["global", "group", "parameter"])
    def test_each_scope_clips_by_its_norm(self, scope):
        # Groups whose arrays lie between those of others, one of them empty.
        groups = [{"match": ["a*", "d"]}, {"match": "c"}]
        optimizer = SGD(lr=1.0, clip_norm=0.7, clip_scope=scope, nonfinite="raise")
        cpu, gpu, host, device = both(optimizer, arrays(np.float64), steps=2, groups=groups)
        near(host, device)
        assert gpu.stats()["grad_norm"] == pytest.approx(cpu.stats()["grad_norm"], rel=1e-14)

    @pytest.mark.parametrize("scope", ["group", "parameter"])
    def test_skipped_step_names_the_first_array_and_changes_nothing(self, scope):
        device = {n: np.ones(5) for n in "abc"}
        optimizer = DoG(nonfinite="skip", clip_norm=1.0, clip_scope=scope, lookahead=2)
        updater = optimizer.bind(on_device(device), groups=[{"match": "b"}])
        updater.step(on_device(gradients(device, 1)))
        before = bits(device), bits(updater.state_dict()["state"]), updater.state_dict()["scalars"]
        grads = {n: g.copy() for n, g in gradients(device, 2).items()}
        grads["b"][4] = grads["c"][0] = np.inf
        updater.step(on_device(grads))
        assert (updater.t, updater.stats()["last_skipped"]) == (1, "b")
        kept = updater.state_dict()
        assert before == (bits(device), bits(kept["state"]), kept["scalars"])

    def test_sums_of_a_rule_add_in_double_precision(self):
        array, grad = np.ones(40, np.float32), np.full(40, 0.5, np.float32)
        array[0] = 2.0**13  # in float32 its square would swallow the others
        LARS(lr=1.0, momentum=0.0, trust_coefficient=0.01).bind(OnDevice(array)).step(
            OnDevice(grad)
        )
        trust = np.float32(0.01 * np.sqrt(2.0**26 + 39) / np.sqrt(10.0))
        assert array[1] == np.float32(1) - trust * np.float32(0.5)

    def test_cautious_counts_each_array_by_itself(self):
        # At the second step `a` leaves one move of three out, `b` none, and `c` all.
        device = {n: np.zeros(3) for n in "abc"}
        updater = SGD(lr=1.0, momentum=0.5, cautious=True).bind(on_device(device))
        grads = {n: np.array([1.0, 2.0, 3.0]) for n in "abc"}
        updater.step(on_device(grads))
        grads["a"], grads["c"] = np.array([1.0, -0.25, 3.0]), -0.125 * grads["c"]
        updater.step(on_device(grads))
        assert device["a"].tolist() == [-1 - 1.5 * 1.5, -2.0, -3 - 1.5 * 4.5]
        assert device["b"].tolist() == [-2.5, -5.0, -7.5]
        assert device["c"].tolist() == [-1.0, -2.0, -3.0]


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
    def test_one_launch_serves_all_arrays_and_groups(self, launches):
        host = arrays(np.float64)
        groups = [{"match": "*.bias", "weight_decay": 0.0}, {"match": "d", "lr": 0.1}]
        _, _, host, device = both(AdamW(lr=0.1, weight_decay=0.3), host, groups=groups)
        assert launches == [2 + 1 + 0 + 2] * 3
        assert bits(host) == bits(device)

    @pytest.mark.parametrize(
        ("optimizer", "count"),
        [
            (AdamW(l1=0.1, lookahead=2, average="ema", clip_value=0.3), 1),
            (SGD(clip_norm=1.0, clip_scope="parameter", nonfinite="skip"), 3),
            (SGD(cautious=True), 3),
            (LARS(), 3),
            (LARS(clip_norm=1.0, clip_scope="group"), 5),
            (LARS(clip_norm=1.0, cautious=True, average="polyak"), 7),
        ],
    )
    def test_sums_take_two_launches_each_and_nothing_is_sent(self, optimizer, count, launches):
        device = on_device(arrays(np.float32))
        grads = on_device(gradients(arrays(np.float32), 1))
        updater = optimizer.bind(device, groups=[{"match": "d"}])
        updater.step(grads)
        del launches[:]
        with pytest.MonkeyPatch.context() as patch:
            for name in ("send", "fetch", "synchronize") if optimizer.nonfinite == "ignore" else ():
                patch.delattr(numba_cuda, name)
            updater.step(grads)
        assert len(launches) == count

    def test_stream_that_is_being_captured_is_refused_before_anything_is_written(self, monkeypatch):
        def refuse(stream):
            raise RuntimeError(f"captured {stream}")

        array = np.ones(3)
        updater = SGD(lr=1.0).bind(OnDevice(array))
        monkeypatch.setattr(numba_cuda, "refuse_capture", refuse)
        with pytest.raises(RuntimeError, match="captured 0"):
            updater.step(OnDevice(np.ones(3)))
        assert (updater.t, array.tolist()) == (0, [1.0] * 3)

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
        arguments = (np.zeros(1, np.int64), table, grads, row, np.ones(2, np.float32))
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
