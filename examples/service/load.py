"""Load test on loopback: ``python examples/service/load.py [seconds]`` starts and loads a service.

Four clients predict and one learns, a row at a time or in chunks of 100, each over a connection
of its own. It prints requests per second and latencies, and what the server measured of itself.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from make_model import first_model
from sklearn.datasets import load_breast_cancer

from fastlr import save_model

HERE = Path(__file__).parent


class Client(threading.Thread):
    """Sends one request after another, and notes how long each takes."""

    def __init__(self, port, path, bodies, until):
        super().__init__()
        self.port, self.path, self.bodies, self.until = port, path, bodies, until
        self.seconds, self.versions, self.errors = [], [], 0

    def run(self):
        """Send until the time is over."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        k = 0
        while time.monotonic() < self.until:
            body = self.bodies[k % len(self.bodies)]
            begun = time.perf_counter()
            connection.request("POST", self.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            found = json.loads(answer.read())
            self.seconds.append(time.perf_counter() - begun)
            self.errors += answer.status != 200
            self.versions.append(found.get("version", -1))
            k += 1
        connection.close()


def free_port():
    """Return a port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port, seconds=60):
    """Return when the service answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            return json.loads(connection.getresponse().read())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def bodies(rows, learn):
    """Return request bodies with so many rows each."""
    X, y = load_breast_cancer(return_X_y=True)
    found = []
    for start in range(0, 500, rows):
        body = {"rows": X[start : start + rows].tolist()}
        if learn:
            body["targets"] = y[start : start + rows].tolist()
        found.append(json.dumps(body))
    return found


def processor_seconds(process):
    """Return the processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port, seconds, rows, readers=4, learners=1):
    """Return clients by path after a run."""
    until = time.monotonic() + seconds
    clients = [Client(port, "/predict", bodies(rows, False), until) for _ in range(readers)]
    clients += [Client(port, "/learn", bodies(rows, True), until) for _ in range(learners)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    return {path: [c for c in clients if c.path == path] for path in ("/predict", "/learn")}


def describe(path, clients, seconds, rows):
    """Print a line about the requests to one path."""
    spent = np.concatenate([c.seconds for c in clients]) * 1e3
    errors = sum(c.errors for c in clients)
    low, mid, high = np.quantile(spent, [0.5, 0.9, 0.99])
    ordered = all(np.all(np.diff(c.versions) >= 0) for c in clients)
    print(
        f"{path:9} {rows:4} rows, {len(clients)} clients: {len(spent) / seconds:7.0f} requests/s, "
        f"{low:.1f} / {mid:.1f} / {high:.1f} ms (median, p90, p99), {errors} errors, "
        f"versions {'never go back' if ordered else 'GO BACK'}"
    )
    return errors + (not ordered)


def main(seconds):
    """Start a service, load it, stop it; return the number of errors."""
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path, port = Path(folder) / "model.skops", free_port()
        save_model(first_model(), path)
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "--port", str(port)]
        server = subprocess.Popen(
            [*command, "--log-level", "warning", "service:app"],
            env=os.environ | {"FASTLR_MODEL": str(path), "FASTLR_EVERY": "1"},
        )
        try:
            wait_for(port)
            for rows in (1, 100):
                before = processor_seconds(server.pid)
                found = load(port, seconds, rows)
                used = processor_seconds(server.pid) - before
                for name, clients in found.items():
                    bad += describe(name, clients, seconds, rows)
                requests = sum(len(c.seconds) for clients in found.values() for c in clients)
                print(f"          {used / requests * 1e3:.2f} ms of the server's processor each")
        finally:
            server.terminate()
            server.wait(30)
    return bad


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
