"""Write and read fitted models as skops files, which are safe to load: they hold no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import skops.io

from ...core.files import write_atomic
from ..errors import InputError, one_line

_NUMPY = "numpy.dtype"  # harmless, though skops asks


def save_model(model: Any, path: Path) -> list[str]:
    """Write a fitted model; return the types that whoever loads it has to trust by name."""
    data = skops.io.dumps(model)
    write_atomic(path, data)
    return skops.io.get_untrusted_types(data=data)


def load_model(path: Path, argument: str = "MODEL") -> Any:
    """Read a model that `save_model` wrote; `argument` is for errors.

    Types that neither fastlr nor skops trusts are refused.
    """
    from ...estimators import SKOPS_TRUSTED

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(argument, f"cannot read '{path}': {error.strerror}") from error
    trusted = {*SKOPS_TRUSTED, _NUMPY}
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=data)) - trusted)
        if not foreign:
            return skops.io.loads(data, trusted=sorted(trusted))
    except Exception as error:  # an arbitrary zip file fails in arbitrary ways
        raise InputError(
            argument, f"'{path}' is not a model file of fastlr: {one_line(error)}"
        ) from error
    raise InputError(argument, f"'{path}' holds types that are not trusted: {', '.join(foreign)}")
