"""Steppers: run one update over all arrays, compiled, in Python, on a GPU or by array code."""
