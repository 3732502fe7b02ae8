"""``fastlr schedules``: the list of schedules, and any of them drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..._version import __version__
from ..options import Json
from ..schedule_text import read_schedule
from ..screen.braille import curve, sparkline
from ..screen.errors import InputError, one_line
from ..screen.output import plain_errors

_STEPS = 1000
_EPOCHS = 50  # in a run whose epochs nobody has told
_HEIGHT = 13  # lines of a curve
_WIDEST = 100
_STALLED = 0.3  # part of the run after which the metric of the pictures stops improving


@plain_errors
def schedules(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help='A name, or what Python would take: "OneCycle(pct_start=0.1)", '
            '"Warmup(100).then(\'cosine\')", "StepDecay(epochs(10)) * 0.5". All are listed '
            "if none is given.",
            show_default=False,
        ),
    ] = None,
    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="Learning rate that it multiplies.")
    ] = 1.0,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, help="Length of the run.")
    ] = _STEPS,
    steps_per_epoch: Annotated[
        int | None,
        typer.Option(
            "--steps-per-epoch",
            metavar="N",
            min=1,
            help=f"Steps in an epoch; by default the run has {_EPOCHS} epochs.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw it to a file (.png, .pdf, .svg).")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the schedules, or draw one: the learning rate and the momentum of each step.

    Those that watch a metric are shown a loss that stops improving after 30 %
    of the run.

    [bold]Examples[/bold]

        fastlr schedules

        fastlr schedules onecycle --lr 0.01 --steps 5000

        fastlr schedules "Warmup(100).then('cosine')" --output warmup.png

        fastlr schedules cosine --steps 10 --json
    """
    per_epoch = steps_per_epoch or max(steps // _EPOCHS, 1)
    if name is None:
        if output is not None:
            raise InputError("--output", "name the schedule to draw")
        _list(steps, per_epoch, as_json)
        return
    if not 0 < lr < float("inf"):
        raise InputError("--lr", f"must be a number above 0, got {lr:g}")
    if output is not None:
        from ..screen.picture import check_picture

        check_picture(output, "--output")
    schedule = read_schedule(name, "NAME")
    rates, momentum = _simulated(schedule, steps, lr, per_epoch)
    if output is not None:
        _write(output, rates, momentum, repr(schedule))
    if as_json:
        record = {
            "version": __version__,
            "command": "schedules",
            "schedule": repr(schedule),
            "steps": steps,
            "steps_per_epoch": per_epoch,
            "lr": rates.tolist(),
            "momentum": None if momentum is None else momentum.tolist(),
        }
        print(json.dumps(record, indent=2))
        return
    console = Console(highlight=False)
    console.print(Text(repr(schedule), style="bold"))
    _draw(console, rates, "learning rate", "blue")
    if momentum is not None:
        _draw(console, momentum, "momentum", "yellow")
    if output is not None:
        print(f"Picture written to {output}")


def _simulated(
    schedule: Any, steps: int, lr: float, per_epoch: int
) -> tuple[np.ndarray, np.ndarray | None]:
    metrics = None
    if schedule.needs_metric:
        n = -(-steps // per_epoch)
        metrics = np.maximum(1 - np.arange(n) / n, 1 - _STALLED).tolist()
    try:
        return schedule.simulate(steps, lr, per_epoch, metrics)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise InputError("NAME", one_line(error)) from error


def _list(steps: int, per_epoch: int, as_json: bool) -> None:
    from ...reporting.catalogue import schedule_rows
    from ...schedules import SCHEDULES

    rows = [row for row in schedule_rows() if row.names]
    if as_json:
        found = [
            {
                "name": row.name,
                "names": row.names,
                "summary": row.summary,
                "parameters": {
                    key: value if isinstance(value, (int, float, str, type(None))) else repr(value)
                    for key, value in SCHEDULES[row.names[0]].parameter_defaults.items()
                },
                "presets": row.presets,
                "watches_metric": SCHEDULES[row.names[0]]().needs_metric,
            }
            for row in rows
        ]
        record = {"version": __version__, "command": "schedules", "schedules": found}
        print(json.dumps(record, indent=2))
        return
    plain = not _takes("⠿█")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("schedule", no_wrap=True)
    table.add_column("learning rate", no_wrap=True, style="blue")
    table.add_column("what it does")
    for row in rows:
        rates, _ = _simulated(SCHEDULES[row.names[0]](), steps, 1.0, per_epoch)
        aliases = f" Also: {', '.join(row.names[1:])}." if row.names[1:] else ""
        table.add_row(row.name, sparkline(rates, 20, plain), row.summary + aliases)
    Console(highlight=False).print(table)
    print("fastlr schedules NAME draws one; they are joined by .then(...) and *")


def _draw(console: Console, values: np.ndarray, title: str, style: str) -> None:
    """Print a curve with its axes."""
    high = float(values.max())
    low = min(float(values.min()), 0.0) if title == "learning rate" else float(values.min())
    if low == high:  # a level line, in the middle
        low, high = low - 0.5 * abs(low or 1.0), high + 0.5 * abs(high or 1.0)
    labels = [f"{high:.3g}", f"{(low + high) / 2:.3g}", f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    width = max(min(console.width, _WIDEST) - margin - 3, 10)
    plain = not _takes("⠿│└─")
    wall, corner, floor = "|+-" if plain else "│└─"
    console.print()
    console.print(Text(" " * margin + title, style=style))
    at = {0: labels[0], _HEIGHT // 2: labels[1], _HEIGHT - 1: labels[2]}
    for k, line in enumerate(curve(values, width, _HEIGHT, low, high, plain)):
        text = Text(f"{at.get(k, ''):>{margin - 1}} {wall}")
        console.print(text + Text(line, style=style))
    console.print(Text(" " * margin + corner + floor * width))
    last = f"step {len(values) - 1:,}"
    console.print(Text(" " * margin + " 0" + last.rjust(width - 1)))


def _takes(text: str) -> bool:
    """Whether stdout can show these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _write(path: Path, rates: np.ndarray, momentum: np.ndarray | None, title: str) -> None:
    from ...plots import ScheduleDisplay
    from ..screen.picture import write_axes

    write_axes(path, ScheduleDisplay(rates, momentum, name=title).plot)
