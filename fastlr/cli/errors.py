"""Errors that a command reports in one line."""

from __future__ import annotations


class InputError(ValueError):
    """Input that a command cannot use; `argument` is the one at fault, as the user types it."""

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"{argument}: {message}")
        self.argument = argument


class DivergedError(RuntimeError):
    """Training diverged; the message names the learning rate."""


def one_line(error: object) -> str:
    """Return the text of an error or a warning without line breaks."""
    return " ".join(str(error).split())
