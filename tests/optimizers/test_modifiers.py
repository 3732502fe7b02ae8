"""What follows a rule, and the figures of a step: values that one can check by hand."""

import pickle

import numpy as np
import pytest

from fastlr import SGD, AdamW, CosineAnnealing, OneCycle, ReduceOnPlateau
from fastlr.kernels.loops.update import RuleError
from fastlr.optimizers import FTRL, OPTIMIZERS, Lion, Muon, Optimizer, ScheduleFreeSGD
from tests.support.cases import bits, gradients, small, snapshot, walk
from tests.support.engines import needs_compiled, use_engine
from tests.support.hashed import uniform

ENGINES = ["cython", "numba", "cython-python_stepper"]


@pytest.fixture(params=ENGINES)
def backend(request):
    with use_engine(request.param) as backend:
        yield backend


def rising(t):
    """Schedule: 0, 1/2, then 1."""
    return min(t / 2, 1.0)


def half(t):
    """Schedule: always 1/2."""
    return 0.5


def stepped(optimizer, p, *grads, groups=None, **more):
    """Return the updater after steps from a copy of p."""
    updater = optimizer.bind(p, groups, **more)
    for g in grads:
        updater.step(g)
    return updater


class TestL1:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_shrinks_by_rate_times_strength_and_stops_at_zero(self, backend, dtype):
        p = np.array([1.0, -1.0, 0.125, -0.25, 0.25, 0.0], dtype)
        stepped(SGD(lr=0.5, l1=0.5), p, np.zeros(6, dtype), backend=backend)
        assert p.tolist() == [0.75, -0.75, 0.0, 0.0, 0.0, 0.0]

    def test_acts_after_the_step_of_the_rule(self):
        p = np.array([1.0])
        stepped(SGD(lr=0.5, l1=0.5), p, np.array([3.0]))
        assert p.tolist() == [-0.25]

    def test_follows_schedule_and_group(self):
        params = {"a": np.ones(1), "b": np.ones(1), "c": np.ones(1), "d": np.ones(1)}
        groups = [{"match": "b", "lr": 0.5}, {"match": "c", "l1": 0.0}, {"match": "d", "l1": 1.0}]
        zero = {n: np.zeros(1) for n in params}
        optimizer = SGD(lr=0.5, l1=0.5, schedule=rising)
        stepped(optimizer, params, zero, zero, zero, groups=groups)
        got = {n: float(a[0]) for n, a in params.items()}
        assert got == {"a": 0.625, "b": 0.8125, "c": 1.0, "d": 0.25}

    def test_may_have_a_schedule_of_its_own(self):
        params = {"a": np.ones(1), "b": np.ones(1)}
        zero = {n: np.zeros(1) for n in params}
        optimizer = SGD(lr=0.5, l1=0.5, schedules={"l1": rising})
        stepped(optimizer, params, zero, zero, zero, groups=[{"match": "b", "l1": 1.0}])
        assert (params["a"][0], params["b"][0]) == (0.625, 0.25)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_zero_changes_no_bit(self, backend, dtype):
        tiny = float(np.finfo(dtype).smallest_subnormal)
        special = np.array([0.0, -0.0, tiny, -tiny, 1.0, np.inf, -np.inf, np.nan], dtype)
        g = np.tile(special, len(special))
        results = []
        for more in ({}, {"lookahead": 100}):  # which is not due yet, and brings the loop along
            p = np.repeat(special, len(special))
            with np.errstate(all="ignore"):
                updater = SGD(lr=1.0, momentum=0.5, average="ema", **more).bind(p, backend=backend)
                updater.step(g)
            results.append([np.where(np.isnan(a), 0, a) for a in (p, updater.averaged)])
        assert bits(results[0]) == bits(results[1])
        assert np.isinf(results[0][0]).any()

    def test_finds_the_lasso_solution(self):
        x, y = uniform((60, 8), 1), uniform(60, 2)
        w, penalty = np.zeros(8), 1.0
        updater = SGD(lr=0.02, l1=penalty).bind(w)
        for _ in range(3000):
            updater.step(x.T @ (x @ w - y))
        pull = -x.T @ (x @ w - y)
        assert 0 < np.count_nonzero(w) < 8
        np.testing.assert_allclose(pull[w != 0], penalty * np.sign(w[w != 0]), rtol=1e-9)
        assert np.all(np.abs(pull[w == 0]) <= penalty)

    def test_of_ftrl_is_that_of_its_rule(self):
        assert list(FTRL.parameter_defaults)[:4] == ["lr", "beta", "l1", "l2"]
        p, q = np.zeros(2), np.zeros(2)
        grad = np.array([0.5, -3.0])
        stepped(FTRL(lr=1.0, l1=1.0), p, grad)
        assert p.tolist() == [0.0, 0.5]
        with pytest.raises(ValueError, match="FTRL applies l1 itself"):
            FTRL().bind({"w": q}, [{"match": "w", "l1": 0.1}])


