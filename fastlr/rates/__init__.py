"""Arithmetic of learning rates: races between rates, recommendations, grids."""
