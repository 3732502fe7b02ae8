"""What `diagnose` returns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

VERDICTS = (
    "diverging",
    "oscillating",
    "too slow",
    "stuck",
    "overfitting",
    "unfinished",
    "healthy",
)
_WIDTH = 88


@dataclass(frozen=True)
class Evidence:
    """A figure that a verdict rests on.

    Attributes
    ----------
    name : str
        What was measured.
    value : float
        Its value.
    text : str
        What it says, in words.
    """

    name: str
    value: float
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Diagnosis:
    """What a training run suffers from, if anything.

    Attributes
    ----------
    verdict : str
        ``"diverging"``: the loss is not finite, or worse than that of a model that knows nothing.
        ``"oscillating"``: it jumps about above what it could reach, the rate being too high.
        ``"too slow"``: it falls steadily, by too little. ``"stuck"``: nothing has been learnt.
        ``"overfitting"``: validation got worse while training went on. ``"unfinished"``: all is
        well, and more epochs would help. ``"healthy"``: there is nothing to be done.
    summary : str
        One sentence.
    evidence : tuple of Evidence
        What the verdict rests on.
    causes : tuple of str
        What may have caused it, the likeliest first.
    next_step : str
        The one thing to do.
    change : dict of str to object
        Constructor parameters of the estimator that do it, for ``set_params(**change)``; empty
        where there is nothing to change, or more is needed than a parameter.
    history : dict of str to ndarray
        What was read.
    """

    verdict: str
    summary: str
    evidence: tuple[Evidence, ...]
    causes: tuple[str, ...]
    next_step: str
    change: dict[str, Any]
    history: Mapping[str, np.ndarray] = field(repr=False, compare=False)

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {self.summary}"]
        for title, items in (
            ("evidence", self.evidence),
            ("likely cause", self.causes),
            ("next step", (self.next_step,)),
        ):
            lines += [_item(title if not k else "", str(item)) for k, item in enumerate(items)]
        if self.change:
            given = ", ".join(f"{name}={value!r}" for name, value in self.change.items())
            lines.append(_item("change", f"set_params({given})"))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Diagnosis {self}>"


def _item(title: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"  {title:<13} ", subsequent_indent=" " * 16)
