"""What somebody may have meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question to end a message with, empty where nothing known is like the name.

    Examples
    --------
    >>> did_you_mean("adamv", ["adam", "adamw", "sgd"])
    "; did you mean 'adam' or 'adamw'?"
    >>> did_you_mean("newton", ["adam", "adamw", "sgd"])
    ''
    """
    import difflib  # few mistakes are made

    by_plain = {_plain(each): each for each in known}
    close = difflib.get_close_matches(_plain(name), by_plain, n=3, cutoff=0.7)
    if not close:
        return ""
    return "; did you mean " + " or ".join(repr(by_plain[each]) for each in close) + "?"


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
