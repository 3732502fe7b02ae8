"""What was built ahead of time: the compiled modules, and whether a rule in them is as it was.

Only this is needed to run a compiled kernel. What reads and prints rules (`language`, `loops`) is
imported where one has to be compiled now, or has changed since the build.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..language.check import Rule

ISAS = ("base", "avx2", "avx512")


def updates(isa: str) -> Any:
    """Import the compiled update rules of an instruction set: ``KERNELS`` and ``RULES``."""
    return importlib.import_module(f"fastlr.kernels.ahead._updates_{isa}")


def losses(isa: str) -> Any:
    """Return the compiled losses of an instruction set, as `updates` does."""
    return importlib.import_module(f"fastlr.kernels.ahead._losses_{isa}")


def schedules() -> Any:
    """Return the compiled schedules, as `updates` does."""
    return importlib.import_module("fastlr.kernels.ahead._schedules")


@functools.cache
def _sources() -> dict[str, tuple[bytes, str]]:
    """Return checksum of the file and digest of each rule, by its name, as they were built."""
    try:
        found: dict[str, tuple[bytes, str]] = importlib.import_module(
            "fastlr.kernels.ahead._sources"
        ).SOURCES
    except ImportError:
        return {}
    return found


@functools.cache
def is_current(owner: type, name: str, digest: str, read: Callable[[type], Rule]) -> bool:
    """Return whether a rule is as it was when `digest` was built; warn if it is not.

    `read` parses the rule of `owner`; it is called only if the file has changed.
    """
    source = importlib.import_module(owner.__module__).__file__ or ""
    try:
        # The age of files says nothing: an installer writes them in the order of their names.
        with open(source, "rb") as file:
            same = _sources().get(name) == (checksum(file.read()), digest)
        if same or read(owner).digest == digest:
            return True
    except OSError:
        return True
    warnings.warn(
        f"{source} has changed since fastlr was built, so {owner.__name__} is compiled by "
        "Numba now; run `pip install -e .` again",
        RuntimeWarning,
        stacklevel=2,
    )
    return False


def checksum(text: bytes) -> bytes:
    """Return the hash of a source file, whatever its line ends."""
    return importlib.util.source_hash(text.replace(b"\r\n", b"\n"))
