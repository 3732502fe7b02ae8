"""Arrays in Numba's CUDA simulator: many in one launch, unfit ones; and schedules."""

import numpy as np
import pytest

from fastlr import LARS, SGD, AdamW, OneCycle, ScheduleFreeSGD
from fastlr.kernels.cuda import device as numba_cuda
from fastlr.kernels.cuda import reduce as cuda_reduce
from fastlr.kernels.cuda.schedule import schedule_kernel
from fastlr.kernels.cuda.sums import squares_source
from fastlr.kernels.cuda.update import update_source
from fastlr.kernels.find.schedule import schedule_kernel as host_kernel
from fastlr.kernels.jit.source_cache import load_source
from fastlr.kernels.loops.update import rule_of_class, specialise
from fastlr.schedules import SCHEDULES, Piecewise
from fastlr.schedules.rule import Run
from fastlr.updater.steppers import cuda as cuda_stepper
from tests.support.cases import bits, gradients, tree
from tests.support.hashed import uniform
from tests.support.simulator import OnDevice, arrays, both, on_device

# Plateau schedules and compositions have no rule of their own.
WITH_RULE = [
    c
    for c in sorted({*SCHEDULES.values(), Piecewise}, key=lambda c: c.__name__)
    if any(isinstance(b.__dict__.get("factor"), staticmethod) for b in c.__mro__)
]


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

    def test_chunk_beyond_two_to_the_31(self):
        far = 2**31 + 4
        g = np.array([3.0, 4.0, 12.0], np.float32)
        chunks, grads = np.array([0, far, far + 3]), np.array([g.ctypes.data - 4 * far])
        partial, table = np.zeros(1), np.zeros(4, np.int64)
        entry = load_source(*squares_source("f32")).entry
        arguments = [a.ctypes.data for a in (partial, chunks, table, grads)]
        arguments[2:2] = [1]
        numba_cuda.configure(entry, 1, 0)(*arguments, 0, 0, 1)
        assert partial.tolist() == [169.0]

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
        needed = {"boundaries": [3, 8], "values": [1.0, 0.2, 0.6], "interpolation": "linear"}
        schedule = cls(**needed) if cls is Piecewise else cls()
        coefficients = schedule.coefficients(Run(total_steps=8, steps_per_epoch=4))
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
        with pytest.raises(ValueError, match=r"OneCycle\.coefficients must return"):
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
