"""What a worker is given to do; numpy and the standard library alone, for any environment.

A worker is a script that runs in a peer's own environment, where the SDK is not installed. Its
job is a JSON file: ``graphs`` (fp32, by part), ``feeds`` (calibration inputs by part, an archive
with arrays named ``NUMBER/INPUT``), ``fixed`` (by part, what has to be padded), ``out`` (a folder).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


class Job:
    """The job in the file that the first argument names."""

    def __init__(self) -> None:
        content = json.loads(Path(sys.argv[1]).read_text())
        self.graphs: dict[str, str] = content["graphs"]
        self.fixed: dict[str, list[dict[str, Any]]] = content.get("fixed", {})
        self.out = Path(content["out"])
        self._feeds: dict[str, str] = content["feeds"]

    def feeds(self, part: str) -> list[dict[str, Any]]:
        """The calibration inputs of a part."""
        with np.load(self._feeds[part]) as archive:
            return list(grouped(archive))

    def convert(self, suffix: str, one: Callable[[str, str, str], None]) -> None:
        """Call ``one(part, graph, target)`` for every part; say which could not be converted."""
        refused = {}
        made = {}
        for part, graph in self.graphs.items():
            target = str(self.out / f"{part}{suffix}")
            try:
                one(part, graph, target)
                made[part] = target
            except Exception as error:  # whatever a peer raises is its result
                text = " ".join(str(error).split()) or type(error).__name__
                refused[part] = text[:200]
        (self.out / "result.json").write_text(json.dumps({"made": made, "refused": refused}))


def grouped(archive: Any) -> Iterator[dict[str, Any]]:
    """The arrays ``NUMBER/INPUT`` of an archive as one dictionary a number, in order."""
    names: dict[int, list[str]] = {}
    for name in archive.files:
        names.setdefault(int(name.partition("/")[0]), []).append(name)
    for number in sorted(names):
        yield {name.partition("/")[2]: archive[name] for name in names[number]}


def padded(feed: dict[str, Any], fixed: list[dict[str, Any]]) -> dict[str, Any]:
    """``feed`` for a graph of fixed lengths: inputs padded with zeros, true lengths told."""
    feed = dict(feed)
    for one in fixed:
        value = feed[one["input"]]
        room = [(0, 0)] * value.ndim
        room[one["axis"]] = (0, one["size"] - value.shape[one["axis"]])
        feed[one["input"]] = np.pad(value, room)
        feed[one["length"]] = np.array([value.shape[one["axis"]]], np.int32)
    return feed
