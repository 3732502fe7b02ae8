"""A training run on one HTML page: pictures, the diagnosis in words, settings."""

from .report import report

__all__ = ["report"]
