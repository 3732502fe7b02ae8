"""Finds the kernel that runs here: Cython where it was built, else Numba."""
