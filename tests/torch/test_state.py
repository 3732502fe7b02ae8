"""State of fastlr.torch is torch's: it is saved, copied, exchanged and replaced like it."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

import fastlr.torch as compiled  # noqa: E402
from tests.support.tensors import (  # noqa: E402
    ELEMENTWISE,
    EVERY,
    SHARED,
    assert_same,
    give,
    make,
    make_theirs,
    run,
    tensors,
)


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


@pytest.mark.parametrize("name", EVERY)
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
