"""Compilers of rules: the emitter, its three frames, and the choice between them."""
