"""A sound server of our own for the tests that listen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sound import SoundServer, sound_server


@pytest.fixture(scope="session")
def sound() -> Iterator[SoundServer]:
    with sound_server() as server:
        yield server
