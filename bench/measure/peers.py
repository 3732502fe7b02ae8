"""Which peers are there, and how each of them is held to the same number of threads."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

# Name of the package to its module, where pip's name is another.
PEERS = {
    "torch": "torch",
    "optax": "optax",
    "deepspeed": "deepspeed",
    "scikit-learn-intelex": "sklearnex",
    "skorch": "skorch",
    "river": "river",
    "vowpalwabbit": "vowpalwabbit",
    "snapml": "snapml",
}


def load(name: str) -> ModuleType | None:
    """Import a peer by the name of its package; None where it is not installed, or cannot start."""
    module = PEERS[name]
    if importlib.util.find_spec(module) is None or (name == "skorch" and not load("torch")):
        return None
    if name == "optax":  # everybody has one thread; XLA goes by this alone when it is imported
        os.environ.setdefault("NPROC", "1")
    if name == "deepspeed":  # it builds its extension on first use, with the ninja beside Python
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
        beside = str(Path(sys.executable).parent)
        if shutil.which("ninja") is None and shutil.which("ninja", path=beside):
            os.environ["PATH"] += os.pathsep + beside
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except (ImportError, OSError, RuntimeError):
        return None


def missing() -> dict[str, str]:
    """Return the peers that cannot take part, and why.

    Examples
    --------
    >>> all(name in PEERS for name in missing())
    True
    """
    found = {}
    for name, module in PEERS.items():
        if importlib.util.find_spec(module) is None:
            found[name] = "not installed"
        elif load(name) is None:
            found[name] = "installed, but does not start"
    return found


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Hold BLAS, OpenMP and torch to a number of threads.

    Parameters
    ----------
    count : int
        How many each of them may use.
    """
    from threadpoolctl import threadpool_limits

    torch = load("torch")
    before = torch.get_num_threads() if torch is not None else 0
    if torch is not None:
        torch.set_num_threads(count)
    try:
        with threadpool_limits(count), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that few epochs do not converge, for the most part
            yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)
