"""The base of optimizers that need whole arrays: matrices, or factors of one."""

from ..updater.array_rule import ArrayRule
from .optimizer import Optimizer


class ArrayOptimizer(ArrayRule, Optimizer):
    """An optimizer whose rule is array code; `ArrayRule` says what a subclass defines."""
