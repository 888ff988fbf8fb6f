"""Where ONNX Runtime runs the nodes of a graph: read from its own profile."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from edge_sdk.errors import EngineError, storage_errors

from .layer_times import LayerTime, layer_times
from .placement import Node, Placement, placement

_KERNEL = "_kernel_time"


class _Event(msgspec.Struct):
    name: str = ""
    cat: str = ""
    dur: float = 0.0
    args: dict[str, Any] = {}


class Trace:
    """A profile of one session, in a folder of its own that goes with it.

    Args:
        settings: the session's options, before it is made.

    Raises:
        StorageError: there is no place for temporary files.
    """

    def __init__(self, settings: Any) -> None:
        with storage_errors(Path(tempfile.gettempdir())):
            self._folder = Path(tempfile.mkdtemp(prefix="edge-sdk-trace-"))
        settings.enable_profiling = True
        settings.profile_file_prefix = str(self._folder / "profile")
        self._found: Placement | None = None
        self._times: dict[tuple[str, str, str], list[float]] = {}

    def placement(self, session: Any) -> Placement:
        """Where the nodes of ``session`` ran; ends its profile.

        Raises:
            EngineError: it has not run yet, or its profile cannot be read.
        """
        if self._found is None:
            self._found = self._read(session)
        return self._found

    def layer_times(self, session: Any) -> tuple[LayerTime, ...]:
        """How long the nodes of ``session`` took; ends its profile. The first run does not count.

        Raises:
            EngineError: it has not run yet, or its profile cannot be read.
        """
        self.placement(session)
        return layer_times(self._times, skip=1)

    def close(self, session: Any) -> None:
        """Remove the profile; ends it if nobody asked for it."""
        if session is not None and self._found is None:
            session.end_profiling()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, session: Any) -> Placement:
        try:
            content = Path(session.end_profiling()).read_bytes()
            events = msgspec.json.decode(content, type=list[_Event])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EngineError(f"The profile of onnxruntime cannot be read: {error}.") from error
        nodes = {}
        for event in events:
            if event.cat == "Node" and event.name.endswith(_KERNEL):
                # Once a run and node. Nodes of subgraphs count from 0 again, under other names.
                key = (event.name, str(event.args.get("node_index")))
                nodes[key] = node = _node(event.args)
                name = event.name.removesuffix(_KERNEL)
                self._times.setdefault((name, node.operator, node.provider), []).append(event.dur)
        if not nodes:
            raise EngineError("The graph has not run yet, so onnxruntime tells no placement.")
        return placement(nodes.values())


def _node(args: dict[str, Any]) -> Node:
    # One dictionary an input: its type, and its shape.
    inputs: list[dict[str, Any]] = args.get("input_type_shape", [])
    return Node(
        str(args.get("provider", "?")),
        str(args.get("op_name", "?")),
        frozenset(dtype for one in inputs for dtype in one),
    )
