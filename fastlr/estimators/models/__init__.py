"""Models: their parameters, what is decided before a fit, and units of the data and of training."""
