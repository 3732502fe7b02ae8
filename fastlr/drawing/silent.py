"""Pictures that a notebook shows once."""

from __future__ import annotations


class Silent:
    """A display whose figure is shown by the notebook, with no line of text below it."""

    def _ipython_display_(self) -> None:
        """Show nothing: matplotlib shows the figure."""
