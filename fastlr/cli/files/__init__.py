"""Reading data, preparing features, reading and writing models."""
