"""The migration tables name every parameter of scikit-learn's estimators, and what works here."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import linear_model, neural_network
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale

import fastlr
from fastlr import SGD, InvScaling, LinearClassifier, LinearRegressor, losses
from fastlr.schedules import Optimal

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
SECTIONS = {
    "SGDClassifier": (linear_model.SGDClassifier, "LinearClassifier"),
    "SGDRegressor": (linear_model.SGDRegressor, "LinearRegressor"),
    "MLPClassifier": (neural_network.MLPClassifier, "MLPClassifier"),
    "MLPRegressor": (neural_network.MLPRegressor, "MLPRegressor"),
}
ALPHA = 0.01


def rows(section):
    text = re.split(r"^## ", PAGE, flags=re.M)
    table = next(part for part in text if part.startswith(f"{section}\n"))
    cells = re.findall(r"^\| (.+?) \| (.+?) \|", table, re.M)
    found = [(a, b) for a, b in cells if a != "scikit-learn"]
    return [*rows("MLPClassifier"), *found] if section == "MLPRegressor" else found


def spans(cell):
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_parameter_has_a_row(section):
    named = {span.partition("=")[0] for cell, _ in rows(section) for span in spans(cell)}
    missing = set(SECTIONS[section][0]().get_params()) - named
    assert not missing


@pytest.mark.parametrize("section", SECTIONS)
def test_what_to_write_can_be_written(section):
    estimator = getattr(fastlr, SECTIONS[section][1])
    known = estimator().get_params(deep=False)
    names = (
        {name: getattr(fastlr, name) for name in dir(fastlr)}
        | {n: getattr(losses, n) for n in losses.__all__}
        | {"alpha": ALPHA}
    )
    written = 0
    for _, cell in rows(section):
        for span in spans(cell):
            name, equals, value = span.partition("=")
            if not equals:
                continue
            assert name in known
            if value:
                call = ast.unparse(ast.parse(f"dict({span})", mode="eval"))
                estimator(**eval(call, names))
            written += 1
    assert written > 15


def test_a_classifier_can_walk_as_scikit_learn():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    ours = LinearClassifier(
        SGD(lr=ALPHA**-0.25, schedule=Optimal(ALPHA)),
        loss="hinge",
        multi_class="ovr",
        penalty="l2",
        alpha=ALPHA,
        batch_size=1,
        standardize=False,
        shuffle=False,
        max_epochs=3,
    ).fit(X, y)
    theirs = linear_model.SGDClassifier(alpha=ALPHA, shuffle=False, tol=None, max_iter=3)
    theirs.fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)


def test_a_regressor_can_walk_as_scikit_learn():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    ours = LinearRegressor(
        SGD(schedule=InvScaling(0.25)),
        lr=0.01,
        penalty="l2",
        alpha=ALPHA,
        batch_size=1,
        standardize=False,
        shuffle=False,
        max_epochs=3,
    ).fit(X, y)
    theirs = linear_model.SGDRegressor(alpha=ALPHA, shuffle=False, tol=None, max_iter=3).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-12)
