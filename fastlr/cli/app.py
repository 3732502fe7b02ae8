"""The application: every command, under its heading in ``fastlr --help``."""

from __future__ import annotations

from typing import Annotated

import typer

from .._version import __version__
from .commands.catalogue import catalogue
from .commands.demo import demo
from .commands.diagnose import diagnose
from .commands.export import export
from .commands.find_lr import find_lr
from .commands.fit import fit
from .commands.info import info
from .commands.predict import predict
from .commands.report import report
from .commands.schedules import schedules
from .commands.sweep import sweep

DATA, LOOK, SEE = "Your own data", "Look things up", "See it work"

app = typer.Typer(
    help="Compiled optimizers and learning-rate schedules for scikit-learn.",
    epilog="Exit codes: 0 done, 1 failed, 2 input that cannot be used, 3 not healthy (diagnose).",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"fastlr {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Compiled optimizers and learning-rate schedules for scikit-learn."""


app.command(rich_help_panel=SEE)(demo)
app.command(rich_help_panel=DATA)(fit)
app.command(rich_help_panel=DATA)(predict)
app.command(rich_help_panel=DATA)(export)
app.command("find-lr", rich_help_panel=DATA)(find_lr)
app.command(rich_help_panel=DATA)(sweep)
app.command(rich_help_panel=DATA)(report)
app.command(rich_help_panel=DATA)(diagnose)
app.command(rich_help_panel=LOOK)(schedules)
app.command(rich_help_panel=LOOK)(info)
app.command(rich_help_panel=LOOK)(catalogue)
