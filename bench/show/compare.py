"""Two runs on one machine, figure by figure."""

from __future__ import annotations

from dataclasses import dataclass

from ..measure.record import Record, Results
from . import units


@dataclass(frozen=True)
class Change:
    """One figure of two runs.

    Attributes
    ----------
    old, new : Record
        What was found before, and now.
    """

    old: Record
    new: Record

    @property
    def ratio(self) -> float:
        """New over old: above 1 is slower, or larger."""
        return self.new.value.median / self.old.value.median

    @property
    def clear(self) -> bool:
        """Whether the quartiles of the two runs are apart, and the medians by more than 10 %."""
        a, b = self.old.value, self.new.value
        return (a.high < b.low or b.high < a.low) and not 1 / 1.1 < self.ratio < 1.1


def changes(old: Results, new: Results) -> list[Change]:
    """Return the figures that both runs have, the worst first.

    Parameters
    ----------
    old, new : Results
        Two runs; that they are of the same machine is for the caller to see.

    Raises
    ------
    ValueError
        If they have no figure in common, or one was quick and the other was not.
    """
    if old.quick != new.quick:
        raise ValueError("one of the runs was a quick one, whose figures are of smaller workloads")
    before = {r.key: r for r in old.records}
    found = [Change(before[r.key], r) for r in new.records if r.key in before]
    if not found:
        raise ValueError("the runs have no figure in common")
    return sorted(found, key=lambda c: -c.ratio)


def rows(found: list[Change]) -> list[dict[str, str]]:
    """Return a row for each change that is clear."""
    return [
        {
            "table": c.new.table,
            "workload": c.new.case + ("" if c.new.x is None else f", {c.new.x:,.0f}"),
            "contender": c.new.contender,
            "threads": str(c.new.threads),
            "before": units.amount(c.old.value.median, c.old.unit),
            "now": units.amount(c.new.value.median, c.new.unit),
            "now / before": units.ratio(c.ratio),
        }
        for c in found
        if c.clear
    ]
