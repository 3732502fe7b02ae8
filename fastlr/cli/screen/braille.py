"""Draw curves in a terminal with Braille patterns: two by four dots in every character."""

from __future__ import annotations

import sys

import numpy as np
from rich.console import Console
from rich.text import Text

_HEIGHT = 13  # lines of a curve with axes
_WIDEST = 100
_EMPTY = 0x2800
# Bits of the dots in a character, by row and column.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLOCKS = "▁▂▃▄▅▆▇█"


def curve(
    values: np.ndarray, width: int, height: int, low: float, high: float, ascii_only: bool = False
) -> list[str]:
    r"""Return a curve between `low` and `high` as `height` lines of `width` characters.

    Examples
    --------
    >>> import numpy as np
    >>> print("\n".join(curve(np.linspace(0, 1, 16), 8, 2, 0, 1)))
    ⠀⠀⠀⠀⣀⠤⠒⠉
    ⣀⠤⠒⠉⠀⠀⠀⠀
    """
    rows, columns = 4 * height, 2 * width
    dots = np.zeros((rows, columns), dtype=bool)
    span = (high - low) or 1.0
    # The first column shows the first value, and the last one the last.
    edges = np.linspace(0, len(values) - 1, columns)
    last = None
    for k in range(columns):
        at = np.interp(edges[k], np.arange(len(values)), values)
        between = values[0:0]
        if k:
            between = values[int(edges[k - 1]) + 1 : int(edges[k]) + 1]
        levels = _levels(np.append(between, at), low, span, rows)
        bottom, top = int(levels.min()), int(levels.max())
        if last is not None:  # no gap to the column before
            bottom, top = min(bottom, last + 1), max(top, last - 1)
        dots[rows - 1 - top : rows - bottom, k] = True
        last = int(levels[-1])
    cells = dots.reshape(height, 4, width, 2)
    if ascii_only:
        any_dot: np.ndarray = cells.max(axis=(1, 3))
        return ["".join(" *"[int(dot)] for dot in row) for row in any_dot]
    patterns = (cells * _BITS[:, None, :]).sum(axis=(1, 3)) + _EMPTY
    return ["".join(map(chr, row)) for row in patterns]


def sparkline(values: np.ndarray, width: int, ascii_only: bool = False) -> str:
    """Return a curve in one line of `width` characters, from 0 to its largest value.

    Examples
    --------
    >>> sparkline(np.array([0, 1, 2, 3, 4, 5, 6, 7]), 8)
    '▁▂▃▄▅▆▇█'
    """
    marks = "0123456789" if ascii_only else _BLOCKS
    chosen = values[np.linspace(0, len(values) - 1, width).round().astype(int)]
    return "".join(marks[k] for k in _levels(chosen, 0.0, float(values.max()) or 1.0, len(marks)))


def _levels(values: np.ndarray, low: float, span: float, n: int) -> np.ndarray:
    """Return which of n rows, counted from the lower edge, each value falls into."""
    levels: np.ndarray = np.clip(np.rint((values - low) / span * (n - 1)), 0, n - 1).astype(int)
    return levels


def draw(console: Console, values: np.ndarray, title: str, style: str, from_zero: bool) -> None:
    """Print a curve with its axes, whose range may start from 0."""
    low, high = float(values.min()), float(values.max())
    if from_zero:
        low = min(low, 0.0)
    if low == high:  # a level line, in the middle
        low, high = low - 0.5 * abs(low or 1.0), high + 0.5 * abs(high or 1.0)
    labels = [f"{high:.3g}", f"{(low + high) / 2:.3g}", f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    width = max(min(console.width, _WIDEST) - margin - 3, 10)
    plain = not can_show("⠿│└─")
    wall, corner, floor = "|+-" if plain else "│└─"
    console.print()
    console.print(Text(" " * margin + title, style=style))
    at = {0: labels[0], _HEIGHT // 2: labels[1], _HEIGHT - 1: labels[2]}
    for k, line in enumerate(curve(values, width, _HEIGHT, low, high, plain)):
        text = Text(f"{at.get(k, ''):>{margin - 1}} {wall}")
        console.print(text + Text(line, style=style))
    console.print(Text(" " * margin + corner + floor * width))
    last = f"step {len(values) - 1:,}"
    console.print(Text(" " * margin + " 0" + last.rjust(width - 1)))


def can_show(text: str) -> bool:
    """Whether stdout can show these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
