"""The service in ``examples/service`` learns, predicts, saves, swaps and tells its metrics."""

import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

for package in ("fastapi", "prometheus_client", "httpx2", "skops"):
    pytest.importorskip(package)

FOLDER = Path(__file__).parents[2] / "examples" / "service"
sys.path.insert(0, str(FOLDER))

from fastapi.testclient import TestClient  # noqa: E402
from make_model import first_model  # noqa: E402
from service import create_app  # noqa: E402

from fastlr import LinearClassifier, load_model, save_model  # noqa: E402

X, Y = load_breast_cancer(return_X_y=True)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def path(tmp_path):
    save_model(first_model(), tmp_path / "model.skops")
    return tmp_path / "model.skops"


@pytest.fixture
def client(path):
    with TestClient(create_app(path, every=3600.0)) as client:
        yield client


def post(client, what, status=200, **content):
    answer = client.post(f"/{what}", json=content)
    assert answer.status_code == status, answer.text
    return answer.json()


def metric(client, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.M)
    return float(found[1])


def test_predictions_are_those_of_the_model(client, path):
    model = load_model(path)
    found = post(client, "predict", rows=X[:7].tolist())
    assert found["predictions"] == model.predict(X[:7]).tolist()
    assert found["probabilities"] == model.predict_proba(X[:7]).tolist()
    assert found["version"] == 1


def test_what_is_learned_shows_in_the_next_prediction(client, path):
    model = load_model(path)
    for k in range(3):
        rows = slice(50 * k, 50 * k + 50)
        found = post(client, "learn", rows=X[rows].tolist(), targets=Y[rows].tolist())
        assert found == {"version": k + 2}
        model.partial_fit(X[rows], Y[rows])
    found = post(client, "predict", rows=X.tolist())
    assert found["probabilities"] == model.predict_proba(X).tolist()
    assert found["version"] == post(client, "snapshot")["version"] == 4


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("predict", {"rows": [[1.0, 2.0]]}),
        ("predict", {"rows": [[1.0], [1.0, 2.0]]}),
        ("predict", {"rows": "x"}),
        ("learn", {"rows": X[:2].tolist(), "targets": [0]}),
        ("learn", {"rows": X[:2].tolist(), "targets": [0, 7]}),
        ("learn", {"rows": X[:2].tolist()}),
    ],
)
def test_unfit_rows_are_refused_and_change_nothing(client, what, content):
    before = post(client, "predict", rows=X[:9].tolist())
    post(client, what, status=422, **content)
    assert post(client, "predict", rows=X[:9].tolist()) == before


def test_the_end_of_the_service_saves_what_was_learned(path):
    with TestClient(create_app(path, every=3600.0)) as client:
        post(client, "learn", rows=X.tolist(), targets=Y.tolist())
        wanted = post(client, "predict", rows=X.tolist())["probabilities"]
    assert load_model(path).predict_proba(X).tolist() == wanted


def test_it_saves_regularly_and_only_if_it_has_learned(path):
    def wait_for_save(client, before):
        until = time.monotonic() + 20
        while path.stat().st_ino == before and time.monotonic() < until:
            time.sleep(0.01)
        assert path.stat().st_ino != before

    with TestClient(create_app(path, every=0.02)) as client:
        before = path.stat().st_ino
        time.sleep(0.2)
        assert path.stat().st_ino == before
        post(client, "learn", rows=X[:9].tolist(), targets=Y[:9].tolist())
        wait_for_save(client, before)
        assert post(client, "save") == {"saved": False}


def test_a_reader_follows_the_file_and_keeps_its_model_if_the_file_is_bad(path):
    other = LinearClassifier(random_state=1, max_epochs=3).fit(X, Y)
    with TestClient(create_app(path, learns=False, every=0.02)) as client:
        post(client, "learn", status=409, rows=X[:2].tolist(), targets=[0, 1])
        post(client, "save", status=409)
        path.write_bytes(b"no model")
        time.sleep(0.2)
        assert post(client, "swap", status=503)["detail"].startswith("kept the old model")
        assert post(client, "predict", rows=X[:3].tolist())["version"] == 1
        save_model(other, path)
        until = time.monotonic() + 20
        while client.get("/health").json()["version"] == 1 and time.monotonic() < until:
            time.sleep(0.01)
        found = post(client, "predict", rows=X.tolist())
    assert found["probabilities"] == other.predict_proba(X).tolist()
    assert load_model(path).predict_proba(X).tolist() == found["probabilities"]


def test_a_swap_takes_the_model_in_the_file(client, path):
    other = LinearClassifier(random_state=1, max_epochs=3).fit(X, Y)
    save_model(other, path)
    assert post(client, "swap") == {"version": 2}
    found = post(client, "predict", rows=X.tolist())
    assert found["probabilities"] == other.predict_proba(X).tolist()


def test_prometheus_reads_what_was_done(client):
    post(client, "learn", rows=X[:20].tolist(), targets=Y[:20].tolist())
    post(client, "predict", rows=X[:3].tolist())
    post(client, "predict", status=422, rows=[[1.0]])
    post(client, "save")
    assert metric(client, 'fastlr_rows_total{what="learned"}') == 20
    assert metric(client, 'fastlr_rows_total{what="predicted"}') == 3
    assert metric(client, 'fastlr_seconds_count{what="learn"}') == 1
    assert metric(client, "fastlr_refused_total") == 1
    assert metric(client, "fastlr_version") == 2
    assert metric(client, "fastlr_saved_timestamp") > 1e9
    assert metric(client, "fastlr_failed_saves_total") == 0


def test_threads_that_predict_while_one_learns_see_whole_versions(client):
    """Each answer equals that of a model that learned as many chunks as its version says."""
    import threading

    service, answers = client.app.state.service, []
    twin, wanted = first_model(), {}
    wanted[1] = twin.predict_proba(X[:40])
    stop = threading.Event()

    def read():
        while not stop.is_set():
            answers.append(service.predict(X[:40]))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for each in readers:
        each.start()
    for k in range(40):
        rows = slice(10 * k, 10 * k + 10)
        service.learn(X[rows], Y[rows])
        twin.partial_fit(X[rows], Y[rows])
        wanted[k + 2] = twin.predict_proba(X[:40])
    stop.set()
    for each in readers:
        each.join()
    assert len(answers) > 10
    for each in answers:
        np.testing.assert_array_equal(each["probabilities"], wanted[each["version"]])
