"""Shared by the converter's tests: graphs and conversions of the tiny checkpoint."""

from __future__ import annotations

import itertools
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from edge_sdk.converters import ConversionReport, convert
from edge_sdk.samples import SampleSet

Convert = Callable[..., ConversionReport]


def unpack(bundle: Path) -> dict[str, bytes]:
    """The bytes of every file of a bundle, folder or ``.edge``."""
    if bundle.is_dir():
        files = (path for path in bundle.rglob("*") if path.is_file())
        return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in files}
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def convert_tiny(
    tiny_checkpoint: Path,
    sample_set: SampleSet,
    tiny_bundle: Path,
    stage_cache: Path,
    tmp_path: Path,
) -> Convert:
    """``convert`` with the tiny checkpoint, its samples, ``tmp_path / "out.edge"`` and the cache
    that ``tiny_bundle`` filled; keywords replace any of them."""

    def run(checkpoint: Path = tiny_checkpoint, **options: Any) -> ConversionReport:
        defaults: dict[str, Any] = {
            "calibration": sample_set.root,
            "output": tmp_path / "out.edge",
            "target": "rpi5",
            "max_drop": 100,
            "cache": stage_cache,
        }
        return convert(checkpoint, **{**defaults, **options})

    return run


@pytest.fixture(scope="session")
def fp32_conversion(
    tiny_checkpoint: Path,
    sample_set: SampleSet,
    tiny_bundle: Path,
    stage_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path]:
    """A conversion of the tiny checkpoint to fp32: the bundle, and a cache with what it used.

    That is the exported graphs and nothing else, whatever other tests have left in
    ``stage_cache``.
    """
    output = tmp_path_factory.mktemp("fp32") / "bundle"
    cache = tmp_path_factory.mktemp("exports") / "cache"
    shutil.copytree(stage_cache, cache)
    yesterday = time.time() - 24 * 3600
    for entry in cache.iterdir():
        os.utime(entry, (yesterday, yesterday))
    convert(
        tiny_checkpoint,
        calibration=sample_set.root,
        output=output,
        target="rpi5",
        precision="fp32",
        cache=cache,
    )
    for entry in cache.iterdir():
        # The cache notes when an entry was used last. Behind its digest (32 bytes) is a graph,
        # or an archive of embeddings.
        used = entry.stat().st_mtime > yesterday + 3600
        if not used or not entry.read_bytes()[32:].startswith(b"\x08"):
            entry.unlink()
    return output, cache


@pytest.fixture
def exports(fp32_conversion: tuple[Path, Path], tmp_path: Path) -> Callable[[], Path]:
    """``exports()`` is a new cache that holds the tiny checkpoint's exported graphs, no ranges."""
    count = itertools.count()

    def make() -> Path:
        folder = tmp_path / f"cache{next(count)}"
        shutil.copytree(fp32_conversion[1], folder)
        assert len(list(folder.iterdir())) == 4
        return folder

    return make


@pytest.fixture(scope="session")
def fp32_graphs(fp32_conversion: tuple[Path, Path]) -> dict[str, onnx.ModelProto]:
    """The exported graphs of the tiny checkpoint, by part."""
    parts = fp32_conversion[0] / "parts"
    return {path.name.split(".")[0]: onnx.load(path) for path in parts.iterdir()}
