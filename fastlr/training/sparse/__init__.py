"""Epochs of linear models over sparse rows."""
