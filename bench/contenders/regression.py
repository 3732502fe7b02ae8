"""Linear regression with default settings, on targets and features that nobody scaled."""

from __future__ import annotations

from typing import Any

from ..workloads.data import Data
from .contender import Contender


def fit_fastlr(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit LinearRegressor."""
    from fastlr import LinearRegressor

    return LinearRegressor(random_state=0, n_threads=threads).fit(data.X, data.y)


def fit_given_rate(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit LinearRegressor at a given rate, so that none is looked for."""
    from fastlr import LinearRegressor

    return LinearRegressor(lr=setting, random_state=0, n_threads=threads).fit(data.X, data.y)


def fit_sgd(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit SGDRegressor."""
    from sklearn.linear_model import SGDRegressor

    return SGDRegressor(random_state=0).fit(data.X, data.y)


def fit_scaled(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit SGDRegressor as its documentation wants it."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import SGDRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
    both = TransformedTargetRegressor(model, transformer=StandardScaler())
    return both.fit(data.X, data.y)


def fit_ridge(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit Ridge, which solves the problem directly."""
    from sklearn.linear_model import Ridge

    return Ridge().fit(data.X, data.y)


def fit_snapml(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit snapml's LinearRegression."""
    from snapml import LinearRegression

    return LinearRegression(n_jobs=threads).fit(data.X, data.y)


ALL = [
    Contender("fastlr LinearRegressor()", fit_fastlr, 0, 0.0),
    Contender("fastlr LinearRegressor(lr=0.03)", fit_given_rate, 0, 0.03),
    Contender("SGDRegressor()", fit_sgd, 0, 0.0),
    Contender("SGDRegressor, all scaled", fit_scaled, 0, 0.0),
    Contender("Ridge()", fit_ridge, 0, 0.0),
    Contender("snapml LinearRegression()", fit_snapml, 0, 0.0, needs="snapml"),
]
