"""Emitted modules on disk: found again, never mixed up, and not needed."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from fastlr import __version__
from fastlr.kernels.jit import source_cache
from tests.support.engines import PATHS, output_of

TEXT = "value = {}\nkept = CACHE\n"

STEP = """
    import numpy as np
    import fastlr
    w = np.ones(2)
    fastlr.SGD(lr=0.25, momentum=0.5).bind(w, backend="numba").step(np.ones(2))
    print(w.tolist())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTLR_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def names(folder):
    return sorted(p.name for p in folder.iterdir() if p.is_file())


def test_a_module_lies_where_the_environment_says_under_version_and_hash(folder):
    module = source_cache.load_source("rule", TEXT.format(1))
    assert (module.value, module.kept) == (1, True)
    assert Path(module.__file__).parent == folder
    assert Path(module.__file__).name.startswith(f"rule_{__version__.replace('.', '_')}_")
    assert Path(module.__file__).read_text() == TEXT.format(1)


def test_the_same_text_is_the_same_module_and_another_text_another_file(folder):
    first = source_cache.load_source("again", TEXT.format(2))
    assert source_cache.load_source("again", TEXT.format(2)) is first
    assert len(names(folder)) == 1
    assert source_cache.load_source("again", TEXT.format(3)).value == 3
    assert len(names(folder)) == 2


def test_a_new_version_of_fastlr_is_another_file(folder, monkeypatch):
    first = source_cache.load_source("versioned", TEXT.format(4))
    monkeypatch.setattr(source_cache, "__version__", "99.0")
    assert source_cache.load_source("versioned", TEXT.format(4)) is not first
    assert len(names(folder)) == 2


def test_a_damaged_file_is_written_anew(folder):
    module = source_cache.load_source("damaged", TEXT.format(5))
    Path(module.__file__).write_text("value = 6\nke")
    del sys.modules[module.__name__]
    assert source_cache.load_source("damaged", TEXT.format(5)).value == 5
    assert Path(module.__file__).read_text() == TEXT.format(5)
    assert len(names(folder)) == 1


def test_a_text_that_fails_leaves_no_module_behind(folder):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            source_cache.load_source("failing", "x = 1 / 0\n")
    assert not any(m.startswith("fastlr_emitted.failing") for m in sys.modules)


@pytest.mark.parametrize("where", ["FASTLR_CACHE_DIR", "XDG_CACHE_HOME"])
@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="these have folders of their own")
def test_a_folder_that_cannot_be_written_costs_only_the_compile_time(tmp_path, where):
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    env = {"FASTLR_CACHE_DIR": "", where: str(tmp_path / "file" / "below")}
    env["TMPDIR"] = str(tmp_path / "temporary")
    assert output_of(STEP, env=env) == "[0.75, 0.75]"
    assert list((tmp_path / "temporary").iterdir()) == []  # cleaned up at the end


def test_a_place_that_numba_cannot_write_to_costs_only_the_compile_time(tmp_path):
    (tmp_path / "cache").mkdir()
    in_the_way = tmp_path / "cache" / "__pycache__"
    in_the_way.write_text("")
    env = {"FASTLR_CACHE_DIR": str(in_the_way.parent), "HOME": str(in_the_way)}
    assert output_of(STEP, env=env) == "[0.75, 0.75]"


def test_a_second_process_finds_machine_code_and_compiles_nothing(tmp_path):
    code = (
        "from numba.core import event\n"
        "recorder = event.RecordingListener()\n"
        'event.register("numba:compile", recorder)\n'
        + textwrap.dedent(STEP)
        + "print(sum(e.is_start for _, e in recorder.buffer))\n"
    )
    env = {"FASTLR_CACHE_DIR": str(tmp_path)}
    moved, compiled = output_of(code, env=env).splitlines()
    assert moved == "[0.75, 0.75]"
    assert int(compiled) > 0
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb?")}
    assert output_of(code, env=env).splitlines() == [moved, "0"]
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb?")} == before


def test_processes_that_start_together_share_one_file(tmp_path):
    start = f"import time\nwhile time.time() < {time.time() + 0.5}: pass\n"
    code = start + textwrap.dedent(STEP)
    env = {
        **os.environ,
        "FASTLR_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(PATHS),
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in running:
        out, error = process.communicate(timeout=120)
        assert out.decode().strip() == "[0.75, 0.75]", error.decode()
    assert len(names(tmp_path)) == 1
    assert [p for p in tmp_path.rglob("*") if p.suffix == ".tmp"] == []
