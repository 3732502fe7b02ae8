"""Steps of `fastlr.torch` on tensors that Numba's CUDA simulator takes for a device's.

Its device memory is host memory, so tensors of the CPU stand for those of a GPU: those marked
`on_gpu` are offered to kernels through `__cuda_array_interface__`. What stays untried without a
GPU is torch's own part: its streams, its devices, its view of Numba's arrays.
"""

import contextlib

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

import fastlr.torch as compiled  # noqa: E402
from fastlr.torch import device, memory  # noqa: E402
from tests.support.simulator import OnDevice  # noqa: E402
from tests.support.tensors import EVERY, SETTINGS, SHARED, give  # noqa: E402

COMPILED = [name for name in EVERY if not getattr(compiled, name).rule.by_arrays]
SHAPES = (2, 3), (5,), (), (0, 2)


@pytest.fixture(autouse=True)
def simulator(monkeypatch):
    def offered(tensor):
        return OnDevice(tensor.detach().numpy())

    def shared(array, like):
        return torch.from_numpy(array._ary if hasattr(array, "_ary") else array)

    monkeypatch.setattr(memory, "is_on_device", lambda tensor: getattr(tensor, "on_gpu", False))
    monkeypatch.setattr(device, "offered", offered)
    monkeypatch.setattr(device, "shared", shared)
    monkeypatch.setattr(device, "current", lambda tensor: contextlib.nullcontext())


def tensors(*shapes, dtype=torch.float32, on_gpu=True):
    generator = torch.Generator().manual_seed(1)
    made = [torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in shapes]
    for p in made:
        p.on_gpu = on_gpu
    return made


def both(name, *shapes, dtype=torch.float32, **settings):
    """Return parameters and optimizers, on the device and on the CPU."""
    found = []
    for on_gpu in (True, False):
        params = tensors(*shapes, dtype=dtype, on_gpu=on_gpu)
        found += [params, getattr(compiled, name)(params, **(SETTINGS.get(name, {}) | settings))]
    return found


def run(optimizer, params, steps, first=0):
    for t in range(first, first + steps):
        give(params, t)
        optimizer.step()


def same(ours, theirs):
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.detach(), q.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", COMPILED)
def test_steps_and_state_are_those_on_the_cpu(name, dtype):
    ours, optimizer, theirs, other = both(name, *SHAPES, dtype=dtype)
    for params, each in ((ours, optimizer), (theirs, other)):
        run(each, params, 2)
        each.param_groups[0]["lr"] *= 0.5
        run(each, params, 2, first=2)
    assert type(optimizer._plans[0].buckets[0]) is device.DeviceBucket
    same(ours, theirs)
    signs = {"prev"} if name == "Rprop" else set()
    for p, q in zip(ours, theirs, strict=True):
        assert optimizer.state[p].keys() == other.state[q].keys()
        for key in optimizer.state[p].keys() - signs:
            torch.testing.assert_close(
                optimizer.state[p][key], other.state[q][key], rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize("name", sorted(set(SHARED) & set(COMPILED)))
def test_torch_steps_on_from_the_state_on_a_device(name):
    ours, optimizer, theirs, _ = both(name, *SHAPES[:2])
    run(optimizer, ours, 3)
    whole = getattr(torch.optim, name)(theirs, **SETTINGS.get(name, {}))
    run(whole, theirs, 5)
    rest = getattr(torch.optim, name)(ours, **SETTINGS.get(name, {}))
    rest.load_state_dict(optimizer.state_dict())
    run(rest, ours, 2, first=3)
    same(ours, theirs)


@pytest.mark.parametrize("name", sorted(set(SHARED) & set(COMPILED)))
def test_state_of_torch_is_stepped_on_from_on_a_device(name):
    ours, _, theirs, _ = both(name, *SHAPES[:2])
    begun = getattr(torch.optim, name)(ours, **SETTINGS.get(name, {}))
    run(begun, ours, 3)
    optimizer = getattr(compiled, name)(ours, **SETTINGS.get(name, {}))
    optimizer.load_state_dict(begun.state_dict())
    run(optimizer, ours, 2, first=3)
    whole = getattr(torch.optim, name)(theirs, **SETTINGS.get(name, {}))
    run(whole, theirs, 5)
    same(ours, theirs)


def test_a_parameter_without_a_gradient_waits():
    ours, optimizer, theirs, other = both("AdamW", (3,), (2, 2), (4,))
    for params, each in ((ours, optimizer), (theirs, other)):
        for t in range(8):
            give(params, t)
            if t % 3 == 1:
                params[1].grad = None
            each.step()
    same(ours, theirs)
    assert [float(optimizer.state[p]["step"]) for p in ours] == [8, 5, 8]


@pytest.mark.parametrize(
    "view",
    [
        lambda p: p.detach().reshape(4, 6).t(),
        lambda p: p.detach().reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        lambda p: p.detach().reshape(4, 6)[:, ::2],
    ],
    ids=["transposed", "channels last", "with gaps"],
)
def test_any_order_in_memory_steps_alike(view):
    found = []
    for on_gpu in (True, False):
        (p,) = tensors((24,))
        p = view(p).requires_grad_()
        p.on_gpu = on_gpu
        optimizer = compiled.AdamW([p], lr=0.1)
        for t in range(3):
            p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(t))
            optimizer.step()
        found.append(p.detach())
        assert optimizer.state[p]["exp_avg"].shape == p.shape
    torch.testing.assert_close(*found)


def test_a_gradient_in_the_memory_of_its_parameter_is_copied_first():
    ours, optimizer, theirs, other = both("SGD", (6,), lr=0.5)
    for params, each in ((ours, optimizer), (theirs, other)):
        params[0].grad = params[0].detach()
        each.step()
    same(ours, theirs)


def test_averages_to_predict_with_come_from_the_device():
    ours, optimizer, theirs, other = both("ScheduleFreeAdamW", (3, 2), lr=0.1)
    for params, each in ((ours, optimizer), (theirs, other)):
        run(each, params, 4)
    kept = [p.detach().clone() for p in ours]
    for each in (optimizer, other):
        each.eval()
    same(ours, theirs)
    assert not torch.equal(ours[0], kept[0])
    optimizer.train()
    same(ours, kept)


def test_one_group_may_lie_in_two_places():
    here, there = tensors((3,), (2,), on_gpu=False), tensors((3,), (2,))
    optimizer = compiled.AdamW([*here, *there], lr=0.1)
    for t in range(3):
        give(here, t)
        give(there, t)
        optimizer.step()
    same(there, here)