class TestL2:
    @pytest.mark.parametrize("decay", ["l2", "decoupled", "independent"])
    def test_joins_the_gradient_whatever_the_decay_is(self, backend, decay):
        p, q = np.array([1.0, -2.0]), np.array([1.0, -2.0])
        shared = {"lr": 0.5, "momentum": 0.5, "decay": decay}
        stepped(SGD(l2=0.25, **shared), p, np.ones(2), np.ones(2), backend=backend)
        updater = SGD(**shared).bind(q)
        for _ in range(2):
            updater.step(1.0 + 0.25 * q)
        np.testing.assert_allclose(p, q, rtol=1e-15)

    def test_adds_to_decay_of_the_same_kind(self):
        p, q = np.array([1.0, -2.0]), np.array([1.0, -2.0])
        stepped(SGD(lr=0.5, l2=0.25, weight_decay=0.5), p, np.zeros(2))
        stepped(SGD(lr=0.5, weight_decay=0.75), q, np.zeros(2))
        assert p.tolist() == q.tolist() == [0.625, -1.25]

    def test_is_not_clipped_and_shrinks_when_the_gradient_is_followed_upwards(self):
        p = np.array([4.0])
        stepped(SGD(lr=0.5, l2=0.5, clip_value=0.5, maximize=True), p, np.array([-3.0]))
        assert p.tolist() == [2.75]

    def test_follows_groups_and_a_schedule_of_its_own(self):
        params = {"a": np.ones(1), "b": np.ones(1), "c": np.ones(1)}
        zero = {n: np.zeros(1) for n in params}
        groups = [{"match": "b", "l2": 0.0}, {"match": "c", "l2": 1.0}]
        optimizer = SGD(lr=0.5, l2=0.5, schedules={"l2": half})
        stepped(optimizer, params, zero, groups=groups)
        assert {n: float(a[0]) for n, a in params.items()} == {"a": 0.875, "b": 1.0, "c": 0.75}

    def test_of_ftrl_is_that_of_its_rule(self):
        with pytest.raises(ValueError, match="FTRL applies l2 itself"):
            FTRL().bind({"w": np.zeros(2)}, [{"match": "w", "l2": 0.1}])

    def test_reaches_rules_in_array_code_and_what_they_leave_to_others(self):
        params = {"w": uniform((3, 2), 1), "b": uniform(2, 2)}
        decayed = {n: p.copy() for n, p in params.items()}
        zero = {n: np.zeros_like(p) for n, p in params.items()}
        stepped(Muon(l2=0.1, weight_decay=0.0), params, zero)
        stepped(Muon(weight_decay=0.1, decay="l2"), decayed, zero)
        assert all(np.array_equal(params[n], decayed[n]) for n in params)


