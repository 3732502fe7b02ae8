"""Checks and times every CUDA kernel on a real GPU: ``python -m bench.gpu``."""
