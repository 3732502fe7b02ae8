"""Catalogue of optimizers and schedules, for ``fastlr catalogue`` and the README.

State and memory traffic come from the rule, the paper from the docstring, presets from the class.
No compiler is needed.
"""

from __future__ import annotations

import inspect
import itertools
import re
from dataclasses import dataclass
from typing import Any

from .. import schedules
from ..kernels.loops import update as emit
from ..optimizers import OPTIMIZERS, Optimizer
from ..optimizers._array import ArrayOptimizer
from ..schedules import SCHEDULES, Schedule

BEGIN, END = "<!-- catalogue:begin -->", "<!-- catalogue:end -->"
_FLOAT32 = 4  # bytes


@dataclass(frozen=True)
class Paper:
    """The first reference of a docstring."""

    citation: str  # authors and year
    arxiv: str | None

    def __str__(self) -> str:
        return f"arXiv:{self.arxiv}" if self.arxiv else self.citation

    @property
    def markdown(self) -> str:
        """The citation, with a link if it is on arXiv."""
        if self.arxiv is None:
            return self.citation
        return f"[{self.citation}](https://arxiv.org/abs/{self.arxiv})"


@dataclass(frozen=True)
class VariantRow:
    """A rule with one setting of its switches."""

    on: tuple[str, ...]  # hyper-parameters that are switched on
    state: tuple[str, ...]  # arrays shaped like the parameter
    # Bytes read and written per step and float32 element; None for array code, which also moves
    # temporary arrays.
    moved: int | None
    factors: tuple[str, ...] = ()  # smaller arrays, for a matrix


@dataclass(frozen=True)
class OptimizerRow:
    """An optimizer.

    Tier 1 needs one pass over memory, tier 2 sums over elements before it, tier 3 is array code.
    """

    name: str
    summary: str
    tier: int
    default: VariantRow
    variants: tuple[VariantRow, ...]
    paper: Paper | None
    presets: tuple[str, ...]

    @property
    def state(self) -> str:
        """Number of state arrays by default, then the largest number with other switches.

        A plus sign means factors, such as one number per row and column.
        """
        arrays = _span(len(self.default.state), [len(v.state) for v in self.variants])
        return f"{arrays}+" if self.default.factors else arrays

    @property
    def moved(self) -> str:
        """Bytes per element by default and at most; a dash for array code."""
        every = [v.moved for v in self.variants if v.moved is not None]
        return "-" if self.default.moved is None else _span(self.default.moved, every)


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule; `names` are accepted by `get_schedule`."""

    name: str
    summary: str
    names: tuple[str, ...]
    paper: Paper | None
    presets: tuple[str, ...]


def optimizer_rows() -> list[OptimizerRow]:
    """Return a row for each optimizer, sorted by name.

    Examples
    --------
    >>> from fastlr.reporting.catalogue import optimizer_rows
    >>> row = next(row for row in optimizer_rows() if row.name == "Adam")
    >>> row.default.state, row.state, row.moved, str(row.paper)
    (('m', 'v'), '2-3', '28-36', 'arXiv:1412.6980')
    """
    return [_optimizer_row(OPTIMIZERS[name]) for name in sorted(OPTIMIZERS)]


def schedule_rows() -> list[ScheduleRow]:
    """Return a row for each schedule, sorted by name.

    Examples
    --------
    >>> from fastlr.reporting.catalogue import schedule_rows
    >>> row = next(row for row in schedule_rows() if row.name == "CosineAnnealing")
    >>> row.names, row.summary
    (('cosineannealing', 'cosine'), 'Lower the rate along half a cosine.')
    """
    public = [getattr(schedules, name) for name in schedules.__all__]
    classes = [c for c in public if inspect.isclass(c) and issubclass(c, Schedule)]
    return [
        ScheduleRow(
            name=cls.__name__,
            summary=_summary(cls),
            names=(name, *cls.__dict__.get("aliases", ())) if name in SCHEDULES else (),
            paper=paper_of(cls),
            presets=tuple(cls.presets),
        )
        for name, cls in sorted((c.__name__.lower(), c) for c in classes if c is not Schedule)
    ]


def markdown() -> str:
    """Return the README's table between its markers."""
    lines = [BEGIN, "| optimizer | state | bytes | paper |", "|---|---|---|---|"]
    for row in optimizer_rows():
        paper = row.paper.markdown if row.paper else ""
        lines.append(f"| `{row.name}` | {row.state} | {row.moved} | {paper} |")
    names = ", ".join(f"`{row.name}`" for row in schedule_rows())
    return "\n".join([*lines, "", f"Schedules: {names}.", END])


