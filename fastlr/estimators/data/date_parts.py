"""Dates as features: the parts of a date that a linear model or a network can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("year", "month", "day", "day_of_week", "hour")
_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?"


class DateParts(TransformerMixin, BaseEstimator):
    """Year, month, day, day of the week (Monday is 0) and hour of dates; NaN where none is.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"when": ["2026-12-01 09:30", None]})
    >>> DateParts().fit_transform(frame).tolist()
    [[2026.0, 12.0, 1.0, 1.0, 9.0], [nan, nan, nan, nan, nan]]
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the names of the columns."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return the parts of each column, side by side."""
        import pandas as pd

        columns = []
        for name in self.feature_names_in_:
            dates = pd.to_datetime(X[name], errors="coerce", utc=True, format="ISO8601").dt
            columns += [
                getattr(dates, part).to_numpy(dtype=np.float64, na_value=np.nan) for part in PARTS
            ]
        return np.column_stack(columns)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return a name for each part."""
        return np.array(
            [f"{name}_{part}" for name in self.feature_names_in_ for part in PARTS], dtype=object
        )


def holds_dates(values: pd.Series) -> bool:
    """Return whether a column holds dates, or nothing but texts written as dates."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(values):
        return True
    texts = values.dropna()
    if not len(texts) or not all(isinstance(v, str) for v in texts.head(1000)):
        return False
    return bool(texts.astype(str).str.fullmatch(_ISO).all())
