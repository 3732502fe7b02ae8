"""Base of optimizers that need whole arrays rather than single elements."""

from ..updater.array_rule import ArrayRule
from .optimizer import Optimizer


class ArrayOptimizer(ArrayRule, Optimizer):
    """Optimizer whose rule is array code; see `ArrayRule` for what a subclass defines."""
