"""A training in progress, and what an estimator keeps of it."""
