"""The torch that is installed, beside fastlr, on a problem where gradients follow parameters.

The recorded runs (`tests/test_trajectories.py`) fix one version of torch and one set of
gradients; these take whatever version is there. A difference in one step would grow here.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

from fastlr.optimizers import OPTIMIZERS  # noqa: E402
from tests.recorded.make_torch import CASES, CLIPPED, SHAPES, parameters, torch_run  # noqa: E402
from tests.support.hashed import uniform  # noqa: E402

STEPS = 200
TARGETS = [uniform(s, 3, k) for k, s in enumerate(SHAPES)]
CURVES = [10.0 ** uniform(s, 4, k) for k, s in enumerate(SHAPES)]


def slope(params, t):
    """Return the gradient of a noisy quadratic bowl with curvatures from 0.1 to 10."""
    return [
        np.asarray(c * (p - target) + 0.1 * uniform(p.shape, 5, 100 * t + k))
        for k, (p, c, target) in enumerate(zip(params, CURVES, TARGETS, strict=True))
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("case", "clip"), [(c, 0.0) for c in CASES] + [(c, 2.0) for c in CLIPPED])
def test_torch_walks_the_same_path_downhill(case, clip, dtype):
    name, settings = CASES[case][1]
    sign = -1.0 if settings.get("maximize") else 1.0
    params = [np.asarray(p, dtype) for p in parameters(seed=9)]
    updater = OPTIMIZERS[name.lower()](**settings, clip_norm=clip or None).bind(params)
    theirs = [p.copy() for p in params]

    def torch_gradients(t):
        return [sign * g for g in slope(theirs, t)]

    run = torch_run(case, clip, parameters(seed=9), torch_gradients, STEPS, dtype)
    worst = 0.0
    for t, after in run:
        updater.step([np.asarray(sign * g, dtype) for g in slope(params, t)])
        theirs[:] = after
        size = max(np.max(np.abs(a)) for a in after)
        worst = max(
            worst, *(np.max(np.abs(p - a)) / size for p, a in zip(params, after, strict=True))
        )
    assert worst < (1e-12 if dtype == "float64" else 1e-5), torch.__version__


def test_torchs_muon_walks_nearly_the_same_path_though_it_rounds_to_bfloat16():
    start, target = uniform((6, 4), 9), 3.0 * uniform((6, 4), 10)
    ours = start.copy()
    updater = OPTIMIZERS["muon"](lr=0.02, momentum=0.8, weight_decay=0.03).bind(ours)
    theirs = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.Muon([theirs], lr=0.02, momentum=0.8, weight_decay=0.03)
    for _ in range(60):
        updater.step(ours - target)
        theirs.grad = theirs.detach() - torch.tensor(target)
        optimizer.step()
    apart = np.linalg.norm(ours - theirs.detach().numpy())
    assert apart < 0.02 * np.linalg.norm(ours - start), torch.__version__
