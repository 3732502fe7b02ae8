"""Tensors, gradients and optimizers for the tests of fastlr.torch."""

import pytest

from fastlr.optimizers import OPTIMIZERS

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

import fastlr.torch as compiled  # noqa: E402
from fastlr.torch.translation import TRANSLATIONS  # noqa: E402

SHARED = [name for name in TRANSLATIONS if hasattr(torch.optim, name)]
ELEMENTWISE = [name for name in SHARED if name not in ("Muon", "Adafactor")]
EVERY = sorted({rule.__name__ for rule in OPTIMIZERS.values()})
OWN = sorted(set(EVERY) - set(SHARED))
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
