"""scikit-learn's own checks of estimators, none expected to fail."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from fastlr import SGD, LinearClassifier, LinearRegressor, OneCycle
from tests.support.estimators import ALL, CLASSIFIERS

ESTIMATORS = [
    *(cls() for cls in ALL),
    LinearClassifier(loss="hinge", penalty="elasticnet", multi_class="ovr", average=True),
    LinearRegressor(loss="huber", penalty="l1", standardize=True),
    LinearClassifier(SGD(momentum=0.9, schedule=OneCycle()), lr=0.1, clip_norm=1.0),
]


@parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_checks_that_scikit_learn_keeps_to_itself(check, cls):
    pytest.importorskip("pandas")
    check(cls.__name__, cls())


def test_no_check_is_skipped_or_fails_with_array_api_dispatch():
    # The variable must be set before SciPy is imported. How a rate is found has nothing to do with
    # dispatch; the checks above have it for all, and one of these is enough.
    code = (
        "import fastlr\n"
        "from sklearn.utils.estimator_checks import check_estimator\n"
        f"for name in {[cls.__name__ for cls in ALL]}:\n"
        "    estimator = getattr(fastlr, name)()\n"
        "    if name != 'LinearClassifier':\n"
        "        estimator.set_params(lr=0.01)\n"
        "    results = check_estimator(estimator, on_skip=None, on_fail=None)\n"
        "    assert len(results) > 50\n"
        "    bad = [r for r in results if r['status'] != 'passed']\n"
        "    assert not bad, bad\n"
    )
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cls", ALL)
def test_tags_say_what_the_estimator_takes(cls):
    tags = cls().__sklearn_tags__()
    assert tags.target_tags.required
    assert tags.input_tags.sparse is True
    if cls in CLASSIFIERS:
        assert tags.classifier_tags.multi_class
        assert tags.classifier_tags.multi_label is cls._takes_multilabel
    else:
        assert tags.target_tags.multi_output
