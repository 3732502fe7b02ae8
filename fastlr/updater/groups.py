"""Parameter groups: which parameters have a rate, a decay or a start of their own, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..core.hyper import check_number
from ..schedules import Run, Schedule, get_schedule
from ..schedules.rule import check_length, to_steps

_SETTINGS = ("lr", "weight_decay", "l1", "l2", "schedule", "start")
_UNKNOWN = Run()


class Group(NamedTuple):
    """Settings shared by some of the parameters."""

    lr_factor: float = 1.0
    weight_decay: float | None = None  # None: the optimizer's
    l1: float | None = None  # None: the optimizer's
    l2: float | None = None  # None: the optimizer's
    schedule: Schedule | None = None  # None: the optimizer's
    start: int = 0  # steps before which its parameters stay as they are


def assign_groups(
    names: Sequence[str], given: Sequence[Mapping[str, Any]] | None, run: Run = _UNKNOWN
) -> tuple[list[Group], list[int]]:
    """Read the `groups` argument of `bind` and assign each parameter to one."""
    groups, ids = [Group()], [0] * len(names)
    if given is None:
        return groups, ids
    if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence):
        raise TypeError(f"groups must be a list of dicts, got {type(given).__name__}")
    from fnmatch import fnmatchcase

    for k, entry in enumerate(given):
        patterns = _check_entry(entry, f"groups[{k}]")
        matched = [
            i for i, name in enumerate(names) if any(fnmatchcase(name, each) for each in patterns)
        ]
        if not matched:
            raise ValueError(
                f"groups[{k}]: match={entry['match']!r} fits no parameter; names are "
                f"{', '.join(map(repr, names))}"
            )
        groups.append(
            Group(
                lr_factor=entry.get("lr", 1.0),
                weight_decay=entry.get("weight_decay"),
                l1=entry.get("l1"),
                l2=entry.get("l2"),
                schedule=_schedule(entry, f"groups[{k}]"),
                start=_start(entry, f"groups[{k}]: start", run),
            )
        )
        for i in matched:
            ids[i] = ids[i] or len(groups) - 1  # the first group that matches counts
    return groups, ids


def added_group(
    names: Sequence[str], given: Mapping[str, Any] | None, start: int
) -> dict[str, Any]:
    """Return a group of parameters that are added at a step, which count theirs from there."""
    from glob import escape

    unknown = set(given or ()) - set(_SETTINGS[:-1])
    if unknown:
        raise ValueError(
            f"group takes {', '.join(_SETTINGS[:-1])}, got {sorted(map(str, unknown))}"
        )
    return {"match": [escape(name) for name in names], **(given or {}), "start": start}


def _check_entry(entry: Any, label: str) -> list[str]:
    if not isinstance(entry, Mapping):
        raise TypeError(f"{label} must be a dict, got {type(entry).__name__}")
    unknown = set(entry) - {"match", *_SETTINGS}
    if unknown or "match" not in entry:
        raise ValueError(
            f"{label} needs 'match' and takes {', '.join(map(repr, _SETTINGS[:-1]))} and "
            f"{_SETTINGS[-1]!r}, got {sorted(map(str, entry))}"
        )
    if "lr" in entry:
        check_number(entry["lr"], f"{label}: lr (a factor)", "[0, inf)")
    for name in ("weight_decay", "l1", "l2"):
        if entry.get(name) is not None:
            check_number(entry[name], f"{label}: {name}", "[0, inf)")
    patterns = [entry["match"]] if isinstance(entry["match"], str) else entry["match"]
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(p, str) for p in patterns):
        raise TypeError(
            f"{label}: match must be a pattern or a list of them, got {entry['match']!r}"
        )
    return list(patterns)


def _schedule(entry: Mapping[str, Any], label: str) -> Schedule | None:
    given = entry.get("schedule")
    return None if given is None else get_schedule(given, f"{label}: schedule")


def _start(entry: Mapping[str, Any], label: str, run: Run) -> int:
    if "start" not in entry:
        return 0
    given = entry["start"]
    check_length(given, label, 0)
    return to_steps(given, label, run)
