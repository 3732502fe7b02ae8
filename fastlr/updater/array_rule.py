"""What rules have in common that need whole arrays: matrices, or factors of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from .rule import UpdateRule


class ArrayRule(UpdateRule):
    """An update rule in array code instead of a scalar rule.

    It is for steps that a pass over elements cannot make, on the CPU only. `step_array` takes
    the place of `update`; everything else is as in `Optimizer`, which describes the parameters:
    gradient scaling, decay, averaging and skipping are done around the rule.
    """

    by_arrays = True

    # What is done around an array rule. A modifier that is not among them is refused when set.
    modifiers: ClassVar[frozenset[str]] = frozenset(
        {
            "schedule",
            "schedules",
            "weight_decay",
            "decay",
            "clip_norm",
            "clip_scope",
            "clip_value",
            "maximize",
            "nonfinite",
            "average",
            "average_decay",
            "l2",
        }
    )

    def state_shapes(self, shape: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        """Return names and shapes of the arrays that a parameter of this shape needs, zero first.

        Parameters
        ----------
        shape : tuple of int
            Shape of the parameter.

        Returns
        -------
        mapping of str to tuple of int
            May differ from shape to shape, in names too.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `state_shapes`")

    def step_array(
        self,
        p: np.ndarray,
        g: np.ndarray,
        state: Mapping[str, np.ndarray],
        coefficients: Mapping[str, float],
    ) -> None:
        """Step one parameter in place.

        Parameters
        ----------
        p : ndarray
            Parameter, in C order, with at least one element; decay has been taken off.
        g : ndarray
            Gradient as the rule is to see it; must not be written to.
        state : mapping of str to ndarray
            Arrays of `state_shapes`, of the dtype of `p`, to be updated in place.
        coefficients : mapping of str to float
            What `coefficients` returned for this step, and ``weight_decay`` for rules with
            `own_decay`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step_array`")

    def handles(self, shape: tuple[int, ...]) -> bool:
        """Whether the rule steps parameters of this shape; the others go to `fallback`."""
        return True

    def fallback(self) -> UpdateRule:
        """Return the optimizer for parameters of other shapes.

        Modifiers are the updater's, but `clip_norm` and `nonfinite`, which it sees to itself.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `fallback`")

    def check_family(self) -> None:
        """Check the common modifiers, and refuse those that array code does not have."""
        super().check_family()
        for name, default in UpdateRule.parameter_defaults.items():
            if name not in self.modifiers and getattr(self, name) != default:
                raise ValueError(
                    f"{type(self).__name__}: {name} is not there for rules in array code, "
                    f"so it must be {default!r}, got {getattr(self, name)!r}"
                )
