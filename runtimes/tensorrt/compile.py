"""Compiling a kit into the cache: what fits is kept, what is stale is compiled anew."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

import msgspec

from edge_sdk.errors import EngineError

from .binding import Binding
from .build import BuildFlags, BuildStopped, Built, build_engine
from .cache import EngineCache, Found, engine_key
from .cuda import Gpu
from .kit import KitGraph

T = TypeVar("T")
#: Called with what is being built, what is done and what is to do.
Progress = Callable[[str, int, int], None]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one graph.

    Attributes:
        state: ``kept`` (the cached engine fits), ``compiled`` or ``failed``.
        reason: why it was compiled (none yet, or what was wrong with the old one), or failed.
        path: where the engine lies.
        size: bytes of the engine.
        seconds: how long compiling took.
        warnings: what TensorRT warned of.
    """

    part: str
    precision: str
    state: Literal["kept", "compiled", "failed"]
    reason: str = ""
    path: str | None = None
    size: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


def compile_kit(
    trt: Binding,
    gpu: Gpu,
    kit: Sequence[KitGraph],
    cache: EngineCache,
    flags: BuildFlags | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Iterator[Outcome]:
    """Make sure that every graph has an engine in ``cache``; one outcome a graph, as they come.

    A graph that TensorRT refuses is a failed outcome; the others go on. Ctrl-C stops the build
    that is under way and leaves the cache as it was.

    Raises:
        StorageError: an engine cannot be written.
    """
    for graph in kit:
        key = engine_key(trt.__version__, gpu, graph.graph, graph.profiles, flags)
        known = cache.find(key)
        if isinstance(known, Found):
            yield Outcome(
                part=graph.part,
                precision=graph.precision,
                state="kept",
                path=str(cache.path(key)),
                size=len(known.plan),
            )
            continue
        started = time.monotonic()
        try:
            built = _compile(trt, graph, flags, progress)
        except EngineError as error:
            yield Outcome(
                part=graph.part, precision=graph.precision, state="failed", reason=str(error)
            )
            continue
        seconds = time.monotonic() - started
        yield Outcome(
            part=graph.part,
            precision=graph.precision,
            state="compiled",
            reason=known.reason,
            path=str(cache.keep(key, built.plan, built.layers)),
            size=len(built.plan),
            seconds=round(seconds, 3),
            warnings=built.warnings,
        )


def _compile(trt: Binding, graph: KitGraph, flags: BuildFlags | None, progress: Progress) -> Built:
    def build(stopped: Callable[[], bool]) -> Built:
        def step(phase: str, done: int, total: int) -> bool:
            if done >= 0:
                progress(f"compile {graph.part} {graph.precision}", done, total)
            return not stopped()

        return build_engine(trt, graph.graph, graph.profiles, flags, step)

    return _interruptible(build)


def _interruptible(work: Callable[[Callable[[], bool]], T]) -> T:
    """Run ``work`` in a thread of its own, so that Ctrl-C reaches this one.

    A build is one call that lasts minutes and holds the thread it runs in; ``work`` is given
    a function that says whether to stop.
    """
    stop = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(stop.is_set))
        except BuildStopped:
            return
        except BaseException as error:  # handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="tensorrt-build")
    try:
        # Ctrl-C may come while it starts.
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
    except BaseException:
        stop.set()
        # One that has not begun sees at once that it is to stop.
        with contextlib.suppress(RuntimeError):
            thread.join()
        raise
    if errors:
        raise errors[0]
    if not results:
        raise EngineError("The build was stopped.")
    return results[0]
