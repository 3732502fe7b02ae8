"""fastlr.torch steps tensors however they lie in memory."""

import threading

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

import fastlr.torch as compiled  # noqa: E402
from tests.support.tensors import (  # noqa: E402
    assert_same,
    give,
    make,
    make_theirs,
    run,
    tensors,
)

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


@pytest.mark.parametrize("name", ["SGD", "Rprop"])
def test_gradients_of_threads_that_step_together_are_read_before_they_are_let_go(name):
    (p,) = tensors((300_000,))
    p.detach().zero_()
    optimizer = make(name, [p], lr=2**-10)
    broken = []

    def learn():
        try:
            for _ in range(40):
                p.grad = torch.ones_like(p)
                optimizer.step()
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=learn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not broken
    assert torch.isfinite(p).all()
    assert (p == p[0]).all()
