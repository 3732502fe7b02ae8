"""Reading a user's file: CSV, Parquet, NPZ or svmlight, each told by its name.

A reader returns a `Raw`: a table with named columns, or a matrix with its labels. Which column
is the target and what the columns mean is decided in `columns.py`.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ..screen.errors import InputError, one_line
from .csv_file import COMPRESSED, read_csv
from .raw import Options, Raw

FORMATS = {
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet", ".pq"),
    "npz": (".npz",),
    "svmlight": (".svm", ".svmlight", ".libsvm"),
}


def read(path: Path, target: str | None, options: Options) -> Raw:
    """Read a file.

    Parameters
    ----------
    path : Path
        The file.
    target : str or None
        What the user gave as ``--target``; names the array of labels in an NPZ file.
    options : Options
        How to read.

    Returns
    -------
    Raw
        A frame for CSV and Parquet, a matrix and labels for NPZ and svmlight.

    Raises
    ------
    InputError
        If the file is not there, is empty, is not what its name says, or needs more memory
        than ``options.max_gb``.
    """
    if not path.exists():
        raise InputError("FILE", f"there is no file '{path}'")
    if path.is_dir():
        raise InputError("FILE", f"'{path}' is a folder, expected a file")
    if path.stat().st_size == 0:
        raise InputError("FILE", f"'{path}' is empty")
    kind = options.format or file_format(path)
    try:
        if kind == "csv":
            raw = read_csv(path, options)
        elif kind == "parquet":
            raw = _read_parquet(path)
        elif kind == "npz":
            raw = _read_npz(path, target or "y", options)
        else:
            raw = _read_svmlight(path, options)
            if target is not None:
                raw.notes.append("svmlight lines start with the label: --target is not needed")
    except OSError as error:
        raise InputError("FILE", f"cannot read '{path}': {one_line(error)}") from error
    if len(raw) == 0:
        raise InputError("FILE", f"'{path}' has no rows of data")
    return raw


def file_format(path: Path) -> str:
    """Return the format that a file's name tells, or raise `InputError`."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    for name, endings in FORMATS.items():
        if suffixes and suffixes[-1] in endings:
            return name
    known = ", ".join(e for endings in FORMATS.values() for e in endings)
    raise InputError(
        "FILE",
        f"cannot tell the format of '{path.name}' from its name (known endings: {known}); "
        f"add --format {'|'.join(FORMATS)}",
    )


def check_size(rows: int, columns: int, what: str, options: Options) -> None:
    """Raise `InputError` if a dense float64 matrix is larger than the user allows."""
    need = rows * columns * 8 / 1e9
    if need > options.max_gb:
        raise InputError(
            "FILE",
            f"{what} {rows:,} rows x {columns:,} columns, which takes {need:,.1f} GB as a dense "
            f"matrix (fastlr trains on dense data only so far) and the limit is "
            f"{options.max_gb:g} GB; use fewer columns, or raise --max-gb",
        )


def _read_parquet(path: Path) -> Raw:
    import pandas as pd
    import pyarrow

    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, ValueError) as error:
        raise InputError("FILE", f"'{path}' is no Parquet file: {one_line(error)}") from error
    frame.columns = [str(name) for name in frame.columns]
    return Raw(frame=frame)


def _read_npz(path: Path, target: str, options: Options) -> Raw:
    notes: list[str] = []
    try:
        archive = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("FILE", f"'{path}' is no NPZ file: {one_line(error)}") from error
    if isinstance(archive, np.ndarray):
        raise InputError("FILE", f"'{path}' holds one array, expected an NPZ file with X and y")
    with archive:
        found = {}
        for option, name in (("--features", options.features), ("--target", target)):
            if name not in archive.files:
                there = ", ".join(archive.files) or "none"
                raise InputError(option, f"no array '{name}' in '{path}'; there are: {there}")
            try:
                found[option] = archive[name]
            except ValueError as error:
                raise InputError(
                    option,
                    f"array '{name}' holds Python objects, which are not loaded because they can "
                    "run code; save it as numbers, or as text with dtype=str",
                ) from error
    X, y = found["--features"], found["--target"]
    if X.ndim < 2:
        raise InputError(
            "--features",
            f"array '{options.features}' has shape {X.shape}, expected (rows, columns)",
        )
    if X.dtype.kind not in "biuf":
        raise InputError("--features", f"array '{options.features}' is {X.dtype}, not numbers")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or len(y) != len(X):
        raise InputError(
            "--target",
            f"array '{target}' has shape {y.shape}, expected ({len(X)},): one label per row",
        )
    if X.ndim > 2:
        notes.append(f"'{options.features}' has shape {X.shape}: each row flattened")
        X = X.reshape(len(X), -1)
    return Raw(X=X, y=y, notes=notes)


def _read_svmlight(path: Path, options: Options) -> Raw:
    from sklearn.datasets import load_svmlight_file

    try:
        X, y = load_svmlight_file(str(path))
    except (ValueError, EOFError) as error:
        raise InputError("FILE", f"'{path}' is no svmlight file: {one_line(error)}") from error
    rows, columns = X.shape
    check_size(rows, columns, f"'{path}' is sparse with", options)
    return Raw(X=X.toarray(), y=y)
