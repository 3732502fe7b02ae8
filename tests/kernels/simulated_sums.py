"""Sums over elements in Numba's CUDA simulator: of rules, of clipping, of cautious steps."""

import numpy as np
import pytest

from fastlr import LARS, SGD, AdamW, DoG
from tests.support.cases import FULLEST, bits, gradients, make, walk
from tests.support.hashed import uniform
from tests.support.simulator import SUMMING, OnDevice, arrays, both, near, on_device


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
