"""Writing pictures: of a comparison, and whatever draws on axes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib  # noqa: F401  (drawing comes last; that it is missing is to be told first)

from ..._version import __version__
from ...estimators.facts import estimator_facts
from ...plots import Run, training_figure
from ...schedules import get_schedule
from ..files.save import check_target, write_atomic
from ..race.race import OURS, Result
from .errors import InputError

FORMATS = (".png", ".pdf", ".svg")


def check_picture(path: Path, option: str) -> None:
    """Raise `InputError` if a picture cannot be written to `path`; one that is there may go."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            option, f"'{path}' must end in {', '.join(FORMATS)}, which names the picture's format"
        )
    check_target(path, force=True, option=option)


def write_picture(path: Path, results: Mapping[str, Sequence[Result]]) -> None:
    """Draw fastlr's runs and write them, whole or not at all.

    Parameters
    ----------
    path : Path
        Where to; its ending names the format.
    results : mapping of str to sequence of Result
        Results by data set.
    """
    runs = [_run(name, rows) for name, rows in results.items()]
    ours = next(r.estimator for rows in results.values() for r in rows if r.model == OURS)
    optimizer = estimator_facts(ours).optimizer
    schedule = repr(get_schedule(optimizer.schedule)).removesuffix("()")
    title = f"fastlr {__version__}: {OURS} with {type(optimizer).__name__} and {schedule}"
    _write(path, training_figure(runs, title))


def write_axes(path: Path, draw: Callable[[Any], Any]) -> None:
    """Write a picture of one pair of axes.

    Parameters
    ----------
    path : Path
        Where to; its ending names the format.
    draw : callable
        Takes the axes and draws on them.
    """
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=150)
    draw(figure.subplots())
    _write(path, figure)


def _write(path: Path, figure: Any) -> None:
    out = io.BytesIO()
    figure.savefig(out, format=path.suffix[1:].lower())
    write_atomic(path, out.getvalue())


def _run(name: str, rows: Sequence[Result]) -> Run:
    model = next(r.estimator for r in rows if r.model == OURS)
    optimizer = estimator_facts(model).optimizer
    seen = get_schedule(optimizer.schedule).simulate(
        model.t_, model.lr_, model.t_ // model.n_iter_, model.loss_curve_.tolist()
    )
    momenta = [n for n in ("momentum", "beta1") if n in optimizer.get_params(deep=False)]
    return Run(
        name,
        model.loss_curve_.tolist(),
        seen.lr,
        seen.momentum if momenta else None,
        {r.model: r.train_loss for r in rows if r.model != OURS},
        f"{momenta[0]} of {type(optimizer).__name__}" if momenta else "momentum",
    )
