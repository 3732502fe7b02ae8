"""Hostile input: only documented errors, and nothing changed when one is raised.

`python -m tests.fuzz` looks at as many examples as there is time for.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import models, updaters

QUICK = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.filterwarnings("ignore")
@QUICK
@given(st.binary(max_size=96))
def test_updaters_refuse_hostile_calls_without_a_change(spelled):
    updaters.check(updaters.case(spelled))


@pytest.mark.filterwarnings("ignore")
@QUICK
@given(st.binary(max_size=96))
def test_estimators_refuse_hostile_calls_without_a_change(spelled):
    models.check(models.case(spelled))