class TestCautious:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_keeps_moves_down_the_gradient_and_makes_up_for_the_rest(self, backend, dtype):
        p = np.zeros(4, dtype)
        optimizer = SGD(lr=0.5, momentum=0.5, cautious=True)
        updater = optimizer.bind(p, backend=backend)
        updater.step(np.array([1.0, -4.0, 1.0, 4.0], dtype))
        assert p.tolist() == [-0.5, 2.0, -0.5, -2.0]
        updater.step(np.array([1.0, 1.0, 0.0, 2.0], dtype))
        # The buffer is 1.5, -1, 0.5, 4: the first and the last agree with the gradient.
        assert p.tolist() == [-2.0, 2.0, -0.5, -6.0]

    def test_mean_is_over_each_array(self, backend):
        params = {"a": np.zeros(2), "b": np.zeros(2)}
        optimizer = SGD(lr=1.0, cautious=True)
        grads = {"a": np.array([1.0, 0.0]), "b": np.array([1.0, 1.0])}
        stepped(optimizer, params, grads, backend=backend)
        assert params["a"].tolist() == [-2.0, 0.0]
        assert params["b"].tolist() == [-1.0, -1.0]

    def test_scale_ends_at_a_thousand(self):
        p, g = np.zeros(4000), np.zeros(4000)
        g[17] = 1.0
        stepped(SGD(lr=1.0, cautious=True), p, g)
        assert p[17] == -1000.0
        assert np.count_nonzero(p) == 1

    def test_decay_is_not_masked(self):
        p = np.ones(2)
        optimizer = SGD(lr=0.5, weight_decay=0.5, decay="decoupled", cautious=True)
        stepped(optimizer, p, np.array([1.0, 0.0]))
        assert p.tolist() == [-0.25, 0.75]

    def test_moves_too_small_for_the_precision_do_not_enlarge_the_others(self):
        p = np.array([1.0, 1.0, 1.0, 0.0], np.float32)
        stepped(SGD(lr=1.0, cautious=True), p, np.full(4, 1e-9, np.float32))
        assert p.tolist() == [1.0, 1.0, 1.0, -np.float32(1e-9)]

    def test_a_gradient_that_is_no_number_shows(self):
        p = np.zeros(3)
        stepped(SGD(lr=1.0, cautious=True), p, np.array([1.0, np.nan, 2.0]))
        assert np.isnan(p).tolist() == [False, True, False]

    @needs_compiled
    def test_threads_do_not_change_bits(self):
        results = []
        for n_threads in (1, 3):
            params = {"a": uniform(50_003, 1), "b": uniform(17_001, 2)}
            optimizer = AdamW(
                lr=0.1, cautious=True, clip_norm=1.0, clip_scope="parameter", l1=0.1, lookahead=2
            )
            updater = optimizer.bind(params, n_threads=n_threads)
            results.append(snapshot(walk(updater, 4)))
        assert results[0] == results[1]

    def test_refuses_a_rule_that_decays_by_itself(self):
        class Own(Optimizer):
            lr: float = 0.1

            def coefficients(self, t, lr):
                return {"rate": lr}

            @staticmethod
            def update(p, g, rate, decay_share):
                return p - rate * g - decay_share * p

        with pytest.raises(ValueError, match="Own applies the decay itself"):
            Own(cautious=True).bind(np.ones(2))


class TestLookahead:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_goes_back_half_the_way_every_third_step(self, backend, dtype):
        p = np.array([8.0], dtype)
        updater = SGD(lr=1.0, lookahead=3).bind(p, backend=backend)
        seen = []
        for _ in range(6):
            updater.step(np.ones(1, dtype))
            seen.append(float(p[0]))
        assert seen == [7.0, 6.0, 6.5, 5.5, 4.5, 5.0]
        assert updater.state_dict()["state"]["lookahead"]["0"].tolist() == [5.0]

    def test_the_average_sees_the_parameters_that_are_left(self):
        p = np.array([8.0])
        updater = stepped(SGD(lr=1.0, lookahead=2, average="polyak"), p, *[np.ones(1)] * 2)
        assert updater.averaged.tolist() == [7.0]

    def test_a_skipped_step_does_not_count(self):
        p = np.array([8.0])
        updater = SGD(lr=1.0, lookahead=2, nonfinite="skip").bind(p)
        for g in (1.0, np.nan, 1.0):
            updater.step(np.array([g]))
        assert p.tolist() == [7.0]

    def test_the_part_kept_may_have_a_schedule(self):
        p = np.array([8.0])
        optimizer = SGD(
            lr=1.0,
            lookahead=1,
            lookahead_alpha=0.5,
            schedules={"lookahead_alpha": half},
        )
        stepped(optimizer, p, np.ones(1))
        assert p.tolist() == [7.75]


FOLLOWED = AdamW(
    lr=0.1,
    weight_decay=0.1,
    l1=0.05,
    cautious=True,
    lookahead=3,
    average="ema",
    clip_norm=0.5,
    clip_scope="parameter",
    schedule=OneCycle(total_steps=20),
)


