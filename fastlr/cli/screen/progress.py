"""Show the progress of training: live bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars

PLAIN_INTERVAL = 2.0  # s between lines about one fit, so that a log stays readable


class Progress:
    """Shows one line for each model, on stderr: stdout holds results alone.

    Examples
    --------
    >>> import io
    >>> with Progress(Console(file=io.StringIO())) as progress:
    ...     progress.start("digits  LinearClassifier")
    ...     progress.update("digits  LinearClassifier", 0.3, "epoch 3/10, loss 0.41")
    ...     progress.finish("digits  LinearClassifier", "12 ms")
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr)
        self._bars: Bars | None = None
        if self._console.is_terminal:
            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[said]}"),
                console=self._console,
                refresh_per_second=5,  # timings are taken meanwhile; redrawing costs about 1 ms
            )
        self._ids: dict[str, Any] = {}
        self._last: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def start(self, name: str) -> None:
        """Add a line."""
        self._last[name] = time.monotonic()
        if self._bars is not None:
            self._ids[name] = self._bars.add_task(name, total=1.0, said="waiting")

    def update(self, name: str, done: float | None, said: str) -> None:
        """Show a fraction, ``None`` if unknown, and a text on a line."""
        if self._bars is not None:
            self._bars.update(
                self._ids[name],
                completed=done or 0.0,
                total=None if done is None else 1.0,
                said=said,
            )
        elif time.monotonic() - self._last[name] > PLAIN_INTERVAL:
            self._print(name, said)

    def finish(self, name: str, said: str) -> None:
        """Show a line as done."""
        if self._bars is not None:
            self.update(name, 1.0, said)
        else:
            self._print(name, said)

    def _print(self, name: str, said: str) -> None:
        self._last[name] = time.monotonic()
        self._console.print(f"{name}: {said}", highlight=False, markup=False, soft_wrap=True)
