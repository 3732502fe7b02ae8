"""A WSGI app that predicts, learns, and shares large steps between threads, for gunicorn.

All of it has been used before the server forks: under ``--preload``, workers inherit models that
have learned, and a thread team whose threads they lack.
"""

import json
import os

import numpy as np
from sklearn.datasets import load_breast_cancer

from fastlr import AdamW, LinearClassifier, MLPClassifier

X, Y = load_breast_cancer(return_X_y=True)
G = np.full(100_000, 0.1, np.float32)
MODELS = [
    LinearClassifier(max_epochs=2, random_state=0, n_threads=2).fit(X, Y),
    MLPClassifier((32,), lr=0.01, max_epochs=2, random_state=0, n_threads=2).fit(X, Y),
]
UPDATER = AdamW().bind(np.ones(100_000, np.float32), n_threads=2)
UPDATER.step(G)
ORIGIN = os.getpid()


def work():
    """Do a bit of everything; return what went well."""
    for model in MODELS:
        model.partial_fit(X[:64], Y[:64])
        assert model.score(X, Y) > 0.5
    UPDATER.step(G)
    LinearClassifier(max_epochs=1, random_state=0).fit(X, Y)
    return {"process": os.getpid(), "forked": os.getpid() != ORIGIN, "steps": UPDATER.t}


def app(environ, start_response):
    """Answer any request by some work."""
    body = json.dumps(work()).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
