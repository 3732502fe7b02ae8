"""Charts as SVG text, on logarithmic axes: curves, and dots with their quartiles.

Nothing but strings is needed, so a page of them has all it shows in itself. Colours come from the
page's style, which knows light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from . import units

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 44
COLORS = 8  # classes c0 to c7 of the page's style


@dataclass(frozen=True)
class Curve:
    """Points joined by a line.

    Attributes
    ----------
    name : str
        For the legend.
    points : sequence of (float, float)
        Both above 0.
    limit : bool
        Whether it is a limit of the machine, which is drawn grey and dashed.
    """

    name: str
    points: Sequence[tuple[float, float]]
    limit: bool = False


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from `low` to `high`, both above 0."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Axis:
        """Return an axis that shows values, with some room."""
        low, high = min(values), max(values)
        room = max((high / low) ** 0.06, 1.02)
        return cls(low / room, high * room)

    def share(self, value: float) -> float:
        """Return where on the axis a value lies, from 0 to 1."""
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self) -> list[float]:
        """Return round values on the axis, some two to six.

        Examples
        --------
        >>> Axis(0.5, 2000.0).ticks()
        [1.0, 10.0, 100.0, 1000.0]
        """
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        step = max(1, math.ceil((last - first) / 6))
        decades = [10.0**k for k in range(first, last + 1, step)]
        for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
            found = [d * f for d in decades for f in factors if self.low <= d * f <= self.high]
            if len(found) >= 2:
                return found
        inside = (self.low * (self.high / self.low) ** share for share in (0.1, 0.5, 0.9))
        return [float(f"{value:.4g}") for value in inside]


def number(value: float) -> str:
    """Return a tick's label.

    Examples
    --------
    >>> number(3e6), number(1000), number(0.02)
    ('3M', '1k', '0.02')
    """
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{letter}"
    return f"{value:g}"


def duration(value: float) -> str:
    """Return a tick's label of seconds: ``1 ms``."""
    text, unit = units.seconds(value * (1 + 1e-9)).split()
    return f"{float(text.replace(',', '')):g} {unit}"


def curves(
    found: Sequence[Curve], xlabel: str, ylabel: str, timed_x: bool = False, timed_y: bool = True
) -> str:
    """Draw curves and a legend below.

    Parameters
    ----------
    found : sequence of Curve
        At least one, with points.
    xlabel, ylabel : str
        Under and beside the axes.
    timed_x, timed_y : bool
        Whether the values along an axis are seconds.
    """
    across = Axis.over([x for c in found for x, _ in c.points])
    upwards = Axis.over([y for c in found for _, y in c.points])
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + width * across.share(x), TOP + height * (1 - upwards.share(y))

    parts = []
    for x in across.ticks():
        left = at(x, upwards.low)[0]
        label = duration(x) if timed_x else number(x)
        parts.append(
            f'<line class="grid" x1="{left:.1f}" x2="{left:.1f}" y1="{TOP}" y2="{TOP + height}"/>'
        )
        parts.append(
            f'<text x="{left:.1f}" y="{TOP + height + 16}" text-anchor="middle">{label}</text>'
        )
    for y in upwards.ticks():
        top = at(across.low, y)[1]
        label = duration(y) if timed_y else number(y)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{LEFT + width}" y1="{top:.1f}" y2="{top:.1f}"/>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{top + 4:.1f}" text-anchor="end">{label}</text>')
    parts.append(
        f'<text x="{LEFT + width / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(xlabel)}</text>"
    )
    parts.append(
        f'<text transform="translate(12 {TOP + height / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(ylabel)}</text>'
    )
    shown = []
    for k, curve in enumerate(found):
        style = "limit" if curve.limit else f"c{k % COLORS}"
        places = [at(x, y) for x, y in sorted(curve.points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="{style}" points="{path}"/>')
        if not curve.limit:
            parts += [
                f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places
            ]
        shown.append(f'<li><i class="{style}"></i>{escape(curve.name)}</li>')
    return (
        _svg(HEIGHT, parts, f"{ylabel} against {xlabel}") + f'<ul class="key">{"".join(shown)}</ul>'
    )


def dots(rows: Sequence[tuple[str, float, float, float]], xlabel: str, timed: bool = True) -> str:
    """Draw a dot for each row, with a line over its quartiles and its name above.

    Parameters
    ----------
    rows : sequence of (name, low, median, high)
        At least one; values above 0.
    xlabel : str
        Under the axis.
    timed : bool, default=True
        Whether values are seconds.
    """
    axis = Axis.over([v for _, low, _, high in rows for v in (low, high)])
    step, side = 34, 14
    height = TOP + step * len(rows)
    width = WIDTH - 2 * side
    parts = []
    for value in axis.ticks():
        left = side + width * axis.share(value)
        label = duration(value) if timed else number(value)
        parts.append(
            f'<line class="grid" x1="{left:.1f}" x2="{left:.1f}" y1="{TOP}" y2="{height}"/>'
        )
        parts.append(f'<text x="{left:.1f}" y="{height + 16}" text-anchor="middle">{label}</text>')
    for k, (name, low, middle, high) in enumerate(rows):
        y = TOP + step * k + 24
        style = "c0" if name.startswith("fastlr") else "c1"
        ends = [side + width * axis.share(v) for v in (low, middle, high)]
        parts.append(f'<text class="name" x="{side}" y="{y - 9}">{escape(name)}</text>')
        parts.append(
            f'<line class="{style}" x1="{ends[0]:.1f}" x2="{ends[2]:.1f}" y1="{y}" y2="{y}"/>'
        )
        parts.append(f'<circle class="{style}" cx="{ends[1]:.1f}" cy="{y}" r="4.5"/>')
    total = height + 38
    parts.append(
        f'<text x="{WIDTH / 2}" y="{total - 4}" text-anchor="middle">{escape(xlabel)}</text>'
    )
    return _svg(total, parts, xlabel)


def _svg(height: float, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        + "".join(parts)
        + "</svg>"
    )
