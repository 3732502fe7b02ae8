"""What the command line raises when the user can put things right."""

from __future__ import annotations


class InputError(ValueError):
    """Input that the command line cannot use.

    Parameters
    ----------
    argument : str
        The argument at fault, as the user types it: ``"--target"``, ``"FILE"``.
    message : str
        What was expected, what came, and what to do.
    """

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"{argument}: {message}")
        self.argument = argument


def one_line(error: BaseException) -> str:
    """Return the text of an error without line breaks."""
    return " ".join(str(error).split())
