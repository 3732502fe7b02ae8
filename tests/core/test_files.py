"""A file is written whole or not at all, and leftovers of dead writers are in nobody's way."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fastlr.core import files
from fastlr.core.files import PREFIX, SUFFIX, write_atomic


def leftovers(folder):
    return [p.name for p in folder.iterdir() if p.name.startswith(PREFIX)]


def test_a_write_replaces_all_or_nothing(tmp_path):
    path = tmp_path / "f"
    write_atomic(path, b"one")
    write_atomic(str(path), bytearray(b"two"))
    assert path.read_bytes() == b"two"
    with pytest.raises(TypeError):
        write_atomic(path, "not bytes")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fails):
    path = tmp_path / "f"
    write_atomic(path, b"old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be synchronised")
def test_the_content_is_on_disk_before_the_name_and_the_name_before_the_return(
    tmp_path, monkeypatch
):
    done, kinds = [], {True: "sync folder", False: "sync file"}
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: (done.append(kinds[stat.S_ISDIR(os.fstat(fd).st_mode)]), fsync(fd))
    )
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), replace(a, b)))
    write_atomic(tmp_path / "f", b"new")
    assert done == ["sync file", "rename", "sync folder"]
    done.clear()
    write_atomic(tmp_path / "f", b"new", durable=False)
    assert done == ["rename"]


def test_leftovers_of_dead_writers_are_removed_and_files_of_live_ones_are_not(tmp_path):
    """A process that was killed leaves its part; one that still writes holds a lock on it."""
    if files.fcntl is None:
        pytest.skip("files are not locked on this system")
    dead = tmp_path / f"{PREFIX}0123456789abcdef{SUFFIX}"
    dead.write_bytes(b"half a fi")
    foreign = tmp_path / ".model.skops.17.part"
    foreign.write_bytes(b"someone else's")
    code = f"""
import sys
from pathlib import Path
from fastlr.core.files import _part
with _part(Path({str(tmp_path)!r})) as got:
    print(got[1].name, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
    ) as writer:
        live = writer.stdout.readline().strip()
        write_atomic(tmp_path / "f", b"whole")
        assert leftovers(tmp_path) == [live]
        assert foreign.exists()
        writer.kill()
    write_atomic(tmp_path / "f", b"again")
    assert leftovers(tmp_path) == []
    assert (tmp_path / "f").read_bytes() == b"again"


def test_without_locks_only_old_leftovers_go(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_lock", lambda file: None)
    young, old = (tmp_path / f"{PREFIX}{n}{SUFFIX}" for n in ("young", "old"))
    young.write_bytes(b"")
    old.write_bytes(b"")
    os.utime(old, (1, 1))
    write_atomic(tmp_path / "f", b"whole")
    assert leftovers(tmp_path) == [young.name]


def test_a_part_taken_for_a_leftover_is_written_anew(tmp_path, monkeypatch):
    """Between the making of a file and its lock, another process may remove it."""
    lock, stolen = files._lock, []

    def steal(file):
        if not stolen:
            stolen.append(Path(file.name))
            stolen[0].unlink()
        return lock(file)

    monkeypatch.setattr(files, "_lock", steal)
    write_atomic(tmp_path / "f", b"whole")
    assert (tmp_path / "f").read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions, links and pipes")
def test_permissions_links_and_pipes_stay_what_they_are(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_atomic("/dev/null", b"nothing")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


def test_writers_in_threads_leave_one_whole_file(tmp_path):
    path, sizes = tmp_path / "f", range(1, 9)
    threads = [
        threading.Thread(
            target=lambda k=k: [write_atomic(path, bytes([k]) * k * 5000) for _ in range(20)]
        )
        for k in sizes
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    data = path.read_bytes()
    assert data == bytes([data[0]]) * data[0] * 5000
    assert list(tmp_path.iterdir()) == [path]
