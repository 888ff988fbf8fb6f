"""What a process holds, to see that it gives everything back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edge_sdk.benchmarks.soak.watch import held, more
from edge_sdk.runtimes.capture.opencv import import_cv2

#: Seconds that a loaded machine may need to end what was told to end.
PATIENCE = 30.0
# A linear algebra library in it starts its threads, for good, when it is imported.
import_cv2()


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Fails where threads or file handles outlive what is done inside."""
    before = held()
    yield
    deadline = time.monotonic() + PATIENCE
    while more(before, after := held()):
        if time.monotonic() > deadline:
            names = [thread.name for thread in threading.enumerate()]
            raise AssertionError(f"(threads, handles) were {before} and are {after}: {names}")
        time.sleep(0.05)
