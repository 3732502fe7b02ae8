"""Write files whole or not at all, whatever ends the process in between.

The new content goes into a file of its own in the same folder, which then takes the name. Its
writer holds a lock on it, which ends with the process: a leftover that can be locked belongs to
no one, and the next write into the folder removes it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove a file that is open
    fcntl = None  # type: ignore[assignment]

PREFIX, SUFFIX = ".fastlr-", ".part"
_OLD = 3600.0  # seconds after which a leftover goes where files cannot be locked


def write_atomic(
    path: str | os.PathLike[str], data: bytes | bytearray | memoryview, durable: bool = True
) -> None:
    """Replace a file by new content, so that nobody ever sees half of it.

    `durable` waits until the disk has it, in a power cut too. A symbolic link stays one, and
    permissions stay; what is no regular file, such as a pipe, is written to as it is.
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        target.write_bytes(data)
        return
    _remove_leftovers(target.parent)
    with _part(target.parent) as (file, part):
        file.write(data)
        file.flush()
        if mode is not None:
            with contextlib.suppress(OSError):  # another user's file, in a folder of ours
                os.chmod(part, stat.S_IMODE(mode))
        if durable:
            os.fsync(file.fileno())
        if fcntl is None:
            file.close()
        os.replace(part, target)
    if durable:
        _sync_folder(target.parent)


@contextlib.contextmanager
def _part(folder: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Make a file of a name that no one has, locked until the end, and removed if left."""
    while True:
        part = folder / f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}"
        file = open(part, "xb")  # noqa: SIM115
        try:
            # Another process may have taken it for a leftover before it was locked.
            if _lock(file) is not False and _is_at(file, part):
                yield file, part
                return
        finally:
            file.close()
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what writers left that have ended since."""
    try:
        names = [n for n in os.listdir(folder) if n.startswith(PREFIX) and n.endswith(SUFFIX)]
    except OSError:  # a folder may be open to writing only
        return
    for name in names:
        part = folder / name
        with contextlib.suppress(OSError), open(part, "r+b") as file:
            free = _lock(file)
            if free is None:
                free = time.time() - os.fstat(file.fileno()).st_mtime > _OLD
            if free and _is_at(file, part):
                if fcntl is None:
                    file.close()
                part.unlink()


def _lock(file: IO[bytes]) -> bool | None:
    """Lock a file without waiting; False if another has, None if locks are not to be had."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Tell whether a path still leads to an open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _mode(path: Path) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Have the disk keep the new name, where the system can say so of a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
