"""Matplotlib figures as inline SVG with colours and font of the page.

Figures are drawn in known colours, which become variables of the style sheet, so that one picture
serves light and dark pages. Text remains text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from ..core.markup import Markup
from ..drawing.style import COLORS, DARK, FAINT, MUTED

INK, PAPER, GRID = "#1b1f24", "#fdfdfd", "#b1b1b1"
_VARIABLES = {
    **{color.lower(): f"--line-{k + 1}" for k, color in enumerate(COLORS)},
    DARK.lower(): "--dark",
    MUTED.lower(): "--muted",
    FAINT.lower(): "--faint",
    INK: "--ink",
    PAPER: "--paper",
    GRID: "--grid",
}
_WIDTH, _HEIGHT = 3.3, 2.4  # inches: as wide as a phone, so that text is not scaled down there
_LEGEND_LINE = 0.16


def picture(draw: Callable[[Any], Any], ident: str, alt: str) -> Markup:
    """Return an ``svg`` element with what `draw` draws on axes, and the text alternative `alt`.

    The title is removed and the legend moved below the axes; `ident` makes ids unique on the page.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with _page_style(), matplotlib.rc_context({"svg.hashsalt": ident}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        ax = figure.subplots()
        draw(ax)
        ax.set_title("")
        _move_legend(figure, ax)
        out = io.StringIO()
        figure.savefig(out, format="svg")
    return _inline(out.getvalue(), ident, alt)


@contextmanager
def _page_style() -> Iterator[None]:
    import matplotlib

    settings: Any = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    settings |= dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER)
    settings |= {"grid.color": GRID, "font.size": 9, "svg.fonttype": "none"}
    with matplotlib.rc_context(settings):
        yield


def _move_legend(figure: Any, ax: Any) -> None:
    """Move the legend below the axes, where it covers nothing."""
    old = ax.get_legend()
    if old is None:
        return
    handles, labels = old.legend_handles, [text.get_text() for text in old.get_texts()]
    old.remove()
    if len(labels) < 2:  # the caption names a single line
        return
    figure.set_figheight(_HEIGHT + _LEGEND_LINE * len(labels))
    figure.legend(
        handles, labels, loc="outside lower left", fontsize=8.5, frameon=False, borderaxespad=0.2
    )


def _inline(text: str, ident: str, alt: str) -> Markup:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # A style element would apply to the whole page.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]*)"', text)
    assert box is not None
    body = text[text.index(">") + 1 :]
    body = re.sub(r' id="([^"]*)"', rf' id="{ident}-\1"', body)
    body = re.sub(r"url\(#([^)]*)\)", rf"url(#{ident}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]*)"', rf'href="#{ident}-\1"', body)
    body = re.sub(r"(font: [^;\"]*?[0-9.]+px) [^;\"]*", r"\1 var(--font)", body)
    body = re.sub(
        r"#[0-9a-f]{6}",
        lambda found: f"var({_VARIABLES[found[0]]})" if found[0] in _VARIABLES else found[0],
        body,
    )
    body = re.sub(r">\s+<", "><", body)
    head = f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(alt)}">'
    return Markup(head + body.strip())
