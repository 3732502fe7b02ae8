"""Servers and pools of two workers: ``python -m tests.reliability.servers 100 [scenario ...]``.

Each repetition starts a server with two workers, sends requests until both have worked, and stops
it; or runs fits in a pool of joblib. Whatever has not ended in 120 seconds counts as a hang.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from fastlr import AdamW, LinearClassifier, MLPClassifier, save_model

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
X = np.random.default_rng(0).normal(size=(300, 30))
Y = (X[:, 0] > 0).astype(int)


def free_port():
    """Return a port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ask(port, method="GET", path="/", body=None):
    """Return the answer to one request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 200, found
        return found


def wait_for(port, server, until):
    """Return when somebody listens."""
    while True:
        assert server.poll() is None, "the server has ended"
        assert time.monotonic() < until, "nobody listens"
        with contextlib.suppress(ConnectionError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
            return
        time.sleep(0.05)


def run_server(command, port, request, wanted, **env):
    """Start a server, have so many workers answer, stop it; raise if any of it takes too long."""
    path = os.pathsep.join(map(str, [ROOT, ROOT / "examples" / "service", Path(__file__).parent]))
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=os.environ | {"PYTHONPATH": path} | env,
            stdout=log,
            stderr=log,
        )
        until, workers = time.monotonic() + PATIENCE, set()
        try:
            wait_for(port, server, until)
            with ThreadPoolExecutor(4) as clients:  # one alone would always find the same worker
                while len(workers) < wanted:
                    assert time.monotonic() < until, "more workers should have answered"
                    found = set(clients.map(request, [port] * 4))
                    if not found <= workers:
                        until = time.monotonic() + PATIENCE
                    workers |= found
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) in (0, -signal.SIGTERM)
        except BaseException:
            log.seek(0)
            print(log.read().decode()[-3000:], file=sys.stderr)
            raise
        finally:
            server.kill()
            server.wait()


def gunicorn(count):
    """Start servers whose workers are forked from a process that has learned already."""
    for _ in range(count):
        run_forked(2)


def recycled(count):
    """Have one such server replace each worker after one request, until so many have worked."""
    run_forked(count, "--max-requests", "1")


def run_forked(workers, *options):
    """Start gunicorn, have so many workers answer, and stop it."""
    port = free_port()

    def request(port):
        found = ask(port)
        assert found["forked"]
        assert found["steps"] > 1
        return found["process"]

    command = ["gunicorn", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    command += ["--timeout", "60", *options, "forked_app:app"]
    run_server(command, port, request, workers)


def uvicorn(count):
    """Start two readers of the service in ``examples/service``."""
    for _ in range(count):
        run_readers()


def run_readers():
    """Start uvicorn with two workers, have both answer, and stop it."""
    port, body = free_port(), json.dumps({"rows": X[:5].tolist()})

    def request(port):
        assert len(ask(port, "POST", "/predict", body)["predictions"]) == 5
        return ask(port, path="/health")["process"]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        save_model(LinearClassifier(max_epochs=1, random_state=0).fit(X, Y), path)
        command = ["uvicorn", "--workers", "2", "--port", str(port), "service:app"]
        run_server(command, port, request, 2, FASTLR_MODEL=str(path), FASTLR_ROLE="reader")


def fit(seed):
    """Return the weights of two fits, and of steps that threads share."""
    w = np.ones(100_000, np.float32)
    updater = AdamW().bind(w, n_threads=2)
    for _ in range(3):
        updater.step(w.copy())
    model = LinearClassifier(max_epochs=2, random_state=seed, n_threads=2).fit(X, Y)
    network = MLPClassifier((8,), max_epochs=2, random_state=seed, n_threads=2).fit(X, Y)
    return [w[::1000].tobytes(), model.coef_.tobytes(), network.coefs_[0].tobytes()]


def pool(backend):
    """Fits in a pool of two, after this process has fitted: the same bits as without."""

    def run(count):
        wanted = [fit(seed) for seed in range(4)]
        for _ in range(count):
            found = Parallel(n_jobs=2, backend=backend, timeout=PATIENCE)(
                delayed(fit)(seed) for seed in range(4)
            )
            assert found == wanted

    return run


SCENARIOS = {
    "gunicorn --preload, 2 workers": gunicorn,
    "gunicorn --preload, a new worker for each request": recycled,
    "uvicorn, 2 workers": uvicorn,
    "joblib, loky": pool("loky"),
    "joblib, threads": pool("threading"),
}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for name in sys.argv[2:] or SCENARIOS:
        begun = time.perf_counter()
        SCENARIOS[name](n)
        print(f"{name}: {n} of {n} without a hang, {time.perf_counter() - begun:.0f} s", flush=True)
