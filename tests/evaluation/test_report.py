"""The page: self-contained, well-formed, and readable in a real browser."""

import base64
import dataclasses
import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

from kida.errors import UserError
from kida.evaluation import plots
from kida.evaluation.headline import headline
from kida.evaluation.report import write_report
from kida.evaluation.results import load_results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(results_folder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "page"
    return write_report(load_results([results_folder]), folder, "pscost")[0]


class _Balanced(HTMLParser):
    """Fails on tags that do not match; collects what the page refers to."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_well_formed_and_needs_nothing_else(page):
    parser = _Balanced()
    parser.feed(page.read_text())
    assert not parser.open
    assert len(parser.sources) == 7
    for source in parser.sources:
        head, _, data = source.partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    assert "<script" not in page.read_text()


def test_the_page_tells_figures_and_origins(page, results_folder):
    parser = _Balanced()
    parser.feed(page.read_text())
    for text in (
        "4 finished runs of 2 policies on 2 instances (seeds used: 1), under competition",
        "difference from pscost, paired by instance",
        "item_placement_10001",
        "scip 10.",
    ):
        assert text in parser.text
    row = load_results([results_folder]).rows[0]
    assert f"{row.cumulated_reward:.6g}" in parser.text


def test_the_verdict_comes_first(page, results_folder):
    text = page.read_text()
    sentence = html.escape(headline(load_results([results_folder]), "pscost").sentence)
    assert text.index("<h1>") < text.index(sentence) < text.index("<img") < text.index("<h2>")
    first = base64.b64decode(re.search('base64,([^"]+)', text)[1])
    assert first == (page.parent / "verdict.png").read_bytes()


def test_figures_lie_beside_the_page(page):
    names = {path.name for path in page.parent.glob("*.png")}
    assert len(names) == 7
    assert "profile.png" in names


def test_a_report_can_be_renewed_but_nothing_else_is_touched(page, results_folder, tmp_path):
    results = load_results([results_folder])
    write_report(results, page.parent, "pscost")
    with pytest.raises(UserError, match="is a file"):
        write_report(results, page)
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="something else"):
        write_report(results, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_figures_that_are_drawn_no_more_go(results_folder, tmp_path, monkeypatch):
    results = load_results([results_folder])
    before = write_report(results, tmp_path, "pscost")
    (tmp_path / ".0123456789ab.report.html").write_text("what a kill has left")
    monkeypatch.setitem(plots.FIGURES, "speed", ("", lambda results, baseline: None))
    after = write_report(results, tmp_path, "pscost")
    assert {*before} - {*after} == {tmp_path / "speed.png"}
    assert not (tmp_path / "speed.png").exists()


def test_names_cannot_break_the_page(results_folder, tmp_path):
    results = load_results([results_folder])
    rows = tuple(dataclasses.replace(row, policy="<b>&" + row.policy) for row in results.rows)
    page, *_ = write_report(dataclasses.replace(results, rows=rows), tmp_path / "page")
    parser = _Balanced()
    parser.feed(page.read_text())
    assert "<b>&mostinf" in parser.text


def test_a_browser_shows_all_figures(page, tmp_path):
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if browser is None:
        pytest.skip("no Chromium is installed to render the page")
    # The title is set by the page's own content once every image has been laid out.
    probe = (
        "<script>onload = () => document.title = [...document.images]"
        ".map(i => i.complete && i.naturalWidth > 300).join()</script></body>"
    )
    copy = tmp_path / "probe.html"
    copy.write_text(page.read_text().replace("</body>", probe))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    process = subprocess.run(
        [browser, *options, copy.as_uri()], capture_output=True, text=True, timeout=120
    )
    title = re.search("<title>(.*?)</title>", process.stdout)
    assert title is not None, process.stderr
    assert title[1] == ",".join(["true"] * 7)
