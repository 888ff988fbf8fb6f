"""A page as a browser shows it: what its console says, and which plots are really there.

Debian's ``chromium`` (scripts/system_packages.sh browser), without a window and off the network,
driven by playwright.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

CHROMIUM = "chromium"

_LOOK = """() => ({
  title: document.title,
  headings: [...document.querySelectorAll('h1,h2,h3')].map(e => e.textContent),
  text: document.body.innerText,
  scripts: document.scripts.length,
  duplicates: (ids => ids.filter((id, i) => ids.indexOf(id) !== i))(
    [...document.querySelectorAll('[id]')].map(e => e.id)),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  plots: [...document.querySelectorAll('figure')].map(f => {
    const svg = f.querySelector('svg');
    const box = svg ? svg.getBoundingClientRect() : {width: 0, height: 0};
    const marks = svg ? [...svg.querySelectorAll('path,use,rect,line')] : [];
    return {
      caption: f.querySelector('figcaption')?.textContent ?? '',
      alt: svg?.querySelector('title')?.textContent ?? '',
      text: svg ? [...svg.querySelectorAll('text')].map(t => t.textContent).join(' | ') : '',
      width: box.width, height: box.height,
      marks: marks.filter(m => { const b = m.getBoundingClientRect();
                                 return b.width + b.height > 0; }).length,
    };
  }),
})"""


class SeenPlot(msgspec.Struct, frozen=True):
    """A figure of the page: its size in pixels, how many marks have one, and its texts."""

    caption: str
    alt: str
    text: str
    width: float
    height: float
    marks: int

    @property
    def there(self) -> bool:
        """Whether somebody who looks sees a plot."""
        return self.width > 100 and self.height > 50 and self.marks > 5


class Seen(msgspec.Struct, frozen=True):
    """A page after it has been loaded.

    ``problems`` are errors and warnings of the console, errors of scripts, and everything the
    page asked the network for; ``overflow`` is by how many pixels it is wider than the window.
    """

    title: str
    headings: list[str]
    text: str
    scripts: int
    duplicates: list[str]
    overflow: float
    plots: list[SeenPlot]
    problems: list[str] = []

    def check(self) -> None:
        """Assert what every report owes: no problem, no script, each plot visible and told."""
        assert self.problems == []
        assert self.scripts == 0
        assert self.duplicates == []
        assert self.overflow <= 0
        assert self.headings
        for plot in self.plots:
            assert plot.there, plot
            assert plot.caption, plot
            assert plot.alt, plot


class Browser:
    """An open browser; :func:`open_browser` makes it."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def look(
        self,
        page: Path,
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1000,
        screenshot: Path | None = None,
    ) -> Seen:
        """Open the file ``page`` and say what is seen; ``screenshot`` is a PNG of all of it."""
        problems: list[str] = []
        context = self._browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}
        )
        try:
            tab = context.new_page()
            tab.on("console", lambda m: problems.append(f"{m.type}: {m.text}"))
            tab.on("pageerror", lambda error: problems.append(f"script: {error}"))
            address = page.resolve().as_uri()
            tab.on(
                "request",
                lambda r: None if r.url == address else problems.append(f"asked for {r.url}"),
            )
            tab.goto(address)
            found = tab.evaluate(_LOOK)
            if screenshot is not None:
                tab.screenshot(path=str(screenshot), full_page=True)
            return msgspec.convert(found | {"problems": problems}, Seen)
        finally:
            context.close()

    @contextmanager
    def tab(self, *, width: int = 1200, scheme: str = "light") -> Iterator[tuple[Any, list[str]]]:
        """A tab that may use the network, and what its console and scripts complain of."""
        problems: list[str] = []
        context = self._browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}
        )
        try:
            tab = context.new_page()
            tab.on("console", lambda m: problems.append(f"{m.type}: {m.text}"))
            tab.on("pageerror", lambda error: problems.append(f"script: {error}"))
            yield tab, problems
        finally:
            context.close()


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the system's Chromium; it ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which(CHROMIUM), args=["--no-sandbox"]
        )
        try:
            yield Browser(browser)
        finally:
            browser.close()
