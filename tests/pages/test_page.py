"""Pages as a reader meets them: in a browser, from the file, off the network."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.errors import DependencyError, StorageError
from edge_sdk.pages import Page, Series, bars, canvas, histogram, lines, scatter, spans

from ..browser import Browser

HOSTILE = "<script>alert(1)</script> & \"quotes\" $x_1$ 'ü'"


def report() -> Page:
    """One of everything, with texts that would break a page that trusts them."""
    rng = np.random.default_rng(0)
    page = Page(f"Report {HOSTILE}", lead=HOSTILE)
    page.facts({HOSTILE: HOSTILE, "temperature": None, "calls": 3, "p50": 1.23456})
    page.table(
        ("stage", "ms", "verdict"),
        [(HOSTILE, 1234.5, "met"), ("head", None, "missed")],
        caption=HOSTILE,
        verdicts={"met": "good", "missed": "bad"},
    )
    page.section(f"Plots {HOSTILE}", HOSTILE)
    values = rng.gamma(9, 0.3, 300)
    band = Series(name=HOSTILE, x=range(9), y=range(9), low=[-1] * 9, high=[9] * 9)
    drawings = [
        histogram({"": values}, x="ms", marks={HOSTILE: 2.0}),
        histogram({"a": values, "b": values + 1}, x="ms", cut=4.0),
        lines([band, Series(name="b", x=[1, 2], y=[3, 4])], x="s", y="MB", limit=5, log_x=False),
        scatter(
            [Series(name="front", x=[1, 2], y=[0.8, 0.9], labels=[HOSTILE, "b"], join="steps",
                    low=[0.7, 0.8], high=[0.9, 1.0])],
            x="ms", y="accuracy", limit_x=3.0, limit_y=0.5,
        ),
        bars([HOSTILE, "b"], {"int8": [1, 2], "fp32": [2, 3]}, x="ms",
             errors={"int8": [(0.5, 1.5), (1.5, 2.5)]}),
        bars(["a", "b"], {"int8": [1, 2], "fp32": [2, 3]}, x="ms", stacked=True),
        spans([(HOSTILE, 0.0, 1.0), ("head", 1.0, 0.5)], x="ms", notes=["1.0", "0.5"]),
    ]  # fmt: skip
    for number, drawing in enumerate(drawings):
        page.plot(drawing, caption=f"{number} {HOSTILE}", alt=HOSTILE)
    with canvas(rows=1, columns=2) as drawn:
        drawn.axes[0].plot([1, 2, 3])
        drawn.axes[1].imshow(np.eye(3))
    page.plot(drawn.drawing, caption="of its own", alt="two plots")
    page.footer(HOSTILE)
    return page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    report().write(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 400])
def test_a_page_shows_all_it_holds(browser, written, scheme, width) -> None:
    seen = browser.look(written, scheme=scheme, width=width)
    seen.check()
    assert seen.title == f"Report {HOSTILE}"
    assert seen.headings == [f"Report {HOSTILE}", f"Plots {HOSTILE}"]
    assert len(seen.plots) == 8
    assert [plot.alt for plot in seen.plots] == [HOSTILE] * 7 + ["two plots"]
    assert all(HOSTILE in seen.plots[i].text for i in (0, 2, 3, 4, 6))
    for shown in ("1234", "1.23", "–", "met", "missed"):
        assert shown in seen.text


def test_the_browser_tells_of_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<h1>bad</h1><script>nothing()</script><img src='https://example.invalid/a.png'>"
        "<figure><svg width='0' height='0'></svg></figure><i id=a></i><i id=a></i>"
    )
    seen = browser.look(page)
    assert any("nothing is not defined" in problem for problem in seen.problems)
    assert any("example.invalid" in problem for problem in seen.problems)
    assert seen.scripts == 1
    assert seen.duplicates == ["a"]
    assert not seen.plots[0].there
    with pytest.raises(AssertionError):
        seen.check()


def test_a_page_in_the_dark_is_dark(browser: Browser, written: Path, tmp_path: Path) -> None:
    from PIL import Image

    means = {}
    for scheme in ("light", "dark"):
        shot = tmp_path / f"{scheme}.png"
        browser.look(written, scheme=scheme, screenshot=shot)
        with Image.open(shot) as image:
            means[scheme] = np.asarray(image.convert("L")).mean()
    assert means["light"] > 200
    assert means["dark"] < 80


def test_the_same_content_gives_the_same_bytes() -> None:
    assert report().render() == report().render()


def test_nothing_in_a_page_points_elsewhere(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    text = text.replace("http://www.w3.org/", "")  # names of namespaces, which nobody fetches
    assert "://" not in text
    assert "<script" not in text


def test_without_matplotlib_the_sentence_has_the_command(monkeypatch) -> None:
    for name in [*(n for n in sys.modules if n.split(".")[0] == "matplotlib"), "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match=r"pip install 'edge-sdk\[report\]'"):
        lines([Series(x=[1], y=[1])], x="s", y="MB")


def test_a_page_without_plots_needs_no_matplotlib(monkeypatch) -> None:
    for name in [*(n for n in sys.modules if n.split(".")[0] == "matplotlib"), "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    page = Page("plain")
    page.text("words")
    assert "words" in page.render()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        Page("x").write(tmp_path / "no" / "report.html")
