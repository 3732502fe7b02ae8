"""Runs the tests that scikit-learn ships for its SGD estimators and perceptrons on fastlr.compat.

    python tests/shipped/run.py            # everything
    python tests/shipped/run.py -k warm    # further arguments go to pytest

The four names are put in the place of scikit-learn's before its test modules are imported. A
test counts only if it made one of them, and it is told apart whether fastlr trained it (sparse
data, lbfgs and the passive-aggressive rates are left to scikit-learn). `exclusions.toml` lists
what is not expected to pass, and why; a test listed there that passes is an error too, so the
list cannot grow stale.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

MODULES = ("sklearn.linear_model.tests.test_sgd", "sklearn.neural_network.tests.test_mlp")
HOMES = {
    "SGDClassifier": ("sklearn.linear_model", "sklearn.linear_model._stochastic_gradient"),
    "SGDRegressor": ("sklearn.linear_model", "sklearn.linear_model._stochastic_gradient"),
    "MLPClassifier": ("sklearn.neural_network", "sklearn.neural_network._multilayer_perceptron"),
    "MLPRegressor": ("sklearn.neural_network", "sklearn.neural_network._multilayer_perceptron"),
}
OTHER = "OneClassSVM"  # a test of this estimator alone has nothing to do with the four
EXCLUSIONS = Path(__file__).with_name("exclusions.toml")


class Shipped:
    """Pytest plugin that excludes, and counts."""

    def __init__(self) -> None:
        entries = tomllib.loads(EXCLUSIONS.read_text(encoding="utf-8"))["exclude"]
        self.reasons = {entry["test"]: entry["reason"] for entry in entries}
        self.made = self.trained = False
        self.counts: Counter[str] = Counter()
        self.unused: set[str] = set()

    def substitute(self) -> None:
        """Put the four classes where scikit-learn's were, and note when one is made."""
        compat = importlib.import_module("fastlr.compat")
        for name, modules in HOMES.items():
            cls = getattr(compat, name)
            cls.__new__ = staticmethod(self._noted)
            for module in modules:
                setattr(importlib.import_module(module), name, cls)
        training = importlib.import_module("fastlr.training")
        for loop in (training.LinearEpoch, training.MLPEpoch):
            loop.run = self._noting(loop.run)

    def _noting(self, run: Any) -> Any:
        def noting(*args: Any, **kwargs: Any) -> Any:
            self.trained = True
            return run(*args, **kwargs)

        return noting

    def _noted(self, cls: type, *args: Any, **kwargs: Any) -> Any:
        self.made = True
        return object.__new__(cls)

    def pytest_collection_modifyitems(self, config: Any, items: list[pytest.Item]) -> None:
        kept = [i for i in items if OTHER not in i.name and "oneclass" not in i.name.lower()]
        config.hook.pytest_deselected(items=[i for i in items if i not in kept])
        self.unused = set(self.reasons)
        for item in kept:
            for test in (item.name, item.name.partition("[")[0]):
                if test in self.reasons:
                    self.unused.discard(test)
                    item.add_marker(pytest.mark.xfail(reason=self.reasons[test], strict=True))
        items[:] = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Any:
        if call.when == "setup":
            self.made = self.trained = False
        report = yield
        if call.when == "call":
            if not self.made:
                self.counts["without"] += 1
            elif hasattr(report, "wasxfail"):
                self.counts["excluded"] += 1
            else:
                self.counts[report.outcome] += 1
                self.counts["by fastlr"] += self.trained and report.passed
        return report

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        counts = self.counts
        ours = counts["passed"] + counts["failed"] + counts["excluded"]
        terminalreporter.write_line(
            f"fastlr.compat: {counts['passed']} of {ours} tests of scikit-learn pass "
            f"({counts['by fastlr']} with training by fastlr), {counts['failed']} fail, "
            f"{counts['excluded']} are excluded with a reason "
            f"({counts['without']} more use none of the four classes)"
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unused and not session.config.option.keyword:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print(f"\n{EXCLUSIONS.name} names tests that are not there: {sorted(self.unused)}")


def main(arguments: list[str]) -> int:
    """Run the tests; return pytest's exit status."""
    shipped = Shipped()
    shipped.substitute()
    ours = ["-p", "no:cacheprovider", "-c", "/dev/null", "-q", "-W", "ignore::UserWarning"]
    return int(pytest.main([*ours, *arguments, "--pyargs", *MODULES], plugins=[shipped]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
