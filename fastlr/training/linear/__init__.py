"""Epochs of linear models over dense rows."""
