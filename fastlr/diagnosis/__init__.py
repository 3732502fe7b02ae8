"""What is wrong with a training run, if anything, and what to do: told from its history."""

from .diagnose import diagnose
from .result import Diagnosis, Evidence

__all__ = ["Diagnosis", "Evidence", "diagnose"]
