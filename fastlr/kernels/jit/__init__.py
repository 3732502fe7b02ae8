"""Kernels compiled at run time by Numba."""
