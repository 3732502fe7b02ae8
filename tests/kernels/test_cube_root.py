"""The cube root of the rule language: how near it is, at the edges too, and that bits agree."""

import numpy as np
import pytest

from fastlr import MADGRAD
from fastlr.kernels.language import cube_root
from fastlr.optimizers import Optimizer
from tests.support.hashed import uniform

BITS = {np.float32: ("f32", np.uint32), np.float64: ("f64", np.uint64)}
COUNT = 4000


class Root(Optimizer):
    """Sets p to the cube root of the gradient."""

    lr: float = 1.0

    def coefficients(self, t, lr):
        return {"none": 0.0}

    @staticmethod
    def update(p, g, none):
        return none * p + cbrt(g)  # noqa: F821


def roots(x):
    p = np.zeros_like(x)
    with np.errstate(invalid="ignore"):
        Root().bind(p).step(x)
    return p


def everywhere(dtype):
    """Return numbers of every size and both signs, evenly by their bits."""
    unsigned = BITS[dtype][1]
    start, stop = np.array([np.finfo(dtype).tiny, np.finfo(dtype).max]).view(unsigned)
    share = uniform(COUNT, 5) / 2 + 0.5
    x = (int(start) + share * float(int(stop) - int(start))).astype(unsigned).view(dtype)
    return np.concatenate([x, -x])


@pytest.mark.parametrize("dtype", BITS)
def test_is_within_two_units_in_the_last_place(dtype):
    x = everywhere(dtype)
    want = np.cbrt(x.astype(np.longdouble))
    unit = np.spacing(np.abs(want).astype(dtype))
    assert np.max(np.abs(roots(x) - want) / unit) < 1.7


@pytest.mark.parametrize("dtype", BITS)
def test_keeps_zeros_infinities_signs_and_nan(dtype):
    info = np.finfo(dtype)
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -8.0, 27.0, info.max, info.tiny], dtype)
    got = roots(x)
    np.testing.assert_allclose(got[5:], np.cbrt(x[5:]), rtol=4 * info.eps)
    assert np.isnan(got[4])
    assert got[:4].tolist() == [0.0, 0.0, np.inf, -np.inf]
    # A rule that adds nothing keeps the sign of zero as well.
    function = cube_root.plain_function(BITS[dtype][0])
    assert [np.signbit(function(v)) for v in x[:2]] == [False, True]


@pytest.mark.parametrize("dtype", BITS)
def test_below_the_smallest_normal_number_it_is_finite_and_no_larger_than_the_root(dtype):
    unsigned = BITS[dtype][1]
    x = np.concatenate([np.arange(100), np.geomspace(100, 2**22, 200)]).astype(unsigned).view(dtype)
    got = roots(x)
    assert (got >= 0).all()
    assert (got <= np.cbrt(x) * (1 + 4 * np.finfo(dtype).eps)).all()


@pytest.mark.parametrize("dtype", BITS)
def test_python_and_numba_give_the_same_bits(dtype):
    x = np.ascontiguousarray(everywhere(dtype)[::7])
    function = cube_root.plain_function(BITS[dtype][0])
    assert np.array([function(v) for v in x]).tobytes() == roots(x).tobytes()


@pytest.mark.parametrize("dtype", BITS)
def test_the_build_and_numba_give_the_same_bits(dtype):
    # The first step of this rule is g / (cbrt(g * g) + eps).
    g = (10.0 ** (17 * uniform(COUNT, 6)) * np.sign(uniform(COUNT, 7))).astype(dtype)
    results = []
    for backend in ("numba", "auto"):
        p = np.zeros_like(g)
        MADGRAD(lr=1.0, momentum=0.0, eps=1e-30).bind(p, backend=backend).step(g)
        results.append(p.tobytes())
    assert results[0] == results[1]
