"""An updater in a file: it comes back as it was, or the file is refused and nothing changes."""

import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import fastlr
from fastlr import SGD, Adam, AdamW, Constant, OneCycle, ReduceOnPlateau, SavedFileError, Updater
from fastlr.optimizers import OPTIMIZERS, Optimizer
from fastlr.schedules import SCHEDULES, Function, MultiStep, Schedule, Warmup, epochs
from fastlr.updater import file
from fastlr.updater.plain import NotPlainError, from_plain, to_plain
from tests.support.cases import bits, small, snapshot, walk


class Own(Optimizer):
    """A rule that fastlr does not have."""

    lr: float = 1e-3

    def coefficients(self, t, lr):
        return {"rate": lr}

    @staticmethod
    def update(p, g, rate):
        p = p - rate * g
        return p


class OwnAdamW(AdamW):
    """A class that could be mistaken for another."""


OwnAdamW.__name__ = "AdamW"


def run(steps=3, **more):
    optimizer = AdamW(lr=0.01, schedule=Warmup(2) * OneCycle(total_steps=9), **more)
    groups = [{"match": ["*.bias"], "lr": 2.0, "weight_decay": 0.0, "start": epochs(0.5)}]
    return walk(optimizer.bind(small(), groups, n_threads=2, steps_per_epoch=4), steps)


def zeros(updater):
    return {name: np.zeros_like(p) for name, p in updater.params.items()}


@pytest.fixture
def saved(tmp_path):
    updater = run(average="ema", nonfinite="skip")
    updater.save(tmp_path / "run", with_params=True)
    return updater, tmp_path / "run"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_and_preset_comes_back_equal_with_what_it_was_given(name):
    cls = OPTIMIZERS[name]
    made = [cls(), cls(lr=np.float32(0.1), weight_decay=0.5, schedule="cosine")]
    made += [cls(preset=preset) for preset in cls.presets]
    made.append(cls(schedule=OneCycle(100).then(Constant(), 0.5) * 0.5))
    made.append(cls(schedules={"weight_decay": Warmup(epochs(2))}))
    for optimizer in made:
        again = from_plain(json.loads(json.dumps(to_plain(optimizer), allow_nan=False)))
        assert again == optimizer
        assert repr(again) == repr(optimizer)


def test_every_schedule_comes_back_equal():
    made = [cls() for cls in SCHEDULES.values()]
    made += [MultiStep([3, epochs(2), 0.5]), MultiStep(np.array([3, 5])), Warmup(3) * 0.5]
    assert len(made) > 15
    for schedule in made:
        again = from_plain(json.loads(json.dumps(to_plain(schedule), allow_nan=False)))
        assert repr(again) == repr(schedule).replace("array([3, 5])", "[3, 5]")


def test_defaults_of_a_later_version_do_not_change_what_was_saved(monkeypatch):
    held = to_plain(Adam(lr=0.5))
    monkeypatch.setitem(Adam.parameter_defaults, "eps", 1e-3)
    assert from_plain(held).eps == 1e-8


@pytest.mark.parametrize("value", [object(), lambda t: 1.0, Function(abs), 1j, Own(), OwnAdamW()])
def test_what_no_file_can_hold_is_said(value):
    with pytest.raises(NotPlainError):
        to_plain(value)


def test_all_arguments_come_back(saved):
    updater, path = saved
    again = Updater.load(path, zeros(updater))
    assert repr(again) == repr(updater)
    assert again.starts == updater.starts == {"a.bias": 2}
    assert again._arguments() == updater._arguments()
    assert snapshot(walk(again, 4, first=4)) == snapshot(walk(updater, 4, first=4))
    assert bits(again.averaged) == bits(updater.averaged)


def test_without_parameters_those_of_the_caller_stay(tmp_path):
    updater = run()
    updater.save(tmp_path / "run")
    again = Updater.load(str(tmp_path / "run"), zeros(updater))
    assert not any(p.any() for p in again.params.values())
    assert again.state_dict().keys() == updater.state_dict().keys()


