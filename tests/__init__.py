"""Tests: a package, for other distributions install one of this name."""