class TestTogether:
    @pytest.mark.parametrize("k", range(8))
    def test_resume_equals_the_run_without_a_break(self, backend, k):
        whole = walk(FOLLOWED.bind(small(), backend=backend), 9)
        first = walk(FOLLOWED.bind(small(), backend=backend), k)
        second = FOLLOWED.bind({n: p.copy() for n, p in first.params.items()}, backend=backend)
        second.load_state_dict(first.state_dict())
        assert snapshot(walk(second, 9 - k, first=k + 1)) == snapshot(whole)

    def test_a_pickled_updater_goes_on(self):
        whole = walk(FOLLOWED.bind(small()), 7)
        copy = pickle.loads(pickle.dumps(walk(FOLLOWED.bind(small()), 4)))
        assert snapshot(walk(copy, 3, first=5)) == snapshot(whole)

    def test_state_holds_what_is_kept_and_no_scratch(self):
        state = FOLLOWED.bind(small()).state_dict()["state"]
        assert set(state) == {"m", "v", "lookahead", "average"}

    def test_a_state_without_slow_parameters_is_refused(self):
        kept = AdamW().bind(np.ones(2)).state_dict()
        with pytest.raises(ValueError, match="lookahead"):
            AdamW(lookahead=2).bind(np.ones(2)).load_state_dict(kept)

    @pytest.mark.parametrize("name", ["lamb", "prodigy", "adam"])
    def test_a_rule_with_sums_is_followed_as_well(self, name):
        results = []
        for engine in ENGINES:
            with use_engine(engine) as backend:
                optimizer = OPTIMIZERS[name](l1=0.1, cautious=True, lookahead=2, average="polyak")
                results.append(snapshot(walk(optimizer.bind(small(), backend=backend), 5)))
        assert results[0] == results[1] == results[2]


class TestClipScope:
    grads = {"a": np.array([3.0, 4.0]), "b": np.array([0.3, 0.4]), "c": np.array([6.0, 8.0])}

    @pytest.mark.parametrize(
        ("scope", "norms"),
        [
            ("global", dict.fromkeys("abc", np.sqrt(125.25))),
            ("parameter", {"a": 5.0, "b": 0.5, "c": 10.0}),
            ("group", {"a": np.sqrt(25.25), "b": np.sqrt(25.25), "c": 10.0}),
        ],
    )
    def test_bounds_the_norm_of(self, backend, scope, norms):
        params = {n: np.zeros(2) for n in self.grads}
        optimizer = SGD(lr=1.0, clip_norm=1.0, clip_scope=scope, maximize=True)
        updater = stepped(optimizer, params, self.grads, groups=[{"match": "c"}], backend=backend)
        for name, norm in norms.items():
            want = self.grads[name] * min(1.0, 1 / (norm + 1e-6))
            np.testing.assert_allclose(params[name], want, rtol=1e-15)
        assert updater.stats()["grad_norm"] == pytest.approx(np.sqrt(125.25), rel=1e-15)


