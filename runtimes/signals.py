"""SIGINT and SIGTERM that end a loop in its own time, so that devices are given back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending(stop: Callable[[], None]) -> Iterator[None]:
    """Have SIGINT and SIGTERM call ``stop`` while inside; only in the main thread, else nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
