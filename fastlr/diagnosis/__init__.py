"""Diagnosis of training runs from their history, with a recommended next step."""

from .diagnose import diagnose
from .result import Diagnosis, Evidence

__all__ = ["Diagnosis", "Evidence", "diagnose"]
