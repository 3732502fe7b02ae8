"""fastlr.torch behaves as torch's optimizers do around the step, too."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

from torch.optim.optimizer import (  # noqa: E402
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

import fastlr  # noqa: E402
import fastlr.torch as compiled  # noqa: E402
from fastlr.torch.translation import TRANSLATIONS  # noqa: E402
from tests.support.tensors import (  # noqa: E402
    EVERY,
    OWN,
    SHARED,
    assert_same,
    give,
    make,
    make_theirs,
    run,
    tensors,
)


@pytest.mark.parametrize("name", EVERY)
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
