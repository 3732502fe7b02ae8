"""Options of ``pytest bench``: everything, or little of it for errors and not for times."""

from __future__ import annotations

import pytest

from bench.measure import peers
from bench.measure.plan import Plan


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="few small workloads, for errors only")


@pytest.fixture(scope="session")
def plan(request: pytest.FixtureRequest) -> Plan:
    """Say how much there is to do."""
    return Plan(request.config.getoption("--quick"))


@pytest.fixture
def one_thread():
    """Hold everybody's libraries to one thread."""
    with peers.threads(1):
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked slow where the run is quick."""
    if config.getoption("--quick"):
        kept = [item for item in items if item.get_closest_marker("slow") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
