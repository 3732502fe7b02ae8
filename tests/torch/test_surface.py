"""fastlr.torch behaves as torch's optimizers do around the step, too."""

import copy
import io
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

from torch.optim.optimizer import (  # noqa: E402
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

import fastlr  # noqa: E402
import fastlr.torch as compiled  # noqa: E402
from fastlr import OneCycle, ReduceOnPlateau, Warmup  # noqa: E402
from fastlr.optimizers import OPTIMIZERS  # noqa: E402
from fastlr.torch.translation import TRANSLATIONS  # noqa: E402

SHARED = [name for name in TRANSLATIONS if hasattr(torch.optim, name)]
ELEMENTWISE = [name for name in SHARED if name not in ("Muon", "Adafactor")]
OWN = sorted({rule.__name__ for rule in OPTIMIZERS.values()} - set(SHARED))
SETTINGS = {"SGD": {"momentum": 0.9, "dampening": 0.3}, "RMSprop": {"momentum": 0.5}}


def tensors(*shapes, dtype=torch.float32, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in shapes]


def give(params, t):
    """Give parameters gradients of step t."""
    generator = torch.Generator().manual_seed(100 + t)
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype) + 0.1 * p.detach()


def run(optimizer, params, steps, first=0):
    for t in range(first, first + steps):
        give(params, t)
        optimizer.step()


def make(name, params, **more):
    return getattr(compiled, name)(params, **SETTINGS.get(name, {}), **more)


def make_theirs(name, params, **more):
    plain = {} if name == "Muon" else {"foreach": False}
    return getattr(torch.optim, name)(params, **SETTINGS.get(name, {}), **plain, **more)


def assert_same(ours, theirs, rtol=1e-5):
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", sorted({rule.__name__ for rule in OPTIMIZERS.values()}))
def test_every_rule_steps_tensors_as_its_updater_steps_arrays(name):
    rule = getattr(fastlr, name)
    optimizer = make(name, ours := tensors((4, 3), (6, 2), (1, 5)))
    settings = TRANSLATIONS[name].settings(optimizer.defaults) if name in SHARED else {}
    arrays = [p.detach().numpy().copy() for p in ours]
    updater = rule(**settings).bind(arrays)
    for t in range(12):
        give(ours, t)
        grads = [p.grad.numpy().copy() for p in ours]
        optimizer.step()
        updater.step(grads)
    for p, array in zip(ours, arrays, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), array)


@pytest.mark.parametrize("name", SHARED)
def test_signature_and_defaults_are_those_of_torch(name):
    import inspect

    assert inspect.signature(getattr(compiled, name)) == inspect.signature(
        getattr(torch.optim, name)
    )
    (p,) = tensors((2, 2))
    assert getattr(compiled, name)([p]).defaults == getattr(torch.optim, name)([p]).defaults


@pytest.mark.parametrize("name", SHARED)
def test_state_goes_from_torch_to_here_and_back_in_mid_run(name):
    rtol = 2e-2 if name == "Muon" else 1e-5
    ours, theirs = tensors((4, 3), (2, 5)), tensors((4, 3), (2, 5))
    reference = make_theirs(name, theirs)
    first = make_theirs(name, ours)
    run(first, ours, 3)
    run(reference, theirs, 3)
    second = make(name, ours)
    second.load_state_dict(first.state_dict())
    for p, q in zip(ours, theirs, strict=True):
        for key, value in reference.state[q].items():
            if key != "prev":
                assert value is None or torch.equal(first.state[p][key], value)
    run(second, ours, 4, first=3)
    run(reference, theirs, 4, first=3)
    assert_same(ours, theirs, rtol)
    third = make_theirs(name, ours)
    third.load_state_dict(copy.deepcopy(second.state_dict()))
    for p in ours:
        for key, value in second.state[p].items():
            assert torch.equal(third.state[p][key], value)
    run(third, ours, 3, first=7)
    run(reference, theirs, 3, first=7)
    assert_same(ours, theirs, rtol)


