"""The updater: an optimizer bound to arrays, with its state, its coefficients and its files."""
