"""HTML elements from Python values, escaping all text that is not `Markup`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_VOID = frozenset({"br", "meta"})


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def tag(name: str, /, *children: Any, **attributes: str | None) -> Markup:
    """Return an element with children, text or `Markup`, and attributes.

    A final underscore of an attribute's name is dropped, others become hyphens; None omits the
    attribute.

    Examples
    --------
    >>> tag("p", "1 < 2 ", tag("b", "yes"), class_="note")
    '<p class="note">1 &lt; 2 <b>yes</b></p>'
    """
    pairs = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{pairs}>")
    return Markup(f"<{name}{pairs}>{joined(children)}</{name}>")


def joined(children: Iterable[Any]) -> Markup:
    """Join markup and text, escaping the text."""
    return Markup(
        "".join(child if isinstance(child, Markup) else escape(str(child)) for child in children)
    )


def section(ident: str, title: str, *children: Any) -> Markup:
    """Return a section with its heading."""
    return tag(
        "section", tag("h2", title, id=ident), *children, aria_labelledby=ident, class_="card"
    )


def facts(rows: Iterable[tuple[Any, Any]]) -> Markup:
    """Return a list of names with values."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return a table that scrolls if it is wider than the page."""
    head = tag("thead", tag("tr", *(tag("th", title, scope="col") for title in header)))
    body = tag(
        "tbody",
        *(
            tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
            for row in rows
        ),
    )
    return tag(
        "div",
        tag("table", tag("caption", caption), head, body),
        class_="scroll",
        role="region",
        tabindex="0",
        aria_label=caption,
    )


def folded(summary: str, *children: Any) -> Markup:
    """Return content that opens on a click."""
    return tag("details", tag("summary", summary), *children)


def polyline(values: Sequence[float], label: str, width: int = 240, height: int = 60) -> Markup:
    """Return a small picture of a curve above zero, in the colour of the text."""
    top = max(max(values), 1e-300)
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{k * step:.1f},{(1 - max(value, 0.0) / top) * (height - 4) + 2:.1f}"
        for k, value in enumerate(values)
    )
    line = tag("polyline", points=points, fill="none", stroke="currentColor", stroke_width="1.5")
    size = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    return tag("svg", tag("title", label), line, role="img", aria_label=label, **size)
