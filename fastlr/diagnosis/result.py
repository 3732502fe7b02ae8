"""The result of `diagnose`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.markup import facts, joined, tag

VERDICTS = (
    "diverging",
    "oscillating",
    "too slow",
    "stuck",
    "no signal",
    "overfitting",
    "unfinished",
    "healthy",
    "too short",
)
_WIDTH = 88


@dataclass(frozen=True)
class Evidence:
    """A measured value that supports a verdict.

    Attributes
    ----------
    name : str
        Name of the quantity.
    value : float
        Its value.
    text : str
        Description in words.
    """

    name: str
    value: float
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Diagnosis:
    """Diagnosis of a training run.

    Attributes
    ----------
    verdict : str
        ``"diverging"``: the loss is not finite, or worse than the loss of a constant model.
        ``"oscillating"``: the loss jumps above its reachable value, because the rate is too high.
        ``"too slow"``: it falls steadily, but too little. ``"stuck"``: nothing has been learnt,
        and other settings may help. ``"no signal"``: nothing has been learnt, and the steps were
        neither too small nor too large for it: the model finds nothing in the features that the
        targets depend on. ``"overfitting"``: the validation loss rises during training.
        ``"unfinished"``: training goes well, and more epochs or rows would help. ``"healthy"``:
        nothing needs to change. ``"too short"``: too few epochs or rows for any of these.
    summary : str
        One sentence.
    evidence : tuple of Evidence
        Measured values that support the verdict.
    causes : tuple of str
        Possible causes, the likeliest first.
    next_step : str
        Recommendation.
    change : dict of str to object
        Constructor parameters of the estimator for ``set_params(**change)``; empty if nothing has
        to change, or if no parameter can make the step.
    history : dict of str to ndarray
        The diagnosed history.
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

    def _repr_html_(self) -> str:
        rows: list[tuple[str, Any]] = [
            ("evidence", joined(tag("div", each) for each in self.evidence)),
            ("likely cause", joined(tag("div", each) for each in self.causes)),
            ("next step", self.next_step),
        ]
        if self.change:
            given = ", ".join(f"{name}={value!r}" for name, value in self.change.items())
            rows.append(("change", tag("code", f"set_params({given})")))
        head = tag("p", tag("strong", self.verdict), ": ", self.summary)
        return head + facts(row for row in rows if row[1])


def _item(title: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"  {title:<13} ", subsequent_indent=" " * 16)
