"""Reading CSV as people have it: any separator, with or without a header, compressed or not."""

from __future__ import annotations

import csv
import math
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..screen.errors import InputError, one_line
from .raw import Options, Raw

if TYPE_CHECKING:
    import pandas as pd

COMPRESSED = (".gz", ".bz2", ".xz")
SEPARATORS = ",;\t|"
SPACES = r"\s+"
SPELLED = {"tab": "\t", r"\t": "\t", "space": SPACES, " ": SPACES}


def read_csv(path: Path, options: Options) -> Raw:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
        The file; compressed where its name ends in .gz, .bz2 or .xz.
    options : Options
        How to read. A separator that is not given is the one that cuts the first line into
        most cells; whether there is a header line is told from the first line too.

    Returns
    -------
    Raw
        The table, all column names being text.

    Raises
    ------
    InputError
        If the text cannot be decoded, or rows have more cells than the first line.
    """
    import pandas as pd

    notes: list[str] = []
    # utf-8-sig drops the mark that Excel writes in front.
    encoding = "utf-8-sig" if options.encoding.lower() in ("utf-8", "utf8") else options.encoding
    sep = None if options.sep is None else SPELLED.get(options.sep, options.sep)
    if sep is not None and len(sep) != 1 and sep != SPACES:
        raise InputError("--sep", f"expected one character, 'tab' or 'space', got {options.sep!r}")
    try:
        with _open_text(path, encoding) as file:
            first = next((line for line in file if line.strip()), "")
        sep = sep or _separator(first)
        cells = first.split() if sep == SPACES else next(csv.reader([first], delimiter=sep), [])
        header = options.header
        if header is None:
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
            frame = pd.read_csv(path, **settings)
            if sep != "," and _has_decimal_commas(frame):
                frame = pd.read_csv(path, decimal=",", **settings)
    except (UnicodeError, LookupError) as error:
        raise InputError(
            "--encoding", f"'{path}' is not {options.encoding} text ({one_line(error)})"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise InputError("FILE", f"'{path}' has no rows of data") from error
    except (ValueError, EOFError, csv.Error, pd.errors.ParserWarning) as error:
        raise InputError(
            "FILE",
            f"'{path}' cannot be read as CSV with separator {sep!r}: {one_line(error)}; rows "
            "must have as many cells as the first line (--sep names another separator)",
        ) from error
    frame.columns = [str(name).strip() for name in frame.columns]
    return Raw(frame=frame, notes=notes)


def _open_text(path: Path, encoding: str) -> TextIO:
    if path.suffix.lower() not in COMPRESSED:
        return open(path, encoding=encoding, newline="")
    import bz2
    import gzip
    import lzma

    module: Any = {".gz": gzip, ".bz2": bz2, ".xz": lzma}[path.suffix.lower()]
    return module.open(path, "rt", encoding=encoding, newline="")


def _separator(line: str) -> str:
    counts = {sep: len(next(csv.reader([line], delimiter=sep), [])) for sep in SEPARATORS}
    best = max(counts, key=lambda sep: counts[sep])
    return SPACES if counts[best] == 1 and len(line.split()) > 1 else best


def _looks_like_data(cells: list[str]) -> bool:
    """Tell a row of data from a row of names: most cells are numbers.

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


def _has_decimal_commas(frame: pd.DataFrame) -> bool:
    number = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")
    for name in range(frame.shape[1]):
        texts = [v for v in frame.iloc[:1000, name] if isinstance(v, str)]
        if texts and all(number.fullmatch(v) for v in texts):
            return True
    return False
