"""Reading data, reading and writing models."""
