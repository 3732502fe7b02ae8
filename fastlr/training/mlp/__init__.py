"""Epochs of multi-layer perceptrons."""