class TestStats:
    def test_before_the_first_step(self, backend):
        stats = SGD(lr=0.5, clip_norm=1.0).bind(np.ones(2), backend=backend).stats()
        assert stats == {
            "t": 0,
            "lr": None,
            "momentum": None,
            "grad_norm": None,
            "param_norm": None,
            "update_norm": None,
            "update_ratio": None,
            "skipped": 0,
            "last_skipped": None,
        }

    def test_rates_are_those_of_the_step_that_was_made(self):
        schedule = OneCycle(total_steps=10)
        updater = AdamW(lr=0.5, schedule=schedule).bind(np.ones(2))
        lrs, betas = schedule.simulate(10, lr=0.5)
        for t in range(5):
            updater.step(np.ones(2))
            stats = updater.stats()
            assert (stats["t"], stats["grad_norm"]) == (t + 1, None)
            assert stats["lr"] == pytest.approx(lrs[t], rel=1e-15)
            assert stats["momentum"] == pytest.approx(betas[t], rel=1e-15)

    def test_a_metric_does_not_change_what_was(self):
        schedule = ReduceOnPlateau(factor=0.5, patience=0)
        updater = SGD(lr=1.0, schedule=schedule).bind(np.ones(2))
        updater.step(np.ones(2))
        for _ in range(3):
            updater.observe(1.0)
        assert updater.lr < 1.0
        assert updater.stats()["lr"] == 1.0
        updater.step(np.ones(2))
        assert updater.stats()["lr"] < 1.0

    @pytest.mark.parametrize("more", [{"clip_norm": 1e9}, {"nonfinite": "skip"}])
    def test_norm_is_that_of_the_gradients_as_given(self, backend, more):
        params = small()
        updater = SGD(lr=0.1, **more).bind(params, backend=backend)
        walk(updater, 2)
        want = np.sqrt(sum(np.sum(g**2) for g in gradients(params, 2).values()))
        assert updater.stats()["grad_norm"] == pytest.approx(want, rel=1e-14)

    def test_names_the_array_at_fault(self, backend):
        params = small()
        updater = Lion(nonfinite="skip").bind(params, backend=backend)
        grads = {n: g.copy() for n, g in gradients(params, 1).items()}
        updater.step(grads)
        grads["b.weight"][1, 2] = np.inf
        updater.step(grads)
        stats = updater.stats()
        assert (stats["t"], stats["skipped"], stats["last_skipped"]) == (1, 1, "b.weight")
        assert stats["grad_norm"] == np.inf
        grads["a.bias"][3] = np.nan
        updater.step(grads)
        assert updater.stats()["last_skipped"] == "a.bias"
        assert np.isnan(updater.stats()["grad_norm"])
        updater.step(gradients(params, 2))
        assert updater.stats()["last_skipped"] == "a.bias"
        again = Lion(nonfinite="skip").bind(small(), backend=backend)
        again.load_state_dict(updater.state_dict())
        assert again.stats()["last_skipped"] == "a.bias"
        updater.load_state_dict(updater.state_dict())
        assert updater.stats()["last_skipped"] == "a.bias"
        assert updater.stats()["grad_norm"] is None


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"l1": -1.0}, ValueError, r"SGD: l1 must be a number in \[0, inf\)"),
        ({"l2": -1.0}, ValueError, r"SGD: l2 must be a number in \[0, inf\)"),
        ({"cautious": 1}, ValueError, "cautious must be one of False, True"),
        ({"lookahead": 0}, ValueError, r"lookahead must be a number in \[1, inf\)"),
        ({"lookahead": 2.5}, TypeError, "lookahead must be a whole number, got 2.5"),
        ({"lookahead": True}, TypeError, "lookahead must be a number"),
        ({"lookahead_alpha": 0.0}, ValueError, r"lookahead_alpha must be a number in \(0, 1\]"),
        ({"clip_scope": "layer"}, ValueError, "clip_scope must be one of 'global', 'group', 'par"),
        (
            {"lookahead": 2, "schedules": {"lookahead": CosineAnnealing(9)}},
            ValueError,
            "lookahead is one number for the whole run",
        ),
    ],
)
def test_unfit_settings_are_refused_by_name(settings, error, match):
    with pytest.raises(error, match=match):
        SGD(**settings)


def test_a_schedule_for_lookahead_that_is_off_is_refused():
    with pytest.raises(ValueError, match="lookahead_alpha is for lookahead="):
        SGD(schedules={"lookahead_alpha": CosineAnnealing(9)}).bind(np.ones(2))


@pytest.mark.parametrize("more", [{"l1": 0.1}, {"cautious": True}, {"lookahead": 5}])
def test_rules_that_predict_with_other_parameters_are_not_followed(more):
    with pytest.raises(ValueError, match="predicts with other parameters than it steps"):
        ScheduleFreeSGD(**more).bind(np.ones(2))


def test_a_group_with_an_unfit_penalty_is_refused():
    with pytest.raises(ValueError, match=r"groups\[0\]: l1 must be a number in"):
        SGD().bind({"w": np.ones(2)}, [{"match": "w", "l1": -0.5}])


def test_state_may_not_take_the_name_of_the_slow_parameters():
    class Taken(Optimizer):
        lr: float = 0.1
        state = ("lookahead",)

        def coefficients(self, t, lr):
            return {"rate": lr}

        @staticmethod
        def update(p, g, lookahead, rate):
            return p - rate * g, lookahead + g

    with pytest.raises(RuleError, match="state may not be called 'lookahead'"):
        Taken().bind(np.ones(2))
