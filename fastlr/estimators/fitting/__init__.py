"""Fitting, step by step."""
