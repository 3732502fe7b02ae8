"""Fixtures shared by the tests of updates."""

import pytest
from engines import use_engine


@pytest.fixture
def engine(request):
    """The backend to ask `bind` for, with kernels and stepper chosen by the test's parameter."""
    with use_engine(request.param) as backend:
        yield backend
