"""Whether parameters keep going one way, as they do while the data change bit by bit.

At rest, parameters wander about an optimum, and what they move in one window of rows says nothing
of the next, or the contrary. Behind an optimum that moves, windows point the same way: a sign of
drift that shows in no loss, for losses that are always too high do not rise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WINDOW, STEPS = 256, 64  # rows and steps, beyond the reach of most momentum
SOME = 256  # parameters that are followed


class Heading:
    """Follows some parameters from window to window.

    Parameters
    ----------
    params : ndarray of shape (total,)
        All parameters, in place.
    """

    def __init__(self, params: np.ndarray) -> None:
        self._params = params[:: -(-len(params) // SOME) | 1]
        self._before = self._params.copy()
        self._change = np.zeros_like(self._before)
        self._rows = self._steps = 0

    def observe(self, rows: int, steps: int) -> float | None:
        """Count; return the cosine between the last two moves at the end of a window."""
        self._rows += rows
        self._steps += steps
        if self._rows < WINDOW or self._steps < STEPS:
            return None
        change = self._params - self._before
        sizes = float(change.dot(change)) * float(self._change.dot(self._change))
        cosine = float(change.dot(self._change)) / sizes**0.5 if sizes > 0 else None
        self._before[:], self._change = self._params, change
        self._rows = self._steps = 0
        return cosine

    @property
    def rows_until_end(self) -> int:
        """Rows that end the window if they come one by one."""
        return max(WINDOW - self._rows, STEPS - self._steps)

    def state(self) -> dict[str, Any]:
        """Return all that it depends on, as arrays and numbers by name."""
        counts = {"rows": self._rows, "steps": self._steps}
        return {"before": self._before.copy(), "change": self._change.copy(), **counts}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self._before[:], self._change = state["before"], state["change"].copy()
        self._rows, self._steps = state["rows"], state["steps"]