def replace_table(text: str) -> str:
    """Return a document with an updated table; raise if it does not have the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"expected the lines {BEGIN} and {END} around the table")
    return before + markdown() + after


def records() -> dict[str, list[dict[str, Any]]]:
    """Return the whole catalogue as plain values for JSON."""
    return {
        "optimizers": [
            {
                "name": row.name,
                "summary": row.summary,
                "tier": row.tier,
                "state": [*row.default.state, *row.default.factors],
                "bytes": row.default.moved,
                "variants": [
                    {"on": list(v.on), "state": [*v.state, *v.factors], "bytes": v.moved}
                    for v in row.variants
                ],
                **_shared(row),
            }
            for row in optimizer_rows()
        ],
        "schedules": [
            {"name": row.name, "summary": row.summary, "names": list(row.names), **_shared(row)}
            for row in schedule_rows()
        ],
    }


def paper_of(cls: type) -> Paper | None:
    """Return the first paper under References in a class's own docstring, None without one."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    section = re.search(r"^References\n-+\n(.+?)(?:\n\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    if section is None:
        return None
    first = " ".join(section[1].split()).partition(";")[0].rstrip(".")
    dated = re.match(r".*?\b(?:19|20)\d\d\b", first)
    number = re.search(r"arXiv:(\d{4}\.\d{4,5})", first)
    return Paper(dated[0] if dated else first, number[1] if number else None)


def _optimizer_row(cls: type[Optimizer]) -> OptimizerRow:
    if issubclass(cls, ArrayOptimizer):
        tier, default = 3, _array_row(cls())
        variants = [_array_row(each) for each in _switched(cls)]
    else:
        rule = emit.rule_of_class(cls)
        tier = 2 if getattr(cls, "sums", ()) else 1
        default = _variant_row(emit.specialise(rule, cls().switches()))
        variants = [_variant_row(variant) for variant in emit.variants(rule)]
    return OptimizerRow(
        name=cls.__name__,
        summary=_summary(cls),
        tier=tier,
        default=default,
        variants=tuple(variants),
        paper=paper_of(cls),
        presets=tuple(cls.presets),
    )


def _variant_row(variant: emit.Variant) -> VariantRow:
    arrays = 3 + len(variant.read) + len(variant.written)  # reads p and g, writes p
    measure = variant.measure
    if measure is not None:  # a pass before the update that only reads
        arrays += 2 + len(measure.state)
    return VariantRow(variant.on, variant.state, _FLOAT32 * arrays)


def _switched(cls: type[ArrayOptimizer]) -> list[ArrayOptimizer]:
    """Return a rule in array code with every combination of its switches."""
    off = {name: type(cls._fields[name])(0) for name in cls.flags}
    on = {name: cls._fields[name] or True for name in cls.flags}
    return [
        cls(**dict(zip(cls.flags, values, strict=True)))
        for values in itertools.product(*[(off[name], on[name]) for name in cls.flags])
    ]


def _array_row(optimizer: ArrayOptimizer) -> VariantRow:
    shapes = optimizer.state_shapes((2, 3))
    return VariantRow(
        on=tuple(name for name, on in optimizer.switches().items() if on),
        state=tuple(name for name, shape in shapes.items() if shape == (2, 3)),
        moved=None,
        factors=tuple(name for name, shape in shapes.items() if shape != (2, 3)),
    )


def _shared(row: OptimizerRow | ScheduleRow) -> dict[str, Any]:
    paper = row.paper
    return {
        "paper": paper and paper.citation,
        "arxiv": paper and paper.arxiv,
        "presets": list(row.presets),
    }


def _summary(cls: type) -> str:
    first = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0]
    return first.replace("\n", " ").replace("``", "`")


def _span(default: int, every: list[int]) -> str:
    most = max(every)
    return f"{default}-{most}" if most > default else f"{default}"
