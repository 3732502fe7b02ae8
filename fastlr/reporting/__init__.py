"""Reports: a page about a trained model, and the catalogue of optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.discover import on_first_use

if TYPE_CHECKING:
    from .training_report import report

__all__ = ["report"]

# Imported on first use, because the catalogue does not need the page. No module is called `report`,
# since its import would hide the function.
__getattr__, __dir__ = on_first_use(globals(), {"report": "training_report"})