def test_a_rate_that_was_set_and_a_metric_that_was_seen_come_back(tmp_path):
    updater = SGD(lr=0.5, momentum=0.9, schedule=ReduceOnPlateau(patience=0)).bind(np.ones(3))
    updater.save(tmp_path / "run")  # the best metric so far is infinite
    assert Updater.load(tmp_path / "run", np.ones(3)).lr == 0.5
    for metric in (1.0, 2.0, 3.0):
        updater.observe(metric)
    updater.lr = 0.125
    updater.save(tmp_path / "run")
    again = Updater.load(tmp_path / "run", np.ones(3))
    assert again.lr == 0.125
    for each in (updater, again):
        each.observe(4.0)
    assert again.lr == updater.lr < 0.125


def test_names_and_shapes_of_any_kind_come_back(tmp_path):
    params = {'a/"b"\n': np.ones((2, 0)), "ä" * 70: np.array(2.0), "0" * 64: np.ones((2, 3)).T}
    updater = walk(Adam().bind(params), 2)
    updater.save(tmp_path / "run", with_params=True)
    again = Updater.load(tmp_path / "run", {n: np.zeros_like(p) for n, p in params.items()})
    assert snapshot(walk(again, 2, first=3)) == snapshot(walk(updater, 2, first=3))


def test_an_own_rule_and_an_own_function_are_given_again(tmp_path):
    w = np.ones(3)
    optimizer = Own(schedule=lambda t: 0.5)
    updater = optimizer.bind(w)
    updater.step(np.ones(3))
    updater.save(tmp_path / "run")
    with pytest.raises(ValueError, match="optimizer= is needed, for the file could not hold it"):
        Updater.load(tmp_path / "run", w)
    assert Updater.load(tmp_path / "run", w, optimizer=optimizer).t == 1
    with pytest.raises(ValueError, match="state_dict is of Own, and this updater of SGD"):
        Updater.load(tmp_path / "run", w, optimizer=SGD())
    groups = [{"match": "0", "schedule": lambda t: 0.25}]
    SGD().bind(w, groups).save(tmp_path / "run")
    with pytest.raises(ValueError, match="groups= is needed"):
        Updater.load(tmp_path / "run", w)
    assert Updater.load(tmp_path / "run", w, groups=groups).lr == SGD().lr


def test_parameters_that_differ_are_refused_by_name(saved):
    updater, path = saved
    good = zeros(updater)
    name = next(iter(good))
    bad = {
        "shape": good | {name: np.zeros(99)},
        "names": {**good, "more.bias": np.zeros(2)},
        "dtype": {n: p.astype(np.float32) for n, p in good.items()},
    }
    for params in bad.values():
        with pytest.raises(ValueError, match="and in the file"):
            Updater.load(path, params)
        assert not any(p.any() for p in params.values())


def test_any_reader_of_safetensors_can_read_it_and_nothing_is_pickled(saved):
    updater, path = saved
    arrays = load_file(path)
    assert bits(arrays["state/m/a.bias"]) == bits(updater.state_dict()["state"]["m"]["a.bias"])
    with safe_open(path, "np") as opened:
        metadata = opened.metadata()
    assert metadata["format"] == "fastlr.updater"
    assert metadata["schema"] == "1"
    assert metadata["fastlr"] == fastlr.__version__
    assert json.loads(metadata["content"])["rest"]["dict"][0] == ["format", 1]


def damages(data, n, seed=0):
    """Yield damaged copies: bits turned, bytes changed, cut off, longer, blocks zeroed or moved."""
    rng = np.random.default_rng(seed)
    for k in range(n):
        made = bytearray(data)
        at = int(rng.integers(len(data)))
        more = int(rng.integers(1, 200))
        if k % 6 == 0:
            made[at] ^= 1 << int(rng.integers(8))
        elif k % 6 == 1:
            made[at : at + more] = rng.bytes(len(made[at : at + more]))
        elif k % 6 == 2:
            del made[at:]
        elif k % 6 == 3:
            made += rng.bytes(more)
        elif k % 6 == 4:
            made[at : at + more] = bytes(len(made[at : at + more]))
        else:
            del made[at : at + more]
        if made != data:
            yield bytes(made)
    yield from (b"", b"\0" * 8, b"\xff" * 100, b"[]", data[:8], os.urandom(len(data)))


