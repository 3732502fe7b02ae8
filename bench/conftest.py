"""Puts this folder on the path, so that benchmarks can import their neighbours."""
