"""Displays of learning rates and training, in scikit-learn's convention.

A display has a class method for each source, and ``plot(ax=None)``, which returns the display with
``ax_``, ``figure_`` and the drawn lines. The functions do the same in one call. Matplotlib is
imported on use.
"""

from __future__ import annotations

from ..diagnosis._display import DiagnosisDisplay, plot_diagnosis
from ..drawing.history import HistoryDisplay, plot_history
from ..drawing.training import Run, training_figure
from ..schedules._display import ScheduleDisplay, plot_schedule
from ..tuning._range_display import LRFinderDisplay, plot_lr_finder
from ..tuning._sweep_display import SweepDisplay, plot_sweep

__all__ = [
    "DiagnosisDisplay",
    "HistoryDisplay",
    "LRFinderDisplay",
    "Run",
    "ScheduleDisplay",
    "SweepDisplay",
    "plot_diagnosis",
    "plot_history",
    "plot_lr_finder",
    "plot_schedule",
    "plot_sweep",
    "training_figure",
]