def check_damages(path, params, n, seed=0):
    """Return how many damaged copies were refused, as all must be."""
    data, before, refused = path.read_bytes(), bits(list(params.values())), 0
    for made in damages(data, n, seed):
        path.write_bytes(made)
        with pytest.raises(SavedFileError, match="holds no updater that can be read"):
            Updater.load(path, params)
        refused += 1
    assert bits(list(params.values())) == before
    path.write_bytes(data)
    Updater.load(path, params)
    return refused


def test_damaged_files_raise_one_error_and_change_nothing(saved):
    updater, path = saved
    assert check_damages(path, zeros(updater), 600) > 500


def test_a_file_that_is_missing_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Updater.load(tmp_path / "none", np.ones(3))
    with pytest.raises(OSError, match="directory"):
        Updater.load(tmp_path, np.ones(3))


def rewrite(path, change):
    """Change the content of a file, and make its checksum right again."""
    tensors = load_file(path)
    with safe_open(path, "np") as opened:
        metadata = opened.metadata()
    content = json.loads(metadata["content"])
    change(tensors, metadata, content)
    metadata |= {"content": json.dumps(content), "sha256": "0" * 64}
    save_file(tensors, path, metadata)
    data = path.read_bytes()
    digest = file.hashlib.sha256(data).hexdigest()
    path.write_bytes(data.replace(file._entry("0" * 64), file._entry(digest)))


def optimizer_of(content):
    return content["arguments"]["optimizer"]["value"]["optimizer"]


TAMPERED = {
    "later schema": lambda t, m, c: m.update(schema="2"),
    "other kind": lambda t, m, c: m.update(format="other"),
    "missing array": lambda t, m, c: t.pop("state/m/a.bias"),
    "foreign array": lambda t, m, c: t.update(x=np.ones(3)),
    "other shape": lambda t, m, c: t.update({"param/a.bias": np.ones(99)}),
    "class": lambda t, m, c: optimizer_of(c).update({"class": "os.system"}),
    "dunder": lambda t, m, c: optimizer_of(c).update({"class": "__class__"}),
    "class of a wrong type": lambda t, m, c: optimizer_of(c).update({"class": ["AdamW"]}),
    "parameter": lambda t, m, c: optimizer_of(c)["params"].update(lr=-1.0),
    "unknown parameter": lambda t, m, c: optimizer_of(c)["params"].update(more=1.0),
    "no arguments": lambda t, m, c: c.update(arguments=[]),
    "no content": lambda t, m, c: c.clear(),
    "rest": lambda t, m, c: c.update(rest=3),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampered_files_with_a_right_checksum_are_refused(saved, what):
    updater, path = saved
    params = zeros(updater)
    rewrite(path, TAMPERED[what])
    with pytest.raises(SavedFileError):
        Updater.load(path, params)
    assert not any(p.any() for p in params.values())


STATE_TAMPERED = {
    "time": lambda t, m, c: c["rest"]["dict"].__setitem__(2, ["t", -1]),
    "state": lambda t, m, c: t.update({"state/m/a.bias": np.ones(99)}),
    "threads": lambda t, m, c: c["arguments"]["n_threads"].update(value="many"),
    "unknown argument": lambda t, m, c: c["arguments"].update(more={"value": 1}),
}


@pytest.mark.parametrize("what", STATE_TAMPERED)
def test_a_tampered_state_is_refused_too(saved, what):
    updater, path = saved
    params = zeros(updater)
    rewrite(path, STATE_TAMPERED[what])
    with pytest.raises((TypeError, ValueError)):
        Updater.load(path, params)
    assert not any(p.any() for p in params.values())


def test_a_schedule_of_a_class_of_ones_own_is_given_again(tmp_path):
    class Half(Schedule):
        """A schedule that fastlr does not have."""

        def coefficients(self, run):
            return {"half": 0.5}

        @staticmethod
        def factor(t, half):
            return half

    optimizer = SGD(lr=1.0, schedule=Half())
    optimizer.bind(np.ones(2)).save(tmp_path / "run")
    assert Updater.load(tmp_path / "run", np.ones(2), optimizer=optimizer).lr == 0.5