@pytest.mark.parametrize("name", sorted({rule.__name__ for rule in OPTIMIZERS.values()}))
def test_a_loaded_state_goes_on_to_the_bit(name):
    whole, parts = tensors((4, 3), (2, 5)), tensors((4, 3), (2, 5))
    run(make(name, whole), whole, 8)
    before = make(name, parts)
    run(before, parts, 5)
    file = io.BytesIO()
    torch.save(before.state_dict(), file)
    file.seek(0)
    after = make(name, parts)
    after.load_state_dict(torch.load(file, weights_only=True))
    run(after, parts, 3, first=5)
    for p, q in zip(parts, whole, strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_go_on_by_themselves(duplicate):
    (p,) = tensors((3, 2))
    optimizer = compiled.AdamW([p])
    run(optimizer, [p], 3)
    twin = duplicate(optimizer)
    (q,) = twin.param_groups[0]["params"]
    assert q is not p
    run(optimizer, [p], 2, first=3)
    assert not torch.equal(p, q)
    run(twin, [q], 2, first=3)
    assert torch.equal(p, q)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_parameter_without_gradient_is_skipped_with_its_step_count(name):
    ours, theirs = tensors((3,), (2, 2), (4,)), tensors((3,), (2, 2), (4,))
    optimizer, reference = make(name, ours), make_theirs(name, theirs)
    for t in range(14):
        for params in (ours, theirs):
            give(params, t)
            if t % 2:
                params[1].grad = None
            if t % 3 == 1:
                params[0].grad = None
        optimizer.step()
        reference.step()
    assert_same(ours, theirs)
    for p, q in zip(ours, theirs, strict=True):
        assert optimizer.state[p].get("step") == reference.state[q].get("step")


def test_groups_changed_between_steps_act_at_the_next_one():
    ours, theirs = tensors((3,), (2, 2)), tensors((3,), (2, 2))
    made = []
    for params, make_it in ((ours, make), (theirs, make_theirs)):
        optimizer = make_it("AdamW", [params[0]], lr=1e-2)
        give(params, 0)
        optimizer.step()
        optimizer.add_param_group({"params": [params[1]], "lr": 0.1, "betas": (0.5, 0.9)})
        for t in range(1, 12):
            give(params, t)
            optimizer.param_groups[0]["lr"] *= 0.9
            if t == 4:
                optimizer.param_groups[1]["weight_decay"] = 0.3
            if t == 6:
                optimizer.param_groups[0]["betas"] = [0.8, 0.95]
            if t == 7:
                optimizer.param_groups[0]["betas"][0] = 0.7
            if t == 9:
                optimizer.param_groups[1]["lr"] = torch.tensor(0.03)
            if t == 10:
                optimizer.param_groups[1]["lr"].fill_(0.01)
            optimizer.step()
        made.append(optimizer)
    assert_same(ours, theirs)
    assert made[0].state[ours[0]]["step"] == 12
    assert made[0].state[ours[1]]["step"] == 11


LAYOUTS = {
    "scalar": lambda: torch.randn(()),
    "empty": lambda: torch.randn(0, 3),
    "transposed": lambda: torch.randn(4, 3).t(),
    "channels_last": lambda: torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "column": lambda: torch.randn(5, 6)[:, 2],
    "every_other": lambda: torch.randn(9)[::2],
    "slice": lambda: torch.randn(10)[3:8],
}


@pytest.mark.parametrize("name", ["AdamW", "SGD", "Adafactor", "Rprop"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_parameters_lie_in_memory_as_they_like(layout, name):
    if (layout, name) == ("empty", "Adafactor"):
        pytest.skip("torch divides by the number of elements")
    torch.manual_seed(0)
    p = LAYOUTS[layout]()
    q = p.detach().clone(memory_format=torch.preserve_format)
    p = p.detach().requires_grad_()
    q.requires_grad_()
    optimizer, reference = make(name, [p]), make_theirs(name, [q])
    for t in range(5):
        generator = torch.Generator().manual_seed(t)
        grad = torch.randn(q.shape, generator=generator)
        if t == 3 and grad.dim() == 2:
            grad = grad.t().contiguous().t()  # of another memory order than the parameter
        p.grad, q.grad = grad.clone(memory_format=torch.preserve_format), grad
        optimizer.step()
        reference.step()
    assert_same([p], [q])


def test_what_lies_between_strided_elements_is_left_alone():
    base = torch.zeros(6, 4)
    column = base[:, 1].requires_grad_(False)
    column.requires_grad_()
    optimizer = compiled.SGD([column], lr=1.0)
    column.grad = torch.ones(6)
    optimizer.step()
    assert torch.equal(base[:, 1], torch.full((6,), -1.0))
    assert torch.count_nonzero(base[:, [0, 2, 3]]) == 0


def test_parameters_that_share_memory_step_one_after_the_other():
    def walk(make_it):
        memory = torch.arange(6.0)
        a, b = memory[:4].detach().requires_grad_(), memory[2:].detach().requires_grad_()
        optimizer = make_it("SGD", [a, b], lr=0.5)
        for t in range(3):
            a.grad, b.grad = torch.full((4,), 1.0 + t), torch.full((4,), 2.0)
            optimizer.step()
        return memory

    assert torch.equal(walk(make), walk(make_theirs))


def test_new_storage_of_a_parameter_is_noticed():
    (p,) = tensors((4,))
    optimizer = compiled.AdamW([p], lr=0.1)
    run(optimizer, [p], 2)
    p.data = torch.zeros(4)
    give([p], 2)
    optimizer.step()
    assert torch.count_nonzero(p) == 4
    assert optimizer.state[p]["step"] == 3


def test_replaced_state_is_noticed():
    ours, theirs = tensors((4,)), tensors((4,))
    optimizer, reference = make("AdamW", ours), make_theirs("AdamW", theirs)
    run(optimizer, ours, 2)
    run(reference, theirs, 2)
    for each, p in ((optimizer, ours[0]), (reference, theirs[0])):
        each.state[p]["exp_avg"] = torch.ones(4)
        each.state[p]["exp_avg_sq"].mul_(2.0)
        each.state[p]["step"].fill_(7.0)
    run(optimizer, ours, 2, first=2)
    run(reference, theirs, 2, first=2)
    assert_same(ours, theirs)
    assert optimizer.state[ours[0]]["step"] == 9


def test_closure_and_hooks_are_called_in_torchs_order():
    def calls_of(make_it):
        calls = []
        (p,) = tensors((2,))
        optimizer = make_it("SGD", [p])
        optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
        optimizer.register_step_post_hook(lambda *_: calls.append("after"))
        optimizer.register_state_dict_pre_hook(lambda *_: calls.append("state before"))
        optimizer.register_state_dict_post_hook(lambda *_: calls.append("state after"))
        optimizer.register_load_state_dict_post_hook(lambda *_: calls.append("loaded"))
        handles = [
            register_optimizer_step_pre_hook(lambda *_: calls.append("global before")),
            register_optimizer_step_post_hook(lambda *_: calls.append("global after")),
        ]

        def closure():
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            calls.append("closure")
            return loss

        assert float(optimizer.step(closure).detach()) > 0
        optimizer.load_state_dict(optimizer.state_dict())
        for handle in handles:
            handle.remove()
        return calls, p

    (ours, p), (theirs, q) = calls_of(make), calls_of(make_theirs)
    assert ours == theirs
    assert_same([p], [q])


def test_profiler_sees_the_step():
    (p,) = tensors((2,))
    optimizer = compiled.SGD([p])
    give([p], 0)
    with torch.profiler.profile() as profile:
        optimizer.step()
    assert any("Optimizer.step#SGD.step" in event.name for event in profile.events())


def test_grad_scaler_unscales_and_skips_as_with_torchs_fused_step():
    (p,), (q,) = tensors((4,)), tensors((4,))
    optimizer, reference = make("AdamW", [p]), torch.optim.AdamW([q], fused=True)
    scalers = [torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2) for _ in range(2)]
    for t in range(6):
        pairs = zip((p, q), (optimizer, reference), scalers, strict=True)
        for param, each, scaler in pairs:
            each.zero_grad()
            loss = (param * (torch.inf if t == 2 else t + 1.0)).sum()
            scaler.scale(loss).backward()
            scaler.step(each)
            scaler.update()
        assert_same([p], [q])
    assert scalers[0].get_scale() == scalers[1].get_scale()
    assert optimizer.state[p]["step"] == 5


REFUSED = {
    "complex": lambda p: p.to(torch.complex64),
    "half": lambda p: p.half(),
    "bfloat16": lambda p: p.bfloat16(),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_kinds_that_kernels_do_not_take_are_refused_by_name_and_nothing_steps(kind):
    good, bad = torch.ones(3, requires_grad=True), REFUSED[kind](torch.ones(3)).requires_grad_()
    optimizer = compiled.AdamW([("good", good), ("bad", bad)])
    good.grad, bad.grad = torch.ones(3), torch.ones_like(bad)
    with pytest.raises(TypeError, match=r"parameter bad is torch\."):
        optimizer.step()
    assert torch.equal(good, torch.ones(3))


def test_sparse_gradients_are_refused_by_name_even_in_mid_run():
    weight = torch.ones(4, 2, requires_grad=True)
    optimizer = compiled.SGD([("table", weight)])
    weight.grad = torch.ones(4, 2)
    optimizer.step()
    weight.grad = torch.sparse_coo_tensor([[1]], torch.ones(1, 2), (4, 2), check_invariants=True)
    with pytest.raises(TypeError, match=r"gradient of parameter table has the sparse layout"):
        optimizer.step()


@pytest.mark.parametrize("flag", ["capturable", "differentiable"])
def test_flags_that_compiled_steps_cannot_follow_are_refused(flag):
    with pytest.raises(ValueError, match=f"AdamW: {flag} must be False"):
        compiled.AdamW(tensors((2,)), **{flag: True})


@pytest.mark.parametrize("flag", ["foreach", "fused"])
def test_flags_that_choose_among_torchs_loops_are_accepted(flag):
    (p,) = tensors((2,))
    run(compiled.AdamW([p], **{flag: True}), [p], 1)


@pytest.mark.parametrize("name", ["SparseAdam", "LBFGS"])
def test_what_has_no_compiled_step_is_refused_by_name(name):
    with pytest.raises(AttributeError, match=f"no {name}: .*torch.optim.{name}"):
        getattr(compiled, name)


@pytest.mark.parametrize("name", OWN)
def test_a_wrong_setting_of_a_rule_of_our_own_is_named(name):
    with pytest.raises(ValueError, match="lr"):
        getattr(compiled, name)(tensors((2, 2)), lr=-1.0)
    with pytest.raises(TypeError, match="clip_norm"):
        getattr(compiled, name)(tensors((2, 2)), clip_norm=1.0)


@pytest.mark.parametrize("name", ["ScheduleFreeSGD", "ScheduleFreeAdamW"])
def test_schedule_free_rules_predict_with_the_average_in_eval_mode(name):
    (p,) = tensors((4,))
    optimizer = make(name, [p])
    array = p.detach().numpy().copy()
    updater = getattr(fastlr, name)().bind(array)
    for t in range(5):
        give([p], t)
        updater.step(p.grad.numpy().copy())
        optimizer.step()
    stepped = p.detach().clone()
    optimizer.eval()
    np.testing.assert_array_equal(p.detach().numpy(), updater.averaged)
    with pytest.raises(RuntimeError, match=r"train\(\)"):
        optimizer.step()
    optimizer.train()
    assert torch.equal(p, stepped)


@pytest.mark.parametrize("name", ["AdamW", "SGD", "ASGD", "Adafactor"])
@pytest.mark.parametrize("theirs", [False, True])
def test_a_schedule_of_ours_drives_rates_and_momentum(name, theirs):
    make_it = make_theirs if theirs else make
    ours, other = tensors((3, 2)), tensors((3, 2))
    optimizer = make_it(name, ours, lr=0.1)
    scheduler = compiled.Schedule(optimizer, OneCycle(), total_steps=20)
    reference = make_theirs(name, other, lr=0.1)
    curve = OneCycle().simulate(20, 0.1)
    for t in range(20):
        assert scheduler.get_last_lr()[0] == pytest.approx(curve.lr[t])
        group = reference.param_groups[0]
        group["lr"] = float(curve.lr[t])
        if "betas" in group:
            group["betas"] = (float(curve.momentum[t]), group["betas"][1])
        elif "momentum" in group:
            group["momentum"] = float(curve.momentum[t])
        give(ours, t)
        give(other, t)
        optimizer.step()
        reference.step()
        assert_same(ours, other)
        scheduler.step()


def test_a_schedule_goes_on_after_a_pause_and_gives_way_to_a_rate_set_by_hand():
    (p,) = tensors((3,))
    optimizer = compiled.SGD([p], lr=1.0)
    scheduler = compiled.Schedule(optimizer, Warmup(10))
    for t in range(4):
        give([p], t)
        optimizer.step()
        scheduler.step()
    saved = scheduler.state_dict()
    again = compiled.Schedule(compiled.SGD([p], lr=1.0), Warmup(10))
    again.load_state_dict(saved)
    assert again.get_last_lr() == scheduler.get_last_lr()
    before = p.detach().clone()
    optimizer.param_groups[0]["lr"] = 0.0
    give([p], 5)
    optimizer.step()
    assert torch.equal(p, before)


def test_a_plateau_schedule_takes_the_metric():
    (p,) = tensors((3,))
    optimizer = compiled.AdamW([p], lr=1.0)
    scheduler = compiled.Schedule(optimizer, ReduceOnPlateau(factor=0.5, patience=1))
    rates = []
    for metric in (1.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        give([p], 0)
        optimizer.step()
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == 1.0
    assert rates[-1] < 1.0
