"""The tables that a run fills: what each is about, and how it is laid out."""

from __future__ import annotations

from dataclasses import dataclass

# Not contenders: what they are compared with says how far a figure can be believed.
REFERENCES = ("plain loop", "alone", "another process")


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    title : str
        Its heading.
    about : str
        What a reader has to know, in a sentence or two.
    layout : str
        ``"wide"``: a row for each workload, a column for each contender; ``"long"``: a row for each
        contender; ``"rules"``, ``"quality"``, ``"scaling"``: of their own.
    compared : bool
        Whether a contender that is faster here counts as a win.
    """

    title: str
    about: str
    layout: str
    compared: bool = True


TABLES = {
    "step": Table(
        "One step of AdamW",
        "In place, arrays held by everybody. GB/s counts the seven streams of this library's step "
        "(reads p, g, m, v; writes p, m, v); the plain loop moves the same with an addition each.",
        "wide",
    ),
    "rules": Table(
        "Every compiled rule, float32, one thread",
        "Default settings; nanoseconds for each parameter at 1,000, 100,000 and 10,000,000 "
        "elements. The share is of the speed of a plain loop over as many arrays (of two, where a "
        "rule sums first). torch is fused where it has that, else foreach.",
        "rules",
    ),
    "fit-dense": Table(
        "Logistic regression, dense rows, many of them",
        "float32, one thread. This library and the loops in torch make the same three epochs in "
        "mini-batches of 128, AdamW at 0.01, one-cycle; the others have what their users would "
        "set.",
        "long",
    ),
    "fit-small": Table(
        "Logistic regression, few rows",
        "float32, one thread, everybody's defaults; river takes rows one by one, once.",
        "long",
    ),
    "fit-sparse": Table(
        "Linear models of sparse rows",
        "CSR, float32, one thread. Vowpal Wabbit reads its own binary cache, made beforehand.",
        "long",
    ),
    "fit-mlp": Table(
        "Networks of one hidden layer",
        "float32, one thread, relu, Adam at 0.001, the same batches: 784-128-10 for 3 epochs of "
        "batches of 128, digits 64-32-10 for 20 of 32.",
        "long",
    ),
    "fit-regression": Table(
        "Linear regression on data as they come", "Defaults; nothing is scaled beforehand.", "long"
    ),
    "quality": Table(
        "Test loss against seconds",
        "Whole fits of several lengths, tuned with one budget: five settings each, on 6,000 rows, "
        "scored on 3,000 others. The target is 1 % above the lowest loss that anybody reached.",
        "quality",
        compared=False,
    ),
    "online": Table(
        "Latency of a call",
        "100 features, 5 classes, float32; median / 99th percentile in microseconds. With 4 "
        "threads three others do the same to models of their own.",
        "online",
    ),
    "start": Table(
        "Starting",
        "Fresh processes. Warm: as installed. Cold: the first process after an installation, "
        "without bytecode and Numba's caches. Imports are of a bare interpreter, NumPy and all.",
        "long",
    ),
    "memory": Table(
        "Peak memory",
        "Above the data or parameters, which are in memory before; fresh processes.",
        "long",
    ),
    "compat": Table(
        "fastlr.compat beside scikit-learn", "The same parameters, one thread.", "wide"
    ),
    "gil": Table(
        "Speed of a second Python thread during a fit",
        "A thread that counts in pure Python, beside each fit.",
        "long",
        compared=False,
    ),
    "scaling": Table(
        "Cost against size",
        "The slope is that of the larger half of each curve on logarithmic axes; the last column "
        "compares the largest point with the least time that moving or multiplying takes on this "
        "machine, measured in the same run.",
        "scaling",
        compared=False,
    ),
}
