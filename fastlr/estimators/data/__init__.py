"""Rows and targets, checked and encoded for training."""
