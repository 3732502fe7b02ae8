"""Pictures of learning rates and of training, as displays in the manner of scikit-learn.

A display has a class method for each source it can be drawn from, and ``plot(ax=None)``, which
returns the display with ``ax_``, ``figure_`` and the lines that were drawn; the functions do the
same in one call. Matplotlib is imported on use.
"""

from __future__ import annotations

from .diagnosis import DiagnosisDisplay, plot_diagnosis
from .history import HistoryDisplay, plot_history
from .lr_finder import LRFinderDisplay, plot_lr_finder
from .schedule import ScheduleDisplay, plot_schedule
from .sweep import SweepDisplay, plot_sweep
from .training import Run, training_figure

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
