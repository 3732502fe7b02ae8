"""Every rule at the ends of its documented ranges, beside the references in double precision.

``FASTLR_ENDS=200 pytest tests/optimizers/test_ends.py`` makes 200 steps, with Numba's kernels too.
"""

import os

import numpy as np
import pytest

from tests.support.cases import COMPILED
from tests.support.ends import SIZES, error, run, settings

STEPS = int(os.environ.get("FASTLR_ENDS", "40"))
BACKENDS = ["cython", "numba"] if STEPS > 40 else ["cython"]
CLOSE = {np.float32: 1e-3, np.float64: 1e-7}

# What no arithmetic of a precision can follow: kinds of gradients by rule and setting, "" for all.
UNDERFLOWS = "a momentum below the smallest number of single precision has no sign"
BEYOND = {
    ("lion", "beta2=1e-08", np.float32): ({"spikes out of nothing"}, UNDERFLOWS),
    ("signum", "momentum=1e-08", np.float32): ({"spikes out of nothing"}, UNDERFLOWS),
    ("signum", "momentum=0.9999999", np.float32): ({"denormal"}, UNDERFLOWS),
    ("lamb", "beta1=1e-08", np.float32): ({"spikes out of nothing"}, UNDERFLOWS),
    ("lamb", "beta1=0.9999999", np.float32): ({"denormal"}, UNDERFLOWS),
    ("adabelief", "beta2=0", np.float32): ({"steady"}, "gradients are known to 6e-8 of them"),
    ("adabelief", "beta2=1e-08", np.float32): ({"steady"}, "gradients are known to 6e-8 of them"),
    ("prodigy", "", np.float32): (
        {"denormal", "tiny", "spikes out of the tiny"},
        "its state is gradients times d0, which are no normal numbers here",
    ),
    ("prodigy", "beta2=0", np.float32): ({"huge"}, "leaves the reference after 40 steps: unsolved"),
    ("prodigy", "beta2=1e-08", np.float32): ({"huge"}, "as with beta2=0"),
    ("radam", "beta2=0.9999999", np.float64): (set(SIZES), "step 5 is at the threshold itself"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", COMPILED)
def test_at_the_ends_of_its_ranges_a_rule_does_what_it_does_in_double_precision(
    name, dtype, backend
):
    cls, wrong = COMPILED[name], []
    for label, more in settings(cls):
        # A rate that is estimated grows without bound where gradients never turn.
        most = 1e30 if cls.scope == "array" else 1e3
        errors = error(*run(cls, more, dtype, backend, STEPS), most)
        beyond = set()
        for each in ("", label):
            beyond |= BEYOND.get((name, each, dtype), (set(), None))[0]
        wrong += [
            f"{label}, {kind}: {far:.1e}"
            for kind, far in zip(SIZES, errors, strict=True)
            if far > CLOSE[dtype] and kind not in beyond
        ]
    assert not wrong
