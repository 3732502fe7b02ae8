"""Which modifiers come after a rule, and the names of their kernels; `emit_finish` states them."""

from __future__ import annotations

from typing import NamedTuple


class Finish(NamedTuple):
    """Which statements follow the rule; L1 is always there, and neutral where it is 0."""

    cautious: bool = False
    lookahead: bool = False
    average: bool = False

    @property
    def arrays(self) -> tuple[str, ...]:
        """Arrays besides parameter and gradient, as the statements call them."""
        on = ((self.cautious, "before_"), (self.lookahead, "slow_"), (self.average, "avg_"))
        return tuple(name for is_on, name in on if is_on)

    @property
    def key(self) -> str:
        """Name of this choice, a valid identifier."""
        on = {"cautious": self.cautious, "lookahead": self.lookahead, "avg": self.average}
        return "_".join(["finish", *(name for name, is_on in on.items() if is_on)])


def finish_name(finish: Finish, dtype: str) -> str:
    """Return the name under which a loop is found in every backend's table."""
    return f"{finish.key}_{dtype}"


def count_name(dtype: str) -> str:
    """Return the name under which the loop that counts the moves to keep is found."""
    return f"agreeing_{dtype}"
