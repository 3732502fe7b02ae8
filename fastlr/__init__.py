"""Compiled optimizers and learning-rate schedules, for scikit-learn and for any arrays.

Everything public is reachable from here and imported on first use, so that ``import fastlr``
costs next to nothing and pulls in neither Numba nor a plotting library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, diagnose
    from .estimators import (
        SKOPS_TRUSTED,
        LinearClassifier,
        LinearRegressor,
        MLPClassifier,
        MLPRegressor,
        load_model,
        save_model,
    )
    from .exceptions import (
        DivergenceWarning,
        InterruptionWarning,
        SavedFileError,
        ScaleWarning,
        StuckWarning,
    )
    from .kernels.find.info import backend_info
    from .rates.recommendations import recommend, scale_lr
    from .reporting.training_report import report
    from .tuning.lr_range import find_lr
    from .updater.layers import layer_groups
    from .updater.updater import Updater

_HOMES = {
    "Diagnosis": "diagnosis",
    "DivergenceWarning": "exceptions",
    "InterruptionWarning": "exceptions",
    "LinearClassifier": "estimators",
    "LinearRegressor": "estimators",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "SKOPS_TRUSTED": "estimators",
    "SavedFileError": "exceptions",
    "ScaleWarning": "exceptions",
    "StuckWarning": "exceptions",
    "Updater": "optimizers.optimizer",  # which knows the optimizers that files name
    "backend_info": "kernels.find.info",
    "diagnose": "diagnosis",
    "find_lr": "tuning",
    "layer_groups": "updater.layers",
    "load_model": "estimators",
    "recommend": "rates.recommendations",
    "report": "reporting",
    "save_model": "estimators",
    "scale_lr": "rates.recommendations",
}
_SUBMODULES = (
    "compat",
    "diagnosis",
    "estimators",
    "exceptions",
    "kernels",
    "losses",
    "onnx",
    "optimizers",
    "plots",
    "rates",
    "reporting",
    "rules",
    "schedules",
    "training",
    "tuning",
    "updater",
)


def __getattr__(name: str) -> Any:
    if name == "__all__":  # what a star imports; only then is every file of rules imported
        return _public()
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name.startswith("__"):
        raise AttributeError(name)
    else:
        value = _class_by_name(name)
    globals()[name] = value
    return value


def _class_by_name(name: str) -> Any:
    """Return an optimizer or a schedule, from the file named like it if there is one."""
    modules = [importlib.import_module(f"{__name__}.{m}") for m in ("schedules", "optimizers")]
    for module in modules:
        cls = module._FOLDER.named_like_file(name)
        if cls is not None and cls.__name__ == name:
            return cls
    for module in modules:
        if name in module._OWN or module._FOLDER.find(name) is not None:
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _public() -> list[str]:
    """Return the public names, with those of every optimizer and schedule."""
    from . import optimizers, schedules

    return sorted({"__version__", *_HOMES, *optimizers.__all__, *schedules.__all__})


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_public()})
