"""Read CSV through pandas: any separator, with or without a header, compressed or not."""

from __future__ import annotations

import csv
import importlib
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, one_line
from .raw import Raw, Reading

if TYPE_CHECKING:
    import pandas as pd

COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
SPACES = r"\s+"
SPELLED = {"tab": "\t", r"\t": "\t", "space": SPACES, " ": SPACES}
DECIMAL_COMMA = r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*"


def read_csv(path: Path, reading: Reading) -> Raw:
    """Read a CSV file; its first line says what the separator is and whether it is a header."""
    import pandas as pd

    # utf-8-sig drops the byte order mark that Excel writes in front.
    encoding = "utf-8-sig" if reading.encoding.lower() in ("utf-8", "utf8") else reading.encoding
    sep = None if reading.sep is None else SPELLED.get(reading.sep, reading.sep)
    if sep is not None and len(sep) != 1 and sep != SPACES:
        raise InputError("--sep", f"expected one character, 'tab' or 'space', got '{reading.sep}'")
    notes: list[str] = []
    try:
        first = _first_line(path, encoding)
        sep = sep or _separator(first)
        header = reading.header
        if header is None:
            cells = _cells(first, sep)
            header = not _looks_like_data(cells)
            if not header:
                notes.append(
                    f"no header line found: columns are called 0 to {len(cells) - 1} "
                    "(--header takes the first line as names)"
                )
        settings: dict[str, Any] = {
            "sep": sep,
            "header": 0 if header else None,
            "encoding": encoding,
            "index_col": False,
            "skipinitialspace": True,
            "low_memory": False,
        }
        with warnings.catch_warnings():
            # Rows longer than the header: pandas would cut them with a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            if sep != "," and _has_decimal_commas(pd.read_csv(path, nrows=1000, **settings)):
                settings["decimal"] = ","
            frame = pd.read_csv(path, **settings)
    except (UnicodeError, LookupError) as error:
        raise InputError(
            "--encoding", f"'{path}' is not {reading.encoding} text ({one_line(error)})"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise InputError("FILE", f"'{path}' has no rows of data") from error
    except (ValueError, EOFError, csv.Error, pd.errors.ParserWarning) as error:
        raise InputError(
            "FILE",
            f"'{path}' cannot be read as CSV with separator {sep!r}: {one_line(error)}; rows "
            "must have as many cells as the first line (--sep names another separator)",
        ) from error
    names = [str(name).strip() for name in frame.columns]
    return Raw(frame=frame.set_axis(names, axis=1), notes=notes)


def _first_line(path: Path, encoding: str) -> str:
    """Return the first line that is not blank."""
    opener: Any = open
    if path.suffix.lower() in COMPRESSED:
        opener = importlib.import_module(COMPRESSED[path.suffix.lower()]).open
    with opener(path, "rt", encoding=encoding, newline="") as file:
        return next((line for line in file if line.strip()), "")


def _cells(line: str, sep: str) -> list[str]:
    return line.split() if sep == SPACES else next(csv.reader([line], delimiter=sep), [])


def _separator(line: str) -> str:
    """Return the separator that cuts a line into most cells."""
    best = max(",;\t|", key=lambda sep: len(_cells(line, sep)))
    return SPACES if len(_cells(line, best)) == 1 and len(line.split()) > 1 else best


def _looks_like_data(cells: list[str]) -> bool:
    """Whether most cells are numbers.

    Distinct whole numbers are names all the same (pixels 0 ... 783, years).
    """
    numbers = []
    for cell in cells:
        try:
            numbers.append(float(cell))
        except ValueError:
            continue
    if 2 * len(numbers) <= len(cells):
        return False
    whole = all(math.isfinite(n) and n.is_integer() for n in numbers)
    return not (whole and len(set(numbers)) == len(numbers))


def _has_decimal_commas(sample: pd.DataFrame) -> bool:
    """Whether every text of some column is a number with a decimal comma."""
    for column in sample.select_dtypes(["object", "string"]):
        texts = sample[column].dropna().astype(str)
        if len(texts) and texts.str.fullmatch(DECIMAL_COMMA).all():
            return True
    return False
