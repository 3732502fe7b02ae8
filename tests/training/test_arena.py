"""The result of an epoch, and the block that holds parameters and gradients."""

import numpy as np
import pytest

from fastlr.training import Arena, EpochResult


def test_mean_loss_of_rows_without_weight_is_zero():
    assert EpochResult(3.0, 4.0, 2, None).mean_loss == 0.75
    assert EpochResult(0.0, 0.0, 2, None).mean_loss == 0.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arena_is_one_aligned_block_seen_through_views(dtype):
    arena = Arena({"w": (3, 5), "b": (3,), "none": (0,)}, dtype)
    for flat, views in ((arena.params, arena.param), (arena.grads, arena.grad)):
        assert flat.dtype == dtype
        assert flat.ctypes.data % 64 == 0
        flat[:] = np.arange(18)
        np.testing.assert_array_equal(views["w"], np.arange(15).reshape(3, 5))
        np.testing.assert_array_equal(views["b"], [15, 16, 17])
        assert views["none"].shape == (0,)
        assert all(v.flags.c_contiguous for v in views.values())
    arena.grads[:] = 0
    assert arena.params.sum() == 153


def test_arena_refuses_other_dtypes():
    with pytest.raises(TypeError, match="dtype must be float32 or float64, got float16"):
        Arena({"w": (2,)}, "float16")
