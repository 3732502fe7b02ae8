"""Threads for pieces of work that spend their time without the GIL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

from sklearn import config_context, get_config

Piece = TypeVar("Piece")
Made = TypeVar("Made")


class Workers:
    """Does pieces of work in threads; Ctrl-C and errors end the others."""

    def __init__(self, n_threads: int) -> None:
        self._pool = ThreadPoolExecutor(n_threads, "fastlr") if n_threads > 1 else None
        self._end = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._end.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def ended(self) -> bool:
        """Return whether nobody waits for results any more."""
        return self._end.is_set()

    def map(
        self,
        work: Callable[[Piece], Made],
        pieces: Sequence[Piece],
        progress: Callable[[int, int, int], object] | None = None,
        n_live: int = 0,
    ) -> list[Made]:
        """Return what `work` makes of each piece, in order."""
        config = get_config()

        def configured(piece: Piece) -> Made:
            with config_context(**config):
                return work(piece)

        made: list[Made] = []
        waiting: Any = map(work, pieces)
        if self._pool is not None:
            waiting = (
                future.result() for future in [self._pool.submit(configured, p) for p in pieces]
            )
        for each in waiting:
            made.append(each)
            if progress is not None:
                progress(len(made), len(pieces), n_live)
        return made
