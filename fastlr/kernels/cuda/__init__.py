"""Kernels for CUDA devices, compiled by numba-cuda."""
