"""A child forked while another thread writes fitted attributes computes them again."""

import os

import numpy as np
import pytest

from fastlr import LinearClassifier
from tests.core.test_locks import in_child
from tests.support.estimators import data_for

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
X, Y = data_for(LinearClassifier)


def test_attributes_that_were_half_written_are_computed_again():
    model = LinearClassifier(lr=0.01, random_state=0).partial_fit(X, Y, classes=np.unique(Y))
    wanted = model.decision_function(X)
    # As a thread leaves them that is halfway through.
    model.__dict__ |= {"coef_": np.zeros_like(model.coef_), "_stale": False}
    assert in_child(lambda: int((model.decision_function(X) == wanted).all())) == 1
