"""Loops around rules, spelled once for all compilers."""
