"""What starting costs: import, first step, first fit, each in processes of its own.

Warm is as an installed package has it. Cold is the first process after an installation: there is
no bytecode of any package, and no cache of Numba's; files may still be in memory. Where the suite's
time is over, cold starts are left out.
"""

from __future__ import annotations

import tempfile

from ..measure import fresh
from ..measure.peers import load
from ..measure.plan import Plan
from ..measure.record import Record
from ..measure.timing import Spread

BASE = "import numpy, sklearn.linear_model"
IRIS = "from sklearn.datasets import load_iris; X, y = load_iris(return_X_y=True)"
TORCH = (
    "import torch; p = torch.zeros(1000, requires_grad=True); p.grad = torch.ones(1000); "
    "u = torch.optim.AdamW([p], fused=True)"
)
OURS = "import numpy; from fastlr import AdamW; p = numpy.zeros(1000, 'f4'); g = p.copy()"

# case: contender: (before, what is timed), and the package that it needs
CASES: dict[str, dict[str, tuple[str, str, str | None]]] = {
    "import of an optimizer": {
        "fastlr AdamW": ("", "from fastlr import AdamW", None),
        "torch": ("", "import torch", "torch"),
        "optax": ("", "import optax", "optax"),
    },
    "import of an estimator": {
        "fastlr LinearClassifier": ("", "from fastlr import LinearClassifier", None),
        "SGDClassifier": ("", "from sklearn.linear_model import SGDClassifier", None),
        "river": ("", "import river.linear_model", "river"),
    },
    "import on top of scikit-learn's linear models": {
        "fastlr": (BASE, "import fastlr", None),
        "fastlr LinearClassifier, AdamW": (
            BASE,
            "from fastlr import AdamW, LinearClassifier",
            None,
        ),
    },
    "first step of AdamW": {
        "fastlr, bind and step": (OURS, "u = AdamW().bind(p); u.step(g)", None),
        "torch, fused": (TORCH, "u.step()", "torch"),
    },
    "first fit, iris": {
        "fastlr LinearClassifier": (
            f"{IRIS}; from fastlr import LinearClassifier",
            "LinearClassifier(random_state=0).fit(X, y)",
            None,
        ),
        "SGDClassifier": (
            f"{IRIS}; from sklearn.linear_model import SGDClassifier",
            "SGDClassifier(loss='log_loss', random_state=0).fit(X, y)",
            None,
        ),
        "LogisticRegression": (
            f"{IRIS}; from sklearn.linear_model import LogisticRegression",
            "LogisticRegression().fit(X, y)",
            None,
        ),
    },
}


def seconds(before: str, timed: str, cold: bool) -> float:
    """Return how long code takes in a new process."""
    code = (
        f"{before}\nimport time; t = time.perf_counter()\n{timed}\nprint(time.perf_counter() - t)"
    )
    if not cold:
        return float(fresh.run(code))
    with tempfile.TemporaryDirectory() as empty:
        env = {"PYTHONPYCACHEPREFIX": empty, "FASTLR_CACHE_DIR": empty, "NUMBA_CACHE_DIR": empty}
        return float(fresh.run(code, env))


def run(plan: Plan) -> list[Record]:
    """Start everything, turn and turn about."""
    found = []
    for case, contenders in CASES.items():
        able = {
            name: (before, timed)
            for name, (before, timed, needs) in contenders.items()
            if (needs is None or load(needs) is not None)
            and (name.startswith("fastlr") or not plan.quick)
        }
        for cold in (False,) if plan.late else (False, True):
            rounds = plan.pick(1 if cold or plan.late else 3, 0 if cold else 1)
            times: dict[str, list[float]] = {name: [] for name in able}
            for k in range(rounds + (not cold and not plan.quick)):
                for name, (before, timed) in able.items():
                    took = plan.attempt(
                        name,
                        lambda b=before, t=timed, c=cold: seconds(b, t, c),  # type: ignore[misc]
                    )
                    # The first warm process is there to make it warm.
                    if took is not None and (cold or plan.quick or k):
                        times[name].append(took)
            found += [
                Record("start", f"{case}, {'cold' if cold else 'warm'}", name, Spread.of(each))
                for name, each in times.items()
                if each
            ]
        plan.say(f"start: {case}")
    return found
