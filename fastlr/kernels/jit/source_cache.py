"""Emitted Python text as real modules on disk, where Numba's cache can find them again.

A file's name carries the package's version and the hash of its text, so a changed rule is a
new file: Numba's own cache, which looks only at the file that holds the function, then cannot
return machine code of an older rule. A folder that cannot be written costs only the compile
time.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from ..._version import __version__
from ...core.files import write_atomic
from ...core.locks import Owner, lock_of

_COMPILING = Owner()


def cache_folder() -> Path:
    """Return where emitted modules are kept.

    ``FASTLR_CACHE_DIR`` names it; otherwise it lies in the user's cache folder.
    """
    named = os.environ.get("FASTLR_CACHE_DIR")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "fastlr"


def load_source(name: str, text: str) -> ModuleType:
    """Import emitted text as a module, the same one for the same name and text.

    The text may read the global ``CACHE``: whether Numba should cache what it compiles.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    stem = f"{name}_{__version__.replace('.', '_')}_{digest}"
    full = f"fastlr_emitted.{stem}"
    with lock_of(_COMPILING):  # another thread must not see a module that is still being compiled
        if full in sys.modules:
            return sys.modules[full]
        path, lasting = _place(stem + ".py", text)
        try:
            return _load(full, path, cache=lasting)
        except (OSError, RuntimeError):
            # Numba found no place to write to: compile without keeping the result.
            return _load(full, path, cache=False)


def _place(file_name: str, text: str) -> tuple[Path, bool]:
    """Write the file where it lasts, or else where it lives as long as the process."""
    try:
        path = cache_folder() / file_name
        if not (path.exists() and path.read_text(encoding="utf-8") == text):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, text.encode(), durable=False)
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
        folder = Path(tempfile.mkdtemp(prefix="fastlr-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = folder / file_name
        write_atomic(path, text.encode(), durable=False)
        return path, False
    return path, True


def _load(full: str, path: Path, cache: bool) -> ModuleType:
    spec = importlib.util.spec_from_file_location(full, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.CACHE = cache  # type: ignore[attr-defined]
    sys.modules[full] = module  # Numba unpickles cached code by module name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full]
        raise
    return module
