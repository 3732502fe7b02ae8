"""A service that learns while it predicts: FastAPI, Prometheus, and one file that survives kills.

    FASTLR_MODEL=model.skops uvicorn --app-dir examples/service service:app
    FASTLR_MODEL=model.skops FASTLR_ROLE=reader uvicorn --app-dir examples/service --port 8001 \
        --workers 2 service:app

One process learns and saves. Any number of readers follow its file and swap models while they
serve. The file must be there first: ``python examples/service/make_model.py model.skops``.
"""

import asyncio
import contextlib
import copy
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import prometheus_client as prometheus
from fastapi import FastAPI, HTTPException, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from fastlr import SavedFileError, load_model, save_model

log = logging.getLogger("fastlr.service")


class Rows(BaseModel):
    """Rows to predict."""

    rows: list[list[float]]


class Examples(Rows):
    """Rows to learn from, with a label or number for each."""

    targets: list[float | int | str]


class Metrics:
    """What Prometheus is told; a registry of its own lets several apps share a process."""

    def __init__(self):
        self.registry = prometheus.CollectorRegistry()
        more = {"registry": self.registry}
        self.rows = prometheus.Counter("fastlr_rows", "Rows by what was done", ["what"], **more)
        self.refused = prometheus.Counter("fastlr_refused", "Calls with unfit rows", **more)
        self.seconds = prometheus.Histogram(
            "fastlr_seconds",
            "Time in the model, by call",
            ["what"],
            buckets=[1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0],
            **more,
        )
        self.version = prometheus.Gauge("fastlr_version", "Version that predicts", **more)
        self.saved = prometheus.Gauge("fastlr_saved_timestamp", "Last save, Unix time", **more)
        self.failed = prometheus.Counter("fastlr_failed_saves", "Saves that failed", **more)
        self.swaps = prometheus.Counter("fastlr_swaps", "Models taken from the file", **more)

    def text(self):
        """Return all metrics, of all workers where they share PROMETHEUS_MULTIPROC_DIR."""
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            from prometheus_client import multiprocess

            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return prometheus.generate_latest(registry)


class Current(NamedTuple):
    """What predicts now; a version more for each call that was learned, and for each swap."""

    version: int
    snapshot: Any


class Service:
    """One model, its snapshot that predicts, and its file.

    Parameters
    ----------
    path : path-like
        File of the model; it must be there.
    learns : bool
        Whether this process learns and saves, or follows a file that another one saves.
    """

    current = Current(0, None)

    def __init__(self, path, learns):
        self.path, self.learns, self.metrics = Path(path), learns, Metrics()
        self._learning, self._saving = threading.Lock(), threading.Lock()
        self.swap()

    def learn(self, rows, targets):
        """Learn from rows, and let the next prediction know; return the version."""
        with self.metrics.seconds.labels("learn").time(), self._learning:
            self.online.learn_many(np.asarray(rows, float), targets)
            version = self._publish()
        self.metrics.rows.labels("learned").inc(len(rows))
        return version

    def publish(self):
        """Predict with what has been learned so far; return the version."""
        with self._learning:
            return self._publish()

    def _publish(self):
        snapshot = self.online.snapshot()
        self.current = Current(self._start + snapshot.version, snapshot)  # seen whole or not at all
        self.metrics.version.set(self.current.version)
        return self.current.version

    def predict(self, rows):
        """Return predictions, probabilities if there are any, and the version they are of."""
        version, snapshot = self.current
        rows = np.asarray(rows, float)
        with self.metrics.seconds.labels("predict").time():
            found = {"predictions": snapshot.predict(rows).tolist(), "version": version}
            if self._has_probabilities:
                found["probabilities"] = snapshot.predict_proba(rows).tolist()
        self.metrics.rows.labels("predicted").inc(len(rows))
        return found

    def save(self):
        """Write the model, its training state included, if it has learned; return whether."""
        with self._saving:
            with self._learning:
                version, stale = self.current.version, self.current.version != self._saved
                if not (self.learns and stale):
                    return False
                model = copy.deepcopy(self.online.model)
            try:
                save_model(model, self.path)  # others learn and predict meanwhile
            except OSError:
                self.metrics.failed.inc()
                raise
            self._saved, self._seen = version, self._stamp()
        self.metrics.saved.set(time.time())
        return True

    def swap(self):
        """Take the model in the file in the place of this one, if it can be read."""
        stamp, model = self._stamp(), load_model(self.path)
        with self._learning:
            self.online, self._start = model.online(), self.current.version + 1
            self._has_probabilities = hasattr(model, "predict_proba")
            self._seen, self._saved = stamp, self._publish()
        self.metrics.swaps.inc()

    def follow(self):
        """Swap if the file has changed; keep the old model if the new one cannot be read."""
        try:
            if self._stamp() != self._seen:
                self.swap()
        except (OSError, SavedFileError) as error:
            log.error("kept the old model: %s", error)

    def _stamp(self):
        found = self.path.stat()
        return found.st_mtime_ns, found.st_ino


async def regularly(work, seconds):
    """Call `work` in a thread, again and again; an error is logged, and does not end it."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await run_in_threadpool(work)
        except Exception:
            log.exception("%s failed", work.__name__)


def create_app(path, learns=True, every=30.0):
    """Return the app.

    Parameters
    ----------
    path : path-like
        File of the model.
    learns : bool, default=True
        Whether it learns and saves, or follows the file.
    every : float, default=30.0
        Seconds between two saves, or two looks at the file.
    """
    service = Service(path, learns)

    @contextlib.asynccontextmanager
    async def life(app):
        task = asyncio.create_task(regularly(service.save if learns else service.follow, every))
        yield
        task.cancel()
        await run_in_threadpool(service.save)

    app = FastAPI(title="fastlr", lifespan=life)
    app.state.service = service

    def checked(work, *args):
        try:
            return work(*args)
        except (TypeError, ValueError) as error:
            service.metrics.refused.inc()
            raise HTTPException(422, str(error)) from error

    def only_learner():
        if not learns:
            raise HTTPException(409, "this process only reads; another one learns")

    # Plain functions run in threads: predictions do not wait for learning.
    @app.post("/learn")
    def learn(given: Examples):
        only_learner()
        return {"version": checked(service.learn, given.rows, given.targets)}

    @app.post("/predict")
    def predict(given: Rows):
        return checked(service.predict, given.rows)

    @app.post("/snapshot")
    def snapshot():
        return {"version": service.publish()}

    @app.post("/save")
    def save():
        only_learner()
        return {"saved": service.save()}

    @app.post("/swap")
    def swap():
        try:
            service.swap()
        except (OSError, SavedFileError) as error:
            raise HTTPException(503, f"kept the old model: {error}") from error
        return {"version": service.current.version}

    @app.get("/metrics")
    def metrics():
        return Response(service.metrics.text(), media_type=prometheus.CONTENT_TYPE_LATEST)

    @app.get("/health")
    def health():
        return {"version": service.current.version, "learns": learns, "process": os.getpid()}

    return app


def __getattr__(name):
    """Make ``service:app`` from the environment when a server asks for it."""
    if name != "app":
        raise AttributeError(name)
    return create_app(
        os.environ["FASTLR_MODEL"],
        learns=os.environ.get("FASTLR_ROLE", "learner") == "learner",
        every=float(os.environ.get("FASTLR_EVERY", "30")),
    )
