"""The report page: its sections and their order."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import Any

import numpy as np

from .._version import __version__
from ..core.markup import Markup, folded, section, table, tag
from ..drawing.sources import last_of, loss_label, score_label
from ..estimators.facts import estimator_facts
from . import pictures
from .settings import data_section, model_section, name_of, set_params, versions_section

_TONE = {"healthy": "good", "unfinished": "good", "diverging": "bad", "stuck": "bad"}
_MOST_ROWS = 200  # of the table of epochs
_SHOWN = (
    "loss",
    "validation_loss",
    "validation_score",
    "lr",
    "momentum",
    "gradient_norm",
    "seconds",
)


def page(
    estimator: Any,
    diagnosis: Any,
    *,
    X: Any = None,
    y: Any = None,
    range_test: Any = None,
    sweep: Any = None,
    title: str | None = None,
    notes: tuple[str, ...] = (),
) -> str:
    """Return a self-contained HTML page about a fitted estimator and its diagnosis.

    `range_test` and `sweep` are results on X and y, and `notes` remarks on them. The title names
    model and optimizer by default.
    """
    model = last_of(estimator)
    title = title or name_of(model)
    parts = [
        _header(title, model),
        _diagnosis_section(estimator, diagnosis, sweep),
        _training_section(estimator, diagnosis),
        _rates_section(model, range_test, sweep, notes),
        model_section(estimator),
        data_section(estimator, X, y),
        versions_section(),
    ]
    now = datetime.now().astimezone()
    footer = tag("footer", f"Written by fastlr {__version__} on {now:%Y-%m-%d %H:%M %Z}.")
    style = Markup(files(__package__).joinpath("page.css").read_text(encoding="utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        # Prevents fetches and scripts, whatever a model file contains.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'",
        ),
        tag("title", f"{title}: training report"),
        tag("style", style),
    )
    body = tag("body", tag("main", *(part for part in parts if part is not None), footer))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _header(title: str, model: Any) -> Markup:
    epochs = model.n_iter_
    text = f"{epochs:,} epoch{'s' * (epochs != 1)}, learning rate {model.lr_:.3g}"
    if model.get_params(deep=False).get("lr") == "auto":
        text += " (found by fit)"
    if model.get_params(deep=False).get("optimizer") == "auto":
        text += f", optimizer {model.optimizer_!r} (found by fit)"
    if model.get_params(deep=False).get("alpha") == "auto":
        text += f", strength of the penalty {model.alpha_:.3g} (found by fit)"
    kept = _kept(model)
    if kept is not None:
        text += f"; weights of epoch {kept:,}"
    return tag("header", tag("h1", title), tag("p", text, class_="soft"))


def _kept(model: Any) -> int | None:
    """Return the epoch whose weights early stopping handed out, None for the last one."""
    steps = estimator_facts(model).run.steps_per_epoch
    if not steps or model.t_ % steps or not 0 < model.t_ // steps < model.n_iter_:
        return None
    return int(model.t_ // steps)


def _diagnosis_section(estimator: Any, found: Any, sweep: Any) -> Markup:
    words: list[Any] = [
        tag(
            "div",
            tag("strong", found.verdict),
            tag("span", found.summary),
            class_=f"verdict {_TONE.get(found.verdict, 'fair')}",
        ),
        tag("h3", "Next step"),
        tag("p", _sentence(found.next_step)),
    ]
    change = found.change
    if "lr" in change and sweep is not None:
        change = {**change, "lr": float(f"{sweep.best_lr:.3g}")}
        words.append(tag("p", f"The sweep below found {change['lr']:g} best for these data:"))
    if change:
        words.append(tag("pre", set_params(estimator, change)))
    for heading, items in (("Evidence", found.evidence), ("Likely causes", found.causes)):
        if items:
            words += [
                tag("h3", heading),
                tag("ul", *(tag("li", _sentence(str(item))) for item in items)),
            ]
    drawn = []
    if len(found.history["loss"]):
        drawn.append(pictures.losses(found, loss_label(estimator)))
    return section("diagnosis", "Diagnosis", tag("div", tag("div", *words), *drawn, class_="split"))


def _training_section(estimator: Any, found: Any) -> Markup | None:
    history = found.history
    if not len(history["loss"]):
        return None
    drawn = [
        pictures.rates(estimator),
        pictures.scores(estimator, history),
        pictures.gradients(history),
    ]
    shown = tag("div", *(each for each in drawn if each is not None), class_="split")
    return section("training", "Training", shown, folded("Every epoch", _epochs(history)))


def _epochs(history: Any) -> Markup:
    n = len(history["loss"])
    columns = [name for name in _SHOWN if name in history and np.isfinite(history[name]).any()]
    chosen = np.unique(np.linspace(0, n - 1, min(n, _MOST_ROWS)).round().astype(int))
    epochs = np.asarray(history.get("epoch", np.arange(1, n + 1)))
    caption = "Epochs" if len(chosen) == n else f"{len(chosen)} of {n:,} epochs"
    return table(
        caption,
        ["epoch", *(name.replace("_", " ") for name in columns)],
        [[int(epochs[k]), *(f"{history[name][k]:.4g}" for name in columns)] for k in chosen],
    )


def _rates_section(model: Any, test: Any, sweep: Any, notes: tuple[str, ...]) -> Markup | None:
    if test is None and sweep is None:
        if not notes:
            return None
        return section("data-notes", "Notes", *(tag("p", _sentence(note)) for note in notes))
    words: list[Any] = [tag("p", f"The model was trained at the learning rate {model.lr_:.3g}.")]
    drawn: list[Markup] = []
    if test is not None:
        drawn.append(pictures.range_test(test))
        if np.isfinite(test.suggestion):
            words.append(
                tag("p", f"A range test on the given data suggests {test.suggestion:.3g}.")
            )
    if sweep is not None:
        name = score_label(model)
        drawn += pictures.sweep(sweep, name)
        words.append(
            tag(
                "p",
                f"The best rate of a sweep is {sweep.best_lr:.3g}, {name} {sweep.best_score:.4g}.",
            )
        )
    words += [tag("p", _sentence(note), class_="soft") for note in notes]
    return section(
        "rates", "Which rate suits these data", *words, tag("div", *drawn, class_="split")
    )


def _sentence(text: str) -> str:
    """Return a text with a capital letter, unless it begins with code, and a full stop."""
    first = text.split(" ", 1)[0]
    if first.isalpha() and first.islower():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!", ":")) else text + "."
