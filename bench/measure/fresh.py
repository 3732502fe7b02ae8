"""Work in fresh processes: what a process costs or holds cannot be told from within an old one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def run(code: str, env: dict[str, str] | None = None) -> Any:
    """Run code in a new interpreter, and return what it printed last, read as JSON.

    Parameters
    ----------
    code : str
        Python source; the last line it prints is the answer.
    env : dict of str to str, optional
        Variables beside the present ones.

    Raises
    ------
    RuntimeError
        If it ended with an error, whose last line is in the message.

    Examples
    --------
    >>> run("print('ready'); print([1, 2])")
    [1, 2]
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=environment() | (env or {}),
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"a fresh process ended with {done.returncode}: {last}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def environment() -> dict[str, str]:
    """Return what a new interpreter needs to import the fastlr that this one has imported."""
    # As an installed package has it: without bytecode, compiling the sources is what is timed.
    found = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    home = str(Path(__file__).resolve().parents[2])
    before = found.get("PYTHONPATH")
    return found | {"PYTHONPATH": os.pathsep.join([home, before] if before else [home])}
