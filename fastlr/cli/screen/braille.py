"""Curves in a terminal, out of Braille patterns: two by four dots in every character."""

from __future__ import annotations

import numpy as np

_EMPTY = 0x2800
# Bits of the dots in a character, by row and column.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLOCKS = "▁▂▃▄▅▆▇█"


def curve(
    values: np.ndarray, width: int, height: int, low: float, high: float, ascii_only: bool = False
) -> list[str]:
    r"""Return a curve as lines of text.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite.
    width, height : int
        Size in characters.
    low, high : float
        What the lower and the upper edge stand for.
    ascii_only : bool, default=False
        Draw in asterisks, for terminals that know nothing else.

    Returns
    -------
    list of str
        `height` lines of `width` characters, the upper one first.

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
    """Return a curve in one line, from 0 to its largest value.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite, not negative.
    width : int
        Characters.
    ascii_only : bool, default=False
        Draw in digits, from 0 to 9.

    Returns
    -------
    str
        Of that width.

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
