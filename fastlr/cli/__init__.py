"""The command line: ``fastlr demo``, ``fastlr fit``, ``fastlr info``.

This file imports the standard library alone, so that a missing optional package ends in one
plain line and not in a traceback.
"""

from __future__ import annotations

import sys

_OPTIONAL = ("matplotlib", "pandas", "pyarrow", "rich", "skops", "typer")


def main() -> None:
    """Run the command line; exits with 0, 1 for what failed, or 2 for input it cannot use."""
    if not hasattr(sys.modules["fastlr"], "backend_info"):
        print(
            "Error: another distribution, called fastlr, has overwritten files of fastlr-optim: "
            "pip uninstall fastlr fastlr-optim, then pip install 'fastlr-optim[cli]'",
            file=sys.stderr,
        )
        sys.exit(1)
    try:
        from .app import app

        app(prog_name="fastlr")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _OPTIONAL:
            raise
        print(
            f"Error: the fastlr command needs {package}: pip install 'fastlr-optim[cli]'",
            file=sys.stderr,
        )
        sys.exit(1)
