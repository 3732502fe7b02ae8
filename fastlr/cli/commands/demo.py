"""``fastlr demo``: two data sets that come with scikit-learn, three models, one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options.shared import Json, Seed, Threads
from ..screen.output import plain_errors, print_json

if TYPE_CHECKING:
    from ..files.task import Task

TEST_SIZE = 0.25
FITS = 3  # of each model at least, for a median


@plain_errors
def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="PATH", help="Where the picture goes (.png, .pdf or .svg)."
        ),
    ] = Path("fastlr-demo.png"),
    seed: Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fit every model only once.")] = False,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Train fastlr beside scikit-learn's linear models on two small data sets.

    Prints a table, and draws the training loss and the schedule.

    [bold]Examples[/bold]

        fastlr demo

        fastlr demo --quick --output /tmp/demo.svg

        fastlr demo --json > demo.json
    """
    from ..screen.picture import check_picture

    check_picture(output, "--output")
    from ..files.prepare import describe, split
    from ..race.comparison import print_results, records, write_race
    from ..race.models import linear_classifier, peers
    from ..race.race import Result, race
    from ..screen.progress import Progress

    results: dict[str, list[Result]] = {}
    facts = []
    fits = {"max_fits": 1} if quick else {"min_fits": FITS}
    with Progress() as progress:
        for name, task in _data_sets().items():
            parts = split(task, TEST_SIZE, seed)
            ours = linear_classifier("adamw", random_state=seed)
            models = {"LinearClassifier": ours, **peers(seed)}
            results[name] = race(name, parts, models, progress, threads=threads, **fits)
            facts.append(f"{name}: {describe(parts)}")
    write_race(output, results)
    if as_json:
        head = {"command": "demo", "threads": threads, "picture": str(output)}
        print_json(head | {"results": records(results)})
        return
    print_results(results, facts, threads)
    print(f"Picture written to {output}")


def _data_sets() -> dict[str, Task]:
    from sklearn.datasets import load_breast_cancer, load_digits

    from ..files.task import Task

    return {
        "digits": Task(*load_digits(return_X_y=True)),
        "breast cancer": Task(*load_breast_cancer(return_X_y=True)),
    }
