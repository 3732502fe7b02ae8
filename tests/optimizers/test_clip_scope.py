"""Clipping by the norm of a group or of a single parameter."""

import numpy as np
import pytest

from fastlr import SGD, AdamW
from tests.support.cases import FULLEST, bits, gradients, make, small, snapshot
from tests.support.engines import ENGINES, use_engine
from tests.support.hashed import uniform

GROUPS = [{"match": "*.bias", "lr": 0.5}, {"match": "*.bias", "weight_decay": 0.0}]
BOUND = 0.8


def expected_scales(grads, scope):
    """Return what each gradient is multiplied by."""
    members = {
        "global": [list(grads)],
        "group": [["a.weight", "b.weight"], ["a.bias"]],
        "parameter": [[n] for n in grads],
    }[scope]
    scales = {}
    for names in members:
        norm = np.sqrt(sum(np.sum(grads[n].astype(float) ** 2) for n in names))
        scales |= dict.fromkeys(names, min(1.0, BOUND / (norm + 1e-6 * BOUND)))
    return scales


@pytest.mark.parametrize("scope", ["global", "group", "parameter"])
@pytest.mark.parametrize("case", FULLEST.values())
def test_clipping_in_a_scope_equals_scaling_those_gradients_beforehand(case, scope):
    params, other = small(), small()
    clipped = make(case, clip_norm=BOUND, clip_scope=scope, weight_decay=0.05).bind(params, GROUPS)
    scaled = make(case, weight_decay=0.05).bind(other, GROUPS)
    used = set()
    for t in range(1, 9):
        grads = {n: g * (0.2 if n == "a.bias" else 1.0) for n, g in gradients(small(), t).items()}
        scales = expected_scales(grads, scope)
        used |= {round(s, 6) for s in scales.values()}
        clipped.step(grads)
        scaled.step({n: scales[n] * g for n, g in grads.items()})
    for name in params:
        np.testing.assert_allclose(params[name], other[name], rtol=1e-11, atol=1e-14)
    assert min(used) < 0.9
    assert (1.0 in used) == (scope != "global")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scope", ["global", "group", "parameter"])
def test_every_engine_and_team_clips_to_the_same_bits(scope, dtype):
    sizes = {"a": 40001, "b": 3, "c": 16384, "d": 0}
    groups = [{"match": "b"}, {"match": ["c", "d"], "lr": 2.0}]
    results = {}
    for name in ENGINES:
        if name == "cython-avx512":
            continue
        for n_threads in (1, 3):
            params = {n: uniform(s, 5, k).astype(dtype) for k, (n, s) in enumerate(sizes.items())}
            optimizer = AdamW(
                clip_norm=2.0, clip_scope=scope, maximize=True, nonfinite="skip", clip_value=0.5
            )
            with use_engine(name) as backend:
                updater = optimizer.bind(params, groups, backend=backend, n_threads=n_threads)
                for t in range(1, 4):
                    updater.step(gradients(params, t))
                results[name, n_threads] = snapshot(updater)
    first = results.popitem()[1]
    for key, got in results.items():
        assert got == first, key


def test_a_parameter_whose_gradient_is_small_is_not_clipped_for_another_that_is_large():
    params = {"a": np.zeros(2), "b": np.zeros(2)}
    grads = {"a": np.array([3.0, 4.0]), "b": np.array([0.3, 0.4])}
    SGD(lr=1.0, clip_norm=1.0, clip_scope="parameter").bind(params).step(grads)
    np.testing.assert_allclose(params["a"], [-0.6, -0.8], rtol=1e-6)
    assert params["b"].tolist() == [-0.3, -0.4]


def test_scope_alone_clips_nothing():
    one, other = small(), small()
    first, second = AdamW(clip_scope="parameter").bind(one), AdamW().bind(other)
    for t in range(1, 4):
        first.step(gradients(one, t))
        second.step(gradients(one, t))
    assert bits(one) == bits(other)


def test_an_unknown_scope_is_refused_by_name():
    with pytest.raises(
        ValueError, match="clip_scope must be one of 'global', 'group', 'parameter'"
    ):
        SGD(clip_norm=1.0, clip_scope="layer")
