"""The functions that rules are written with, for editors, and for rules that run as plain Python.

Compilers know them by their bare names and look at no import; ``abs``, ``min``, ``max`` and ``pow``
are Python's own. With the names imported, a rule can be called on numbers or arrays, as any
function.

Examples
--------
>>> from fastlr.rules import sign, sqrt
>>> def update(p, g, rate):
...     return p - rate * sign(g) * sqrt(abs(g))
>>> float(update(1.0, -4.0, 0.5))
2.0
"""

from numpy import cbrt, cos, exp, expm1, floor, log, log1p, sign, sqrt, tanh

__all__ = ["cbrt", "cos", "exp", "expm1", "floor", "log", "log1p", "sign", "sqrt", "tanh"]
