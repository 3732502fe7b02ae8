"""How much of everything a run does: in full for figures, quickly to see that it works."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .record import Record
from .timing import Spread, interleave

T = TypeVar("T")


@dataclass
class Plan:
    """What suites are given.

    Attributes
    ----------
    quick : bool
        Small workloads, one round, for errors and not for times.
    failed : dict of str to str
        Contenders that ended in an error, which leaves them out and nobody else.
    until : float
        On the clock of `time.monotonic`: from then on everybody has one turn only.
    """

    quick: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    until: float = float("inf")

    def pick(self, full: T, quick: T) -> T:
        """Return one of two, whichever this run is for."""
        return quick if self.quick else full

    def share(self, seconds: float) -> None:
        """Let what follows take its turns for some seconds."""
        self.until = time.monotonic() + seconds

    @property
    def late(self) -> bool:
        """Whether everybody is to have one turn only."""
        return time.monotonic() > self.until

    def say(self, text: str) -> None:
        """Tell how far the run is, on stderr."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def attempt(self, name: str, call: Callable[[], T]) -> T | None:
        """Return what a peer's call returns; None, and a note, if it fails.

        An error of this library is no reason to leave it out: it is raised.
        """
        try:
            return call()
        except Exception as error:
            if name.startswith("fastlr"):
                raise
            text = " ".join(str(error).split())[:120]
            self.failed[name] = f"{type(error).__name__}: {text}"
            return None

    def _works(self, name: str, call: Callable[[], Any]) -> bool:
        def once() -> bool:
            call()
            return True

        return self.attempt(name, once) is not None

    def time(
        self,
        table: str,
        case: str,
        contenders: Mapping[str, Callable[[], Any]],
        rounds: int = 7,
        target: float = 0.05,
        seconds: float = float("inf"),
        threads: int = 1,
        rewarm: bool = True,
    ) -> list[Record]:
        """Interleave contenders on one workload and return their records; see `interleave`."""
        able = {name: call for name, call in contenders.items() if self._works(name, call)}
        if self.quick:
            rounds, target = 1, 0.0
        elif self.late:
            rounds = 1
        found: Mapping[str, Spread] = interleave(able, rounds, target, seconds, rewarm)
        return [
            Record(table, case, name, spread, threads=threads) for name, spread in found.items()
        ]
