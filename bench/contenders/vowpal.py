"""Vowpal Wabbit, which reads files: rows are written once, untimed, and read from its cache."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..workloads.data import Data


@dataclass
class VowpalData:
    """Rows in a file, beside the data they are of; the folder goes when this does."""

    data: Data
    folder: tempfile.TemporaryDirectory = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="fastlr-bench-")
    )

    @property
    def file(self) -> Path:
        """Where the training rows are."""
        return Path(self.folder.name) / "train.txt"

    @property
    def options(self) -> str:
        """What tells the number of classes, and lets each feature have a weight of its own."""
        bits = int(np.ceil(np.log2(self.data.X.shape[1]))) + 1
        kind = f"--oaa {self.data.classes} " if self.data.classes > 2 else ""
        return f"--quiet --no_stdin {kind}-b {bits + 3} --loss_function logistic"


def lines(X: Any, labels: list[str], path: Path) -> None:
    """Write CSR rows in Vowpal Wabbit's text format; a value of 1 needs no telling."""
    words = np.array([str(k) for k in range(X.shape[1])])[X.indices]
    if not np.all(X.data == 1):
        words = [f"{w}:{v:.6g}" for w, v in zip(words, X.data.tolist(), strict=True)]
    else:
        words = words.tolist()
    starts = X.indptr.tolist()
    with open(path, "w", encoding="ascii") as file:
        for k, label in enumerate(labels):
            file.write(f"{label} | {' '.join(words[starts[k] : starts[k + 1]])}\n")


def write_rows(data: Data) -> VowpalData:
    """Write the training rows, and let Vowpal Wabbit make its cache of them."""
    import vowpalwabbit

    made = VowpalData(data)
    if data.classes > 2:
        labels = [str(k + 1) for k in data.y.tolist()]
    else:
        labels = ["1" if k else "-1" for k in data.y.tolist()]
    lines(data.X, labels, made.file)
    vowpalwabbit.Workspace(f"{made.options} -d {made.file} -c").finish()
    return made


class VowpalModel:
    """A model in a file, with scikit-learn's methods."""

    def __init__(self, made: VowpalData) -> None:
        self.made = made

    def _predictions(self, X: Any, options: str) -> np.ndarray:
        import vowpalwabbit

        folder = Path(self.made.folder.name)
        lines(X, [""] * X.shape[0], folder / "test.txt")
        vowpalwabbit.Workspace(
            f"--quiet --no_stdin -t -i {folder / 'model'} -d {folder / 'test.txt'} "
            f"-p {folder / 'out.txt'} {options}"
        ).finish()
        return np.loadtxt(folder / "out.txt")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of two classes."""
        if self.made.data.classes > 2:
            raise AttributeError("only two classes have probabilities")
        p = self._predictions(X, "--link logistic")
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> np.ndarray:
        """Return class codes."""
        if self.made.data.classes > 2:
            return self._predictions(X, "").astype(np.int64) - 1
        return (self._predictions(X, "") > 0).astype(np.int64)


def fit_vowpal(made: VowpalData, length: int, setting: float, threads: int) -> VowpalModel:
    """Pass over the cached rows; its own adaptive rule, its hash table as large as it needs."""
    import vowpalwabbit

    model = Path(made.folder.name) / "model"
    vowpalwabbit.Workspace(
        f"{made.options} -d {made.file} -c --passes {length} -l {setting} --holdout_off -f {model}"
    ).finish()
    return VowpalModel(made)
