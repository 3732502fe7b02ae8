"""``fastlr schedules``: list the schedules, or draw one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, one_line
from ..options.shared import Json
from ..screen.output import plain_errors, print_json, show

if TYPE_CHECKING:
    import numpy as np

_STEPS = 1000
_EPOCHS = 50  # unless --steps-per-epoch is given
_STALLED = 0.3  # fraction of the run after which the metric of the pictures stops improving


@plain_errors
def schedules(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help='A name, or a Python expression: "OneCycle(pct_start=0.1)", '
            '"Warmup(100).then(\'cosine\')", "StepDecay(epochs(10)) * 0.5". Without it '
            "all are listed.",
            show_default=False,
        ),
    ] = None,
    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="Learning rate to multiply.")
    ] = 1.0,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, help="Steps in the run.")
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
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="Draw it to a .png, .pdf or .svg file."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the schedules, or draw one: the learning rate and the momentum of each step.

    Schedules that watch a metric see a loss that stops improving after 30 %
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
    from rich.console import Console
    from rich.text import Text

    from ..options.schedule_text import read_schedule
    from ..screen.braille import draw

    schedule = read_schedule(name, "NAME")
    rates, momentum = _simulated(schedule, steps, lr, per_epoch)
    if output is not None:
        _write(output, rates, momentum, repr(schedule))
    if as_json:
        record = {
            "command": "schedules",
            "schedule": repr(schedule),
            "steps": steps,
            "steps_per_epoch": per_epoch,
            "lr": rates,
            "momentum": momentum,
        }
        print_json(record)
        return
    console = Console(highlight=False)
    console.print(Text(repr(schedule), style="bold"))
    draw(console, rates, "learning rate", "blue", from_zero=True)
    if momentum is not None:
        draw(console, momentum, "momentum", "yellow", from_zero=False)
    if output is not None:
        print(f"Picture written to {output}")


def _simulated(
    schedule: Any, steps: int, lr: float, per_epoch: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the rate and the momentum of each step."""
    import numpy as np

    metrics = None
    if schedule.needs_metric:
        n = -(-steps // per_epoch)
        metrics = np.maximum(1 - np.arange(n) / n, 1 - _STALLED).tolist()
    try:
        return schedule.simulate(steps, lr, per_epoch, metrics)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise InputError("NAME", one_line(error)) from error


def _list(steps: int, per_epoch: int, as_json: bool) -> None:
    """Print every schedule that has a name."""
    from rich import box
    from rich.table import Table

    from ...reporting.catalogue import schedule_rows
    from ...schedules import SCHEDULES
    from ..screen.braille import can_show, sparkline

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
        print_json({"command": "schedules", "schedules": found})
        return
    plain = not can_show("⠿█")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("schedule", no_wrap=True)
    table.add_column("learning rate", no_wrap=True, style="blue")
    table.add_column("what it does")
    for row in rows:
        rates, _ = _simulated(SCHEDULES[row.names[0]](), steps, 1.0, per_epoch)
        aliases = f" Also: {', '.join(row.names[1:])}." if row.names[1:] else ""
        table.add_row(row.name, sparkline(rates, 20, plain), row.summary + aliases)
    show(table)
    print("fastlr schedules NAME draws one; .then(...) and * combine them")


def _write(path: Path, rates: np.ndarray, momentum: np.ndarray | None, title: str) -> None:
    from ...plots import ScheduleDisplay
    from ..screen.picture import write_axes

    write_axes(path, ScheduleDisplay(rates, momentum, name=title).plot)
