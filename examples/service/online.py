"""A model that learns in one thread while others predict with the last snapshot of it."""

import copy
import threading

import numpy as np


class Snapshot:
    """A model as it was at one moment; nothing changes it any more.

    Parameters
    ----------
    model : estimator
        Fitted, and nobody else's.
    version : int
        Calls that it has learned from.
    """

    def __init__(self, model, version):
        self.model, self.version = model, version

    def predict(self, X):
        """Return labels or numbers for rows."""
        return self.model.predict(X)

    def predict_proba(self, X):
        """Return a probability for each row and class."""
        return self.model.predict_proba(X)


class Online:
    """Learns with one call at a time; a snapshot is taken between two calls.

    Parameters
    ----------
    model : estimator
        With `partial_fit`; fitted, or with `classes` given here.
    classes : sequence, optional
        All labels there will be, for a classifier that has seen none yet.
    """

    def __init__(self, model, classes=None):
        self.model, self.version = model, 0
        self._first = {} if classes is None else {"classes": classes}
        self._lock = threading.Lock()

    def learn_many(self, X, y):
        """Learn from rows; raise ValueError, and learn nothing, if they are unfit."""
        with self._lock:
            self.model.partial_fit(np.asarray(X, float), y, **self._first)
            self._first = {}
            self.version += 1
            return self.version

    def snapshot(self):
        """Return the model as it is now."""
        with self._lock:
            return Snapshot(copy.deepcopy(self.model), self.version)
