"""Drawing a sweep: scores over rates, and losses over epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..drawing.style import (
    COLORS,
    DARK,
    DASHES,
    MUTED,
    finish,
    is_geometric,
    legend,
    log_if_wide,
    plain_numbers,
    whole_numbers,
)


def _column(candidates: Mapping[str, Any], name: str, default: Any = np.nan) -> np.ndarray:
    return np.asarray(candidates.get(name, np.full(len(candidates["lr"]), default)))


def draw_scores(
    ax: Any, candidates: Mapping[str, Any], score_name: str, title: str
) -> tuple[list[Any], Any]:
    """Draw mean scores over rates; return the line of each weight decay, and the best point."""
    lines: list[Any] = []
    lr, mean, std = (_column(candidates, name) for name in ("lr", "mean_score", "std_score"))
    lost = _column(candidates, "diverged", False).astype(bool)
    dropped = _column(candidates, "dropped", False).astype(bool) & ~lost
    decay = _column(candidates, "weight_decay", 0.0)
    groups = np.unique(decay[~np.isnan(decay)])
    several = len(groups) > 1
    for k, value in enumerate(groups if len(groups) else [np.nan]):
        rows = np.flatnonzero((decay == value) if len(groups) else np.full(len(lr), True))
        rows = rows[np.argsort(lr[rows])]
        rows = rows[np.isfinite(mean[rows]) & ~lost[rows]]
        color = COLORS[k % len(COLORS)]
        kept = rows[~dropped[rows]]
        ax.fill_between(
            lr[kept],
            (mean - std)[kept],
            (mean + std)[kept],
            color=color,
            alpha=0.15,
            linewidth=0,
        )
        lines += ax.plot(
            lr[kept],
            mean[kept],
            color=color,
            linestyle=DASHES[k % len(DASHES)],
            marker="o",
            markersize=4,
            label=f"weight decay {value:.3g}" if several else "mean of the folds ± 1 sd",
        )
        early = rows[dropped[rows]]
        ax.plot(lr[early], mean[early], "o", color=color, markerfacecolor="none", markersize=5)
    if dropped.any():
        ax.plot([], [], "o", color=MUTED, markerfacecolor="none", label="dropped early")
    if lost.any():
        # On the floor of the picture, for they have no score.
        ax.plot(
            np.unique(lr[lost]),
            np.zeros(len(np.unique(lr[lost]))),
            "x",
            color=DARK,
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            label="diverged",
        )
    best = int(np.argmin(_column(candidates, "rank")))
    point = ax.plot(
        lr[best : best + 1],
        mean[best : best + 1],
        "*",
        color=DARK,
        markersize=13,
        zorder=5,
        label=f"best: {lr[best]:.3g}",
    )[0]
    finish(ax, "learning rate", score_name, title)
    if is_geometric(np.unique(lr)) or lr.max() >= 10 * lr.min() > 0:
        ax.set_xscale("log")
    plain_numbers(ax.yaxis)
    legend(ax)
    return lines, point


def draw_curves(
    ax: Any, candidates: Mapping[str, Any], table: Mapping[str, Any], title: str
) -> tuple[list[Any], Any]:
    """Draw validation losses over epochs; return the line of each candidate, and the best."""
    lines: list[Any] = []
    columns = {name: np.asarray(column) for name, column in table.items()}
    lr, ranks = _column(candidates, "lr"), _column(candidates, "rank")
    best = int(np.argmin(ranks))
    shown = []
    # Best last, so that it lies on top; what is below and above it are told apart at a glance.
    order = [k for k in np.argsort(lr) if k != best and k in columns["candidate"]] + [best]
    for candidate in order:
        rows = columns["candidate"] == candidate
        epochs = np.unique(columns["epoch"][rows])
        losses = np.array(
            [_mean(columns["validation_loss"][rows & (columns["epoch"] == e)]) for e in epochs]
        )
        shown.append(losses)
        k = 1 if candidate == best else 0 if lr[candidate] <= lr[best] else 2
        side = ("lower rates", f"best: {lr[best]:.3g}", "higher rates")[k]
        line = ax.plot(
            epochs,
            losses,
            color=COLORS[k],
            linestyle=("-", "-", (0, (4, 2)))[k],
            linewidth=3 if candidate == best else 1.1,
            marker="o" if len(epochs) == 1 else None,
            markersize=3,
            label=side if all(side != each.get_label() for each in lines) else None,
        )[0]
        lines.append(line)
    thick = lines[-1]
    finish(ax, "epoch", "validation loss", title)
    whole_numbers(ax.xaxis)
    if shown:
        log_if_wide(ax, np.concatenate(shown))
    legend(ax)
    return lines, thick


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
