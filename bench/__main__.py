"""``python -m bench``, in a checkout."""

from __future__ import annotations

import typer

from .command import bench

typer.run(bench)
