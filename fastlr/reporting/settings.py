"""Model, data and versions: the facts needed to repeat a run."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._version import __version__
from ..core.markup import Markup, facts, folded, section, tag
from ..drawing.sources import last_of
from ..estimators.facts import estimator_facts

_MOST_NAMES = 500  # listed features


def name_of(model: Any) -> str:
    """Return what was trained, and with what."""
    return estimator_facts(model).label


def set_params(estimator: Any, change: Mapping[str, Any]) -> str:
    """Return Python code that makes a change, also inside a Pipeline."""
    prefix = ""
    steps = getattr(estimator, "steps", None)
    while steps:
        name, estimator = steps[-1]
        prefix += f"{name}__"
        steps = getattr(estimator, "steps", None)
    given = ", ".join(f"{prefix}{name}={value!r}" for name, value in change.items())
    return f"model.set_params({given}).fit(X, y)"


def model_section(estimator: Any) -> Markup:
    """Return the constructor's parameters, changed ones first."""
    model = last_of(estimator)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(model).__init__).parameters.items()
    }
    params = model.get_params(deep=False)
    changed = {n: v for n, v in params.items() if repr(v) != repr(defaults.get(n))}
    others = {n: v for n, v in params.items() if n not in changed}
    parts: list[Any] = []
    steps = getattr(getattr(estimator, "best_estimator_", estimator), "steps", None)
    if steps:
        chain = " → ".join(f"{name}: {type(step).__name__}" for name, step in steps)
        parts.append(tag("p", f"Pipeline: {chain}"))
    if changed:
        parts += [tag("h3", "Changed parameters"), _params(changed)]
    else:
        parts.append(tag("p", "All parameters have default values."))
    parts.append(folded("Parameters at their defaults", _params(others)))
    return section("model", "Model", *parts)


def _params(params: Mapping[str, Any]) -> Markup:
    return facts((name, tag("code", _short(value))) for name, value in sorted(params.items()))


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 300 else text[:297] + "..."


def data_section(estimator: Any, X: Any, y: Any) -> Markup:
    """Return the known facts about the data."""
    model = last_of(estimator)
    rows: list[tuple[str, Any]] = []
    names = _feature_names(estimator)
    if X is not None:
        n, columns = np.shape(X) if not hasattr(X, "shape") else X.shape
        rows += [("Rows given", f"{n:,}"), ("Columns given", f"{columns:,}")]
        if hasattr(X, "nnz"):
            rows.append(("Stored values", f"{X.nnz:,} ({X.nnz / max(n * columns, 1):.3%})"))
    rows.append(("Features of the model", f"{model.n_features_in_:,}"))
    if hasattr(model, "classes_"):
        classes = model.classes_
        if isinstance(classes, np.ndarray) and classes.ndim == 1:
            shown = ", ".join(map(str, classes[:20])) + (", ..." if len(classes) > 20 else "")
            rows.append(("Classes", f"{len(classes):,}: {shown}"))
            if y is not None and len(classes) <= 20:
                counts = ", ".join(f"{np.sum(np.asarray(y) == c):,}" for c in classes)
                rows.append(("Rows of each class", counts))
    elif y is not None:
        target = np.asarray(y, dtype=np.float64)
        rows.append(
            ("Target", f"{target.min():.4g} to {target.max():.4g}, mean {target.mean():.4g}")
        )
    parts = [facts(rows)]
    if names is not None:
        shown = ", ".join(map(str, names[:_MOST_NAMES]))
        more = f", ... ({len(names):,} in all)" if len(names) > _MOST_NAMES else ""
        parts.append(folded(f"Names of the {len(names):,} columns", tag("p", shown + more)))
    return section("data", "Data", *parts)


def _feature_names(estimator: Any) -> Any:
    """Return the names of the input columns, None if unknown."""
    try:
        return getattr(estimator, "feature_names_in_", None)
    except AttributeError:  # from a Pipeline whose first step has no names
        return None


def versions_section() -> Markup:
    """Return the versions of the libraries used."""
    import matplotlib
    import scipy
    import sklearn

    return section(
        "versions",
        "Versions",
        tag("p", "Used to write this page.", class_="soft"),
        facts(
            [
                ("fastlr", __version__),
                ("Python", platform.python_version()),
                ("NumPy", np.__version__),
                ("SciPy", scipy.__version__),
                ("scikit-learn", sklearn.__version__),
                ("matplotlib", matplotlib.__version__),
            ]
        ),
    )
