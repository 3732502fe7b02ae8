"""Read a file of data: CSV, Parquet, NPZ or svmlight, by the ending of its name."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, one_line
from .csv_file import COMPRESSED, read_csv
from .raw import Raw, Reading

_DENSE = 4  # cells for each stored number, up to which svmlight files become dense matrices
FORMATS = {
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet", ".pq"),
    "npz": (".npz",),
    "svmlight": (".svm", ".svmlight", ".libsvm"),
}


def read(path: Path, target: str | None, reading: Reading, needs_target: bool = True) -> Raw:
    """Read a file or, as ``-``, stdin; `target` names the array of labels in an NPZ file."""
    if str(path) == "-" or path.is_fifo() or path.is_char_device():
        return _read_stream(path, target, reading, needs_target)
    if not path.exists():
        raise InputError("FILE", f"there is no file '{path}'")
    if path.is_dir():
        raise InputError("FILE", f"'{path}' is a folder, expected a file")
    if path.stat().st_size == 0:
        raise InputError("FILE", f"'{path}' is empty")
    kind = reading.format or file_format(path)
    try:
        if kind == "csv":
            raw = read_csv(path, reading)
        elif kind == "parquet":
            raw = _read_parquet(path)
        elif kind == "npz":
            raw = _read_npz(path, target or "y", reading, needs_target)
        else:
            raw = _read_svmlight(path, reading)
            if target is not None:
                raw.notes.append("lines of svmlight files start with the label: --target is unused")
    except OSError as error:
        raise InputError("FILE", f"cannot read '{path}': {one_line(error)}") from error
    if len(raw) == 0:
        raise InputError("FILE", f"'{path}' has no rows of data")
    return raw


def _read_stream(path: Path, target: str | None, reading: Reading, needs_target: bool) -> Raw:
    """Read stdin or a pipe through a temporary file; it is CSV unless --format says otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "stdin"
        with kept.open("wb") as file:
            if str(path) == "-":
                shutil.copyfileobj(sys.stdin.buffer, file)
            else:
                with path.open("rb") as stream:
                    shutil.copyfileobj(stream, file)
        if kept.stat().st_size == 0:
            raise InputError("FILE", f"'{path}' is empty")
        reading = replace(reading, format=reading.format or "csv")
        return read(kept, target, reading, needs_target)


def file_format(path: Path) -> str:
    """Return the format that a file's name ends in."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    for name, endings in FORMATS.items():
        if suffixes and suffixes[-1] in endings:
            return name
    known = ", ".join(e for endings in FORMATS.values() for e in endings)
    raise InputError(
        "FILE",
        f"the name '{path.name}' does not end in a known format ({known}); "
        f"add --format {'|'.join(FORMATS)}",
    )


def check_size(rows: int, columns: int, what: str, reading: Reading) -> None:
    """Raise `InputError` if a dense float64 matrix is larger than the user allows."""
    need = rows * columns * 8 / 1e9
    if need > reading.max_gb:
        raise InputError(
            "FILE",
            f"{what} {rows:,} rows x {columns:,} columns, {need:,.1f} GB as a dense matrix, and "
            f"the limit is {reading.max_gb:g} GB; use fewer columns, or raise --max-gb",
        )


def _read_parquet(path: Path) -> Raw:
    import pandas as pd
    import pyarrow

    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, ValueError) as error:
        raise InputError("FILE", f"'{path}' is no Parquet file: {one_line(error)}") from error
    return Raw(frame=frame.set_axis([str(name) for name in frame.columns], axis=1))


def _read_npz(path: Path, target: str, reading: Reading, needs_target: bool) -> Raw:
    try:
        archive = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("FILE", f"'{path}' is no NPZ file: {one_line(error)}") from error
    if isinstance(archive, np.ndarray):
        raise InputError("FILE", f"'{path}' holds one array, expected an NPZ file with X and y")
    with archive:
        X = _array(archive, reading.features, "--features", path)
        y = _array(archive, target, "--target", path) if needs_target else None
    name = f"array '{reading.features}'"
    if X.ndim < 2:
        raise InputError("--features", f"{name} has shape {X.shape}, expected (rows, columns)")
    if X.dtype.kind not in "biuf":
        raise InputError("--features", f"{name} is {X.dtype}, expected numbers")
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is not None and (y.ndim != 1 or len(y) != len(X)):
        raise InputError(
            "--target",
            f"array '{target}' has shape {y.shape}, expected ({len(X)},): one label per row",
        )
    if X.ndim == 2:
        return Raw(X=X, y=y)
    note = f"{name} has shape {X.shape}: each row was flattened"
    return Raw(X=X.reshape(len(X), -1), y=y, notes=[note])


def _array(archive: Any, name: str, option: str, path: Path) -> np.ndarray:
    if name not in archive.files:
        there = ", ".join(archive.files) or "none"
        raise InputError(option, f"no array '{name}' in '{path}'; it has: {there}")
    try:
        found: np.ndarray = archive[name]
    except ValueError as error:
        raise InputError(
            option,
            f"array '{name}' holds Python objects, which are not loaded because they can "
            "run code; save it as numbers, or as text with dtype=str",
        ) from error
    return found


def _read_svmlight(path: Path, reading: Reading) -> Raw:
    from sklearn.datasets import load_svmlight_file

    try:
        X, y = load_svmlight_file(str(path))
    except (ValueError, EOFError) as error:
        raise InputError("FILE", f"'{path}' is no svmlight file: {one_line(error)}") from error
    if X.shape[0] * X.shape[1] <= _DENSE * X.nnz:  # a sparse matrix would take as much memory
        check_size(X.shape[0], X.shape[1], f"'{path}' has", reading)
        return Raw(X=X.toarray(), y=y)
    return Raw(X=X.tocsr(), y=y)
