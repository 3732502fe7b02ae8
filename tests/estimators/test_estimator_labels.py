"""Labels to codes and checks of numbers, on the quick way through partial_fit."""

import numpy as np
import pytest

from fastlr.estimators.data.rows import all_finite
from fastlr.estimators.data.targets import encode


@pytest.mark.parametrize(
    "classes",
    [
        np.array([0, 1]),
        np.array([-5, 2, 7], np.int8),
        np.array([False, True]),
        np.array([0.5, 1.5, 2.5]),
        np.array(["a", "bb", "c"]),
        np.array(["a", "bb", "c"], object),
    ],
)
def test_codes_are_positions_and_strangers_are_named(classes):
    order = np.random.default_rng(0).integers(0, len(classes), 50)
    codes = encode(classes[order], classes)
    np.testing.assert_array_equal(codes, order)
    assert codes.dtype == np.int64
    for kept in range(1, len(classes) - 1) or [0]:  # a stranger before, between and behind
        for known in (classes[kept:], classes[: kept + 1], np.delete(classes, kept)):
            if len(known) == len(classes):
                continue
            strangers = np.setdiff1d(classes, known)
            with pytest.raises(ValueError, match="not among the classes") as caught:
                encode(classes, known)
            assert str(caught.value).endswith(str(strangers.tolist()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 3), (7, 3), (70, 300)])
def test_finite_means_each_number_by_itself(shape, dtype):
    array = np.full(shape, np.finfo(dtype).max / 2, dtype)  # its square overflows
    assert all_finite(array)
    assert all_finite(np.zeros(shape, dtype))
    assert all_finite(array[:, ::2])
    for bad in (np.nan, np.inf, -np.inf):
        for filled in (array.copy(), np.ones(shape, dtype)):
            filled[-1, -1] = bad
            assert not all_finite(filled)
