"""Figures as they are read: three digits, with a unit that fits."""

from __future__ import annotations

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def seconds(value: float) -> str:
    """Return a duration.

    Examples
    --------
    >>> seconds(0.01234), seconds(12.0), seconds(4.2e-7)
    ('12.3 ms', '12.0 s', '420 ns')
    """
    scale, unit = next((pair for pair in _SECONDS if value >= pair[0]), _SECONDS[-1])
    return f"{_three(value / scale)} {unit}"


def size(value: float) -> str:
    """Return a number of bytes, in MB of 1,000,000.

    Examples
    --------
    >>> size(1_540_000)
    '1.5 MB'
    """
    return f"{value / 1e6:,.1f} MB"


def amount(value: float, unit: str) -> str:
    """Return what a record's unit says it is."""
    return size(value) if unit == "bytes" else seconds(value)


def ratio(value: float) -> str:
    """Return a ratio.

    Examples
    --------
    >>> ratio(0.5), ratio(12.345), ratio(1234.5)
    ('0.50', '12.3', '1,234')
    """
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def figure(title: str, value: float | str) -> str:
    """Return a figure of a record's `more`, by what its column is called."""
    if isinstance(value, str):
        return value
    if title.startswith(("share", "of ")):
        return f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"
    if title.startswith("test"):
        return f"{value:.4f}" if abs(value) < 1e4 else f"{value:.1e}"
    return _three(value)


def _three(value: float) -> str:
    digits = max(0, 3 - len(str(int(abs(value)))))
    return f"{value:,.{digits}f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2e}"
