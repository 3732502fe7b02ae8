"""Kernels compiled ahead of time by Cython."""
