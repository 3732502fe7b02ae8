"""Rules in Numba's CUDA simulator, beside the CPU and the readable references."""

import numpy as np
import pytest

from fastlr import OneCycle
from fastlr.optimizers import Optimizer
from tests.support.cases import COMPILED_CASES, FULLEST, bits, common, make
from tests.support.hashed import uniform
from tests.support.reference import REFERENCES, Walk
from tests.support.simulator import ALL, FOLLOWED, OnDevice, arrays, both, on_device, same


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


class MineSummed(Optimizer):
    """A user's rule that sums, and calls the functions of the language where it adapts."""

    lr: float = 0.1
    state = ("m",)
    sums = ("size", "along")
    scalars = ("kept",)
    derived = ("scale", "turn")

    def coefficients(self, t, lr):
        return {"rate": lr, "c": 0.25 + 0 * t}

    @staticmethod
    def measure(p, g, m, c, kept):
        m = m + c * (g - m)
        return abs(m), kept + m * p

    @staticmethod
    def adapt(size, along, kept, c):
        kept = max(kept, 2 * c) + min(along, 1.0)
        return cbrt(size) / (1 + sqrt(size)), sign(along), kept  # noqa: F821

    @staticmethod
    def update(p, g, m, rate, c, kept, scale, turn):
        m = m + c * (g - m)
        return p - rate * (scale * m + turn / kept), m


def followed(cls):
    """Return everything at once, what follows the rule included where it may."""
    return ALL if cls().predicts_elsewhere else FOLLOWED


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

    @pytest.mark.parametrize("name", [n for n in FULLEST if FULLEST[n] in COMPILED_CASES])
    def test_group_that_starts_later_waits_and_then_moves_as_on_the_cpu(self, name):
        optimizer, host = make(FULLEST[name]), arrays(np.float64)
        groups = [{"match": ["a.*", "d"], "start": 2}]
        if not optimizer.can_wait:
            with pytest.raises(ValueError, match="start=2"):
                optimizer.bind(on_device(host), groups)
            return
        first = {name: a.copy() for name, a in host.items()}
        for steps in (2, 4):
            start = {name: a.copy() for name, a in first.items()}
            cpu, gpu, host, device = both(optimizer, start, steps, groups)
            same(optimizer, host, device)
            same(optimizer, cpu.state_dict()["state"], gpu.state_dict()["state"])
            waited = [n for n in ("a.weight", "d") if bits(device[n]) == bits(first[n])]
            assert waited == (["a.weight", "d"] if steps == 2 else [])
            assert bits(device["b.bias"]) != bits(first["b.bias"])

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
    @pytest.mark.parametrize("cls", [Mine, MineSummed])
    def test_users_rule_runs_on_the_device(self, cls, dtype):
        cpu, gpu, host, device = both(cls(cautious=True), arrays(dtype))
        same(cls(), host, device)
        same(cls(), cpu.state_dict()["state"], gpu.state_dict()["state"])
