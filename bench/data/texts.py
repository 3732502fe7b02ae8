"""Texts out of Debian's packages, downloaded by `apt-get` and unpacked into a cache."""

from __future__ import annotations

import functools
import gzip
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import DataSet

CACHE = Path(os.environ.get("FASTLR_BENCH_CACHE", Path.home() / ".cache" / "fastlr-bench"))
LANGUAGES = {"manpages": "en", "manpages-de": "de", "manpages-fr": "fr", "manpages-es": "es"}
_MACRO = re.compile(r"^[.'].*$|\\[fF][BIRP]|\\\W|\\\(..", re.MULTILINE)
SHORT = 40  # characters; shorter paragraphs are left out
MOST = 12_000  # texts of a set


def unpacked(package: str) -> Path:
    """Return the folder with a package's files; it is not installed."""
    folder = CACHE / "debian" / package
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as at:
            subprocess.run(
                ["apt-get", "download", "-qq", package], cwd=at, check=True, capture_output=True
            )
            (archive,) = Path(at).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
    return folder


def pages(package: str) -> Iterator[tuple[str, str]]:
    """Yield section and plain text of each manual page."""
    for path in sorted(unpacked(package).glob("usr/share/man/**/man*/*.gz")):
        if path.is_symlink():
            continue
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            text = file.read()
        if not text.startswith(".so"):
            yield path.parent.name[3:4], _MACRO.sub(" ", text)


def _paragraphs(texts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for label, text in texts:
        for part in re.split(r"\n\s*\n|\n \n", text):
            line = " ".join(part.split())
            if len(line) >= SHORT:
                yield label, line


def languages() -> Iterator[tuple[str, str]]:
    """Yield language and paragraph."""
    for package, language in LANGUAGES.items():
        yield from _paragraphs((language, text) for _, text in pages(package))


def sections() -> Iterator[tuple[str, str]]:
    """Yield section of the manual and paragraph."""
    for package in ("manpages", "manpages-dev"):
        yield from _paragraphs(pages(package))


def pages_by_package() -> Iterator[tuple[str, str]]:
    """Yield package and first words of the pages of Perl's and Linux's manuals."""
    for package in ("perl-doc", "manpages", "manpages-dev", "git-man"):
        for section, text in pages(package):
            yield f"{package} {section}", " ".join(text.split()[20:220])


def documentation() -> Iterator[tuple[str, str]]:
    """Yield module and paragraph of Perl's documentation, for its 60 longest pages."""
    found = sorted(unpacked("perl-doc").glob("usr/share/perl/**/pod/*.pod"))
    longest = sorted(found, key=lambda p: (-p.stat().st_size, p.name))[:60]
    yield from _paragraphs((p.stem, p.read_text("utf-8", errors="replace")) for p in longest)


def standard_library() -> Iterator[tuple[str, str]]:
    """Yield package and line of the sources of Python's standard library."""
    for path in sorted(Path(os.__file__).parent.glob("*/*.py")):
        package = path.parent.name
        if package in {"site-packages", "test", "idlelib", "lib2to3"}:
            continue
        for line in path.read_text("utf-8", errors="replace").splitlines():
            if len(line.strip()) >= SHORT:
                yield package, line.strip()


def _vectorised(of: str) -> tuple[Any, np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    source, options = _SETS[of]
    found = [*dict.fromkeys(source())]
    labels = np.array([label for label, _ in found])
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    keep = np.flatnonzero(counts[codes] >= 20)
    keep = np.random.default_rng(0).permutation(keep)[:MOST]
    y = np.unique(codes[keep], return_inverse=True)[1]
    enough = np.bincount(y)[y] >= 4
    X = TfidfVectorizer(**options).fit_transform([found[i][1] for i in keep[enough]])
    return X, np.unique(y[enough], return_inverse=True)[1]


_WORDS = {"sublinear_tf": True, "min_df": 2}
_GRAMS = {"analyzer": "char_wb", "ngram_range": (1, 3), "min_df": 3}
_SETS: dict[str, tuple[Any, dict[str, Any]]] = {
    "languages, letters": (languages, _GRAMS),
    "sections, words": (sections, _WORDS),
    "sections, letters": (sections, _GRAMS),
    "manuals, words": (pages_by_package, _WORDS),
    "perl pages, words": (documentation, _WORDS),
    "python packages, words": (standard_library, {"min_df": 2}),
    "python packages, letters": (standard_library, _GRAMS),
}


def sets() -> list[DataSet]:
    """Return all sets of this source."""
    return [
        DataSet(f"debian/{name}", "classes", functools.partial(_vectorised, name)) for name in _SETS
    ]
