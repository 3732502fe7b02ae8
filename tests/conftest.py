"""Fixtures shared by the tests of updates."""

import signal

import pytest

from tests.support.engines import use_engine


@pytest.fixture
def engine(request):
    """The backend to ask `bind` for, with kernels and stepper chosen by the test's parameter."""
    with use_engine(request.param) as backend:
        yield backend


@pytest.fixture
def ctrl_c_interrupts():
    """Have Ctrl-C raise KeyboardInterrupt: a shell starts its background jobs with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
