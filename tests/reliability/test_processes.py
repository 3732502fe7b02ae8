"""Short forms of the commands that kill writers, fork learners and start servers.

All that forks or may hang runs in a process of its own; the commands beside this file repeat it.
"""

import os

import pytest

from tests.reliability.crashes import run_apart

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
NEEDS = {"gunicorn": ["gunicorn"], "uvicorn": ["uvicorn", "fastapi", "prometheus_client", "skops"]}


@needs_fork
def test_killed_writers_leave_whole_files_and_forked_children_can_learn():
    pytest.importorskip("skops")
    printed = run_apart("""
from tests.reliability import forks, kills

assert kills.kill_writers(20)[0] >= 1
forks.PATIENCE = 30.0
print({name: forks.fork_while_learning(name, 3) for name in forks.SCENARIOS})
""")
    assert set(eval(printed).values()) == {3}, printed


SCENARIOS = {
    "joblib": ["joblib, threads", "joblib, loky"],
    "gunicorn": ["gunicorn --preload, 2 workers"],
    "uvicorn": ["uvicorn, 2 workers"],
}


@needs_fork
@pytest.mark.parametrize("name", SCENARIOS)
def test_two_workers_fit_and_predict_without_a_hang(name):
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    run_apart(
        "from tests.reliability.servers import SCENARIOS\n"
        f"for name in {SCENARIOS[name]!r}:\n    SCENARIOS[name](1)",
        240,
    )
