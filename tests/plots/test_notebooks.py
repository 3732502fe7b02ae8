"""What a notebook shows: well-formed tables, links and pictures, whose text is escaped."""

from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastlr import AdamW, LinearClassifier, OneCycle, diagnose, find_lr, recommend, report
from fastlr.plots import plot_history
from fastlr.schedules import SCHEDULES, Function, get_schedule
from fastlr.tuning import sweep

VOID = {"br", "polyline"}


class Checker(HTMLParser):
    """Collects text, and fails on elements that are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.links = [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, name, attributes):
        if name not in VOID:
            self.open.append(name)
        self.links += [value for key, value in attributes if key == "href"]

    def handle_endtag(self, name):
        if name not in VOID:
            assert self.open.pop() == name

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture(scope="module")
def model():
    X, y = load_iris(return_X_y=True)
    return LinearClassifier(random_state=0, lr=0.1, max_epochs=30).fit(X, y)


def shown(value):
    return Checker(value._repr_html_()).text


def test_results_of_searches_show_tables(model):
    X, y = load_iris(return_X_y=True)
    found = sweep(model, X, y, [1e-9, 0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0], random_state=0)
    text = shown(found)
    assert f"{found.best_lr:.3g}" in text
    assert "dropped after" in text
    assert "dropped after" in repr(found)
    test = find_lr(model, X, y, n_steps=40, random_state=0)
    assert f"suggestion {test.suggestion:.3g}" in shown(test)
    assert "valley" in shown(test)


def test_diagnoses_and_recommendations_show_all_they_say(model):
    found = diagnose(model)
    text = shown(found)
    assert found.verdict in text
    assert found.next_step in text
    assert all(str(each) in text for each in found.evidence)
    assert recommend("sgd").source in shown(recommend("sgd"))


def test_a_history_is_a_dict_and_shows_its_ends(model):
    history = model.history_
    assert isinstance(history, dict)
    text = shown(history)
    assert "30 epochs" in text
    assert "…" in text
    assert "validation" not in text  # there was none


def test_an_updater_shows_its_parameters():
    updater = AdamW(lr=0.5).bind({"<w>": np.zeros((2, 3))})
    text = shown(updater)
    assert "<w>" in text
    assert "<w>" not in updater._repr_html_()
    assert "(2, 3)" in text


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_show_their_curve_or_their_name(name):
    try:
        schedule = get_schedule(name)
    except TypeError:
        pytest.skip("needs arguments")
    assert name in shown(schedule).lower()


def test_a_function_that_fails_does_not_break_the_cell():
    assert "Function" in shown(Function(lambda t: 1 / 0))
    assert "polyline" in OneCycle()._repr_html_()


def test_a_report_is_a_path_that_shows_a_link(model, tmp_path):
    path = report(model, tmp_path / "a & b.html")
    assert path.exists()
    (link,) = Checker(path._repr_html_()).links
    assert link.endswith("a%20%26%20b.html")


def test_displays_show_no_line_of_text_below_their_figure(model):
    assert plot_history(model)._ipython_display_() is None
