"""The assistant's page: who may look, and what a browser shows."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from edge_sdk.errors import DeviceError, UsageError
from edge_sdk.runtimes.assistant.events import Answered, Recognised, StateChanged
from edge_sdk.runtimes.assistant.ui import Page
from edge_sdk.runtimes.assistant.ui.feed import READERS, Feed
from edge_sdk.runtimes.capture import VirtualClock

from ..browser import Browser
from .parts import SILENCE, Camera, Stage, sound
from .test_loop import FROG, QUIET, TURN


@pytest.fixture
def feed() -> Feed:
    return Feed(Camera(VirtualClock()))


@pytest.fixture
def page(feed: Feed) -> Iterator[Page]:
    page = Page(feed, "127.0.0.1:0")
    page.start()
    yield page
    page.stop()


def _ask(
    page: Page, path: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def _with_token(page: Page) -> dict[str, str]:
    return {"Cookie": f"edge_sdk_token_{page.port}={page.token}"}


@pytest.mark.parametrize("path", ["/", "/events", "/frame.jpg", "/static/page.js", "/?token=no"])
def test_without_the_token_nothing_is_shown(page: Page, path: str) -> None:
    status, _, content = _ask(page, path)
    assert status == 403
    assert b"token" in content


def test_the_address_with_the_token_opens_the_page_and_drops_it_from_sight(page: Page) -> None:
    parts = urlsplit(page.address)
    status, headers, _ = _ask(page, f"{parts.path}?{parts.query}")
    assert status == 303
    assert headers["location"] == "/"
    assert "HttpOnly" in headers["set-cookie"]
    assert "samesite=strict" in headers["set-cookie"].lower()
    status, headers, content = _ask(page, "/", {"Cookie": headers["set-cookie"].split(";")[0]})
    assert status == 200
    assert b"<title>Assistant</title>" in content
    assert "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_other_names_and_origins_are_refused(page: Page, headers: dict[str, str]) -> None:
    assert _ask(page, "/", _with_token(page) | headers)[0] == 403


def test_the_frame_is_a_picture_or_nothing(page: Page) -> None:
    status, _, content = _ask(page, "/frame.jpg", _with_token(page))
    assert status == 200
    assert content.startswith(b"\xff\xd8")
    blind = Page(Feed(), "127.0.0.1:0")
    blind.start()
    try:
        assert _ask(blind, "/frame.jpg", _with_token(blind))[0] == 204
    finally:
        blind.stop()


def test_a_late_reader_is_told_what_happened_before(page: Page, feed: Feed) -> None:
    feed.event(StateChanged(1.0, "idle", "listening", "heard the wake word"))
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    connection.request("GET", "/events", headers=_with_token(page))
    answer = connection.getresponse()
    assert answer.readline() == b"event: event\n"
    told = json.loads(answer.readline().removeprefix(b"data: "))
    assert told["after"] == "listening"
    answer.readline()
    feed.sound(np.full(1600, 0.1, np.float32), 2.0)
    assert answer.readline() == b"event: sound\n"
    heard = json.loads(answer.readline().removeprefix(b"data: "))
    assert heard["decibels"] == pytest.approx(-20.0)
    assert {len(column) for column in heard["columns"]} == {40}
    connection.close()


def _events(page: Page) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    connection.request("GET", "/events", headers=_with_token(page))
    return connection, connection.getresponse()


def test_a_page_that_stops_reading_is_let_go_and_costs_no_memory(page: Page, feed: Feed) -> None:
    connection, answer = _events(page)
    assert answer.status == 200
    told = StateChanged(1.0, "idle", "listening", "x" * 2000)
    assert answer.fp is not None
    feed.event(told)
    assert answer.readline() == b"event: event\n"
    # More than the sockets of both ends hold, and more than may wait.
    for _ in range(8000):
        feed.event(told)
    left = answer.read()
    assert left.count(b"event: event") < 7500
    connection.close()
    # It comes again, and is told what is kept.
    connection, answer = _events(page)
    assert answer.readline() == b"event: event\n"
    connection.close()


def test_so_many_pages_and_no_more(page: Page, feed: Feed) -> None:
    feed.event(StateChanged(1.0, "idle", "listening", "heard the wake word"))
    opened = []
    for _ in range(READERS):
        connection, answer = _events(page)
        assert answer.readline() == b"event: event\n"
        opened.append(connection)
    status, _, content = _ask(page, "/events", _with_token(page))
    assert status == 503
    assert b"close one" in content
    for connection in opened:
        connection.close()


@pytest.mark.parametrize(
    "path",
    ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py",
     "/static//etc/passwd", "/static/%2Fetc%2Fpasswd", "/static/vendor/../../feed.py"],
)  # fmt: skip
def test_nothing_but_the_page_is_served(page: Page, path: str) -> None:
    assert _ask(page, path, _with_token(page))[0] == 404


def test_a_socket_for_the_web_is_refused(page: Page) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
    assert _ask(page, "/static/x", upgrade)[0] == 403


def test_an_old_picture_is_not_shown_as_what_the_camera_sees() -> None:
    assert Feed(Camera(VirtualClock(), age=1.0)).picture() is not None
    assert Feed(Camera(VirtualClock(), age=6.0)).picture() is None


@pytest.mark.parametrize("address", ["0.0.0.0:1", "192.0.2.1:80", "8765", "127.0.0.1:x", "here:1"])
def test_only_this_machine_may_look(address: str) -> None:
    with pytest.raises(UsageError):
        Page(Feed(), address)


def test_a_taken_address_is_a_sentence(page: Page) -> None:
    with pytest.raises(DeviceError, match=str(page.port)):
        Page(Feed(), f"127.0.0.1:{page.port}")


def test_a_browser_shows_a_turn(page: Page, feed: Feed, tmp_path: Path, browser: Browser) -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], ["what is <this> & that"], config=QUIET)
    stage.assistant.listen(feed.event)
    with browser.tab() as (tab, problems):
        tab.goto(page.address)
        tab.wait_for_selector("#frame:not([hidden])")
        stage.assistant.run()
        # Something to see, after the page is open: a sweep over the bands.
        times = np.arange(4 * 16000) / 16000
        feed.sound((0.2 * np.sin(2 * np.pi * (200 + 600 * times) * times)).astype(np.float32), 5.0)
        tab.wait_for_selector("#turns tr td:nth-child(4):has-text('This is a frog.')")
        tab.wait_for_function("document.getElementById('decibels').textContent !== 'silent'")
        row = tab.inner_text("#turns tr")
        assert "what is <this> & that" in row
        assert "frog" in row
        assert tab.inner_text("#state-word") == "idle"
        assert "woken by" in tab.inner_text("#log")
        assert tab.evaluate("document.querySelector('#latency canvas').width") > 100
        lit = tab.evaluate(
            """() => { const c = document.getElementById('mel');
              const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
              const seen = new Set();
              for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i+1] << 8 | d[i+2]);
              return seen.size; }"""
        )
        assert lit > 4
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.id") == "pause"
        tab.keyboard.press("Enter")
        assert tab.get_attribute("#pause", "aria-pressed") == "true"
        unnamed = tab.evaluate(
            "[...document.querySelectorAll('button,img,canvas,meter,[tabindex]')].filter("
            "e => !(e.innerText || e.alt || e.ariaLabel || e.getAttribute('aria-labelledby')"
            " || e.labels?.length || e.parentElement.closest('[role=img]'))).length"
        )
        assert unnamed == 0
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert tab.evaluate(wide) <= 0
        tab.screenshot(path=os.environ.get("EDGE_SDK_SCREENSHOT", str(tmp_path / "page.png")))
        assert problems == []


def test_events_of_the_loop_reach_the_page_whole(feed: Feed) -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET)
    kinds = []
    stage.assistant.listen(lambda event: kinds.append(type(event)))
    stage.assistant.listen(feed.event)
    stage.assistant.run()
    assert {Recognised, Answered, StateChanged} <= set(kinds)
