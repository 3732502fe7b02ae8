"""The page of a training run: whole, safe, readable to all, and true to the model."""

import base64
import itertools
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr import SGD, LinearClassifier, LinearRegressor, MLPClassifier, report
from fastlr.core.markup import Markup, tag
from fastlr.schedules import OneCycle

X, Y = load_iris(return_X_y=True)
VOID = {"meta", "br", "link", "img", "input", "hr"}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")


class Page(HTMLParser):
    """Checks that tags are nested, and collects what tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.ids = [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        self.tags.append((name, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        self.handle_endtag(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, text):
        if self.open and self.open[-1] != "style":
            self.text += text

    def all(self, name):
        return [attributes for found, attributes in self.tags if found == name]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    optimizer = SGD(momentum=0.9, clip_norm=5.0, schedule=OneCycle())
    model = MLPClassifier(
        (8,), optimizer=optimizer, early_stopping=True, max_epochs=12, random_state=0
    ).fit(X, Y)
    return model, report(model, tmp_path_factory.mktemp("page") / "r.html", X, Y, sweep=False)


def test_the_page_is_whole_and_fetches_nothing(network):
    text = network[1].read_text(encoding="utf-8")
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert page.all("html") == [{"lang": "en"}]
    assert [a["content"] for a in page.all("meta") if a.get("name") == "viewport"]
    for forbidden in ("http://", "https://", "//cdn", "@import", "src=", "<script", "<link"):
        assert forbidden not in text
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', text))
    assert len(page.ids) == len(set(page.ids))
    targets = re.findall(r'href="#([^"]*)"', text) + re.findall(r"url\(#([^)]*)\)", text)
    assert targets
    assert set(targets) <= set(page.ids)


def test_every_picture_says_what_it_shows_and_headings_have_an_order(network):
    page = Page(network[1].read_text(encoding="utf-8"))
    pictures = page.all("svg")
    assert len(pictures) == len(page.all("figure")) == 5
    for picture in pictures:
        assert picture["role"] == "img"
        assert len(picture["aria-label"]) > 40
    assert len(page.all("h1")) == 1
    levels = [int(name[1]) for name, _ in page.tags if name in {"h1", "h2", "h3"}]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for section in page.all("section"):
        assert section["aria-labelledby"] in page.ids


def test_the_page_tells_verdict_settings_data_and_versions(network):
    model, path = network
    text = Page(path.read_text(encoding="utf-8")).text
    found = fastlr.diagnose(model)
    for said in (
        found.verdict,
        found.summary,
        "MLPClassifier with SGD",
        f"learning rate {model.lr_:.3g} (found by fit)",
        repr(model.optimizer),
        "hidden_layer_sizes",
        "Rows given150",
        "Classes3: 0, 1, 2",
        f"fastlr{fastlr.__version__}",
    ):
        assert said in text, said
    for value in (model.loss_curve_[0], model.loss_curve_[-1]):
        assert f"{value:.4g}" in text


def test_pictures_take_their_colours_from_the_page(network):
    text = network[1].read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    light, dark = style.split("prefers-color-scheme: dark", 1)
    drawn = text[text.index("<svg") :]
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", drawn))
    assert {"--line-1", "--line-2", "--ink", "--paper"} <= used
    for name in used - {"--font"}:
        assert f"{name}:" in light
        assert f"{name}:" in dark
    assert not re.findall(r"#[0-9a-f]{6}", drawn)


def contrast(one, other):
    def luminance(color):
        parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_what_is_behind_them(network, scheme):
    text = network[1].read_text(encoding="utf-8")
    sides = text[text.index("<style>") : text.index("</style>")].split("prefers-color-scheme")
    colors = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", sides[scheme == "dark"]))
    for name in ("ink", "soft", "link", "line-1", "line-2", "line-3", "line-4", "muted"):
        assert contrast(colors[name], colors["paper"]) >= 4.5, name
    for tone in ("good", "fair", "bad"):
        assert contrast(colors[tone], colors[f"{tone}-paper"]) >= 4.5, tone
        assert contrast(colors["ink"], colors[f"{tone}-paper"]) >= 7, tone
    assert contrast(colors["ink"], colors["code"]) >= 7
    assert contrast(colors["soft"], colors["page"]) >= 4.5


def test_what_a_model_holds_is_text_on_the_page_and_nothing_more(tmp_path):
    evil = "<script>alert('x')</script>"
    frame = pd.DataFrame(X, columns=[evil, "a&b", '"quoted"', "plain"])
    labels = np.array(["<b>", "&amp;", "c"])[Y]
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), LinearClassifier())
    model.fit(frame, labels)
    path = report(model, tmp_path / "r.html", frame, labels, sweep=False, title=f"{evil} & co")
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    page = Page(text)
    for said in (evil, "a&b", '"quoted"', "<b>, &amp;, c"):
        assert said in page.text or said.replace("<b>, &amp;, c", "&amp;, <b>, c") in page.text
    assert page.all("b") == [{}] * len(page.all("figure"))


def test_a_change_is_written_for_the_estimator_at_hand(tmp_path):
    digits, target = load_digits(return_X_y=True)
    slow = make_pipeline(StandardScaler(), LinearClassifier(lr=1e-6, random_state=0))
    text = Page(report(slow.fit(digits, target), tmp_path / "r.html").read_text("utf-8")).text
    assert fastlr.diagnose(slow).change
    assert "model.set_params(linearclassifier__lr=" in text
    assert "standardscaler: StandardScaler → linearclassifier: LinearClassifier" in text


def test_a_rate_that_the_sweep_found_goes_before_a_rule_of_thumb(tmp_path):
    slow = LinearClassifier(lr=1e-6, random_state=0).fit(X, Y)
    assert fastlr.diagnose(slow).change == {"lr": 1e-4}
    text = Page(report(slow, tmp_path / "r.html", X, Y, random_state=0).read_text("utf-8")).text
    (found,) = re.findall(r"The sweep below found (\S+) best", text)
    assert f"model.set_params(lr={float(found)!r}).fit(X, y)" in text
    assert f"The best rate of a sweep is {float(found):.3g}," in text
    assert float(found) > 1e-4


def test_regressors_searches_and_partial_fit_have_pages_too(tmp_path):
    features, target = load_diabetes(return_X_y=True)
    search = GridSearchCV(LinearRegressor(max_epochs=3), {"lr": [0.01, 0.1]}, cv=2)
    path = report(search.fit(features, target), tmp_path / "r.html", features, target, sweep=False)
    assert "Target25 to 346" in Page(path.read_text("utf-8")).text
    streamed = LinearClassifier("sgd", lr=0.1, schedule=None).partial_fit(X, Y, classes=[0, 1, 2])
    assert "1 epoch," in Page(report(streamed, tmp_path / "r.html").read_text("utf-8")).text


@pytest.mark.filterwarnings("ignore::fastlr.DivergenceWarning")
def test_a_run_without_a_finished_epoch_has_a_page(tmp_path):
    lost = LinearRegressor("sgd", lr=1e300, schedule=None, max_epochs=3).fit(X, Y)
    page = Page(report(lost, tmp_path / "r.html").read_text("utf-8"))
    assert "diverging" in page.text


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "r.html"
    with pytest.raises(NotFittedError):
        report(LinearClassifier(), path)
    with pytest.raises(TypeError, match="of fastlr"):
        report(DummyClassifier().fit(X, Y), path)
    with pytest.raises(ValueError, match="y is missing"):
        report(LinearClassifier(max_epochs=1).fit(X, Y), path, X)
    assert not path.exists()


def test_markup_escapes_whatever_is_not_markup():
    inner = tag("b", "<i>")
    assert tag("p", inner, "&", title='"', class_="x", hidden=None) == Markup(
        '<p title="&quot;" class="x"><b>&lt;i&gt;</b>&amp;</p>'
    )


PROBE = """<body style="margin:0"><iframe id="f" style="border:0"></iframe><script>
const widths = [320, 360, 768, 1200], found = [], f = document.getElementById("f");
f.srcdoc = atob("%s");
f.onload = () => {
  for (const width of widths) {
    f.width = width; f.height = 900;
    const page = f.contentDocument.documentElement;
    const over = [...f.contentDocument.querySelectorAll("main *")].filter(
      e => !e.closest(".scroll") && e.getBoundingClientRect().right > width + 1);
    const sizes = [...f.contentDocument.querySelectorAll("svg text")].map(
      e => e.getBoundingClientRect().height);
    found.push([width, page.scrollWidth, over.length, Math.min(...sizes)].join(" "));
  }
  document.title = found.join(";");
};
</script></body>"""


@needs_chromium
def test_in_a_browser_nothing_is_wider_than_the_screen(network, tmp_path):
    # In a frame, for a window of a browser cannot be as narrow as a phone.
    text = network[1].read_text(encoding="utf-8")
    probe = tmp_path / "probe.html"
    data = base64.b64encode(text.encode("ascii", "xmlcharrefreplace")).decode()
    probe.write_text(PROBE % data, encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=5000",
            "--dump-dom",
            probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout.split("<body", 1)[0])
    assert title, done.stdout[:500]
    rows = [list(map(float, row.split())) for row in title[1].split(";")]
    assert [row[0] for row in rows] == [320, 360, 768, 1200]
    for width, scrolled, over, smallest in rows:
        assert scrolled <= width
        assert over == 0
        assert smallest >= 9  # CSS pixels of the lowest line of text in a picture
