"""What a run of the benchmarks leaves: one record for each figure, and their file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastlr.core.files import write_atomic

from .timing import Spread

OURS = "fastlr"  # how the names of all contenders of this library begin
FORMAT = 1  # of the file


@dataclass(frozen=True)
class Record:
    """One contender on one workload.

    Attributes
    ----------
    table : str
        The table that it belongs to: ``"step"``, ``"fit-sparse"``.
    case : str
        The workload.
    contender : str
        Who did it; the names of all of this library's begin with ``"fastlr"``.
    value : Spread
        What was measured.
    unit : str
        ``"s"`` or ``"bytes"``; the less of either, the better.
    threads : int
        How many threads everybody had.
    more : dict
        Figures beside the first, by the title of their column: numbers, or text.
    x : float or None
        Where on its curve a record lies, for pictures.
    """

    table: str
    case: str
    contender: str
    value: Spread
    unit: str = "s"
    threads: int = 1
    more: dict[str, float | str] = field(default_factory=dict)
    x: float | None = None

    @property
    def key(self) -> tuple[str, str, str, int, float | None]:
        """What tells it from all others of a run."""
        return self.table, self.case, self.contender, self.threads, self.x

    @property
    def ours(self) -> bool:
        """Whether this library is the contender."""
        return self.contender.startswith(OURS)


@dataclass
class Results:
    """A run.

    Attributes
    ----------
    machine : dict of str to str
        Processor and versions.
    quick : bool
        Whether it was only tried whether everything works.
    records : list of Record
        The figures.
    skipped : dict of str to str
        Peers that were left out, and why.
    limits : dict of str to float
        What the machine gives, measured in the same run: bytes and operations per second.
    seconds : dict of str to float
        How long each suite took.
    """

    machine: dict[str, str]
    quick: bool = False
    records: list[Record] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def of(self, table: str) -> list[Record]:
        """Return the records of one table, in the order they were taken."""
        return [r for r in self.records if r.table == table]

    def merge(self, older: Results) -> None:
        """Keep what an older run on this machine had, of tables that this one did not take."""
        taken = {r.table for r in self.records}
        self.records = [*self.records, *(r for r in older.records if r.table not in taken)]
        for name in ("skipped", "limits", "seconds"):
            setattr(self, name, getattr(older, name) | getattr(self, name))

    def write(self, path: Path) -> None:
        """Write a JSON file, whose numbers have four digits, which is more than they are worth."""
        known: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, (json.dumps(_rounded(known), indent=1) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` wrote.

        Raises
        ------
        ValueError
            If the file holds something else.
        """
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            if known.pop("format") != FORMAT:
                raise ValueError("another version of the file")
            records: Iterable[dict[str, Any]] = known.pop("records")
            found = [Record(**(r | {"value": Spread(**r["value"])})) for r in records]
            return cls(records=found, **known)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"'{path}' holds no results of `python -m bench`: {error}") from error


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
