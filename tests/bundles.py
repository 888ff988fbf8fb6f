"""Taking bundles apart and putting them together again, altered."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge_sdk.bundle import Bundle, Manifest, write_bundle
from edge_sdk.bundle.golden import decode_arrays, encode_arrays
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a bundle but its manifest."""
    bundle = Bundle.open(path)
    return {name: bundle.read(name) for name in bundle.manifest.files}


def rewrite(
    source: Path,
    target: Path,
    files: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> Path:
    """A consistent bundle at ``target``: ``source`` with fields of its manifest or files other."""
    manifest = msgspec.structs.replace(Bundle.open(source).manifest, **changes)
    write_bundle(target, manifest, {**contents(source), **(files or {})})
    return target


def with_golden(
    source: Path, target: Path, key: str, change: Callable[[np.ndarray], np.ndarray]
) -> Path:
    """``source`` with one value of its first golden sample changed, hashes and all.

    ``key`` is ``features.<modality>``, or a stage of the preferred edition.
    """
    bundle = Bundle.open(source)
    sample = bundle.manifest.golden[0]
    stage, _, modality = key.partition(".")
    name = sample.expected[bundle.manifest.preferred]
    if stage == "features":
        name, key = sample.features, modality
    arrays = decode_arrays(bundle.read(name), name)
    arrays[key] = change(arrays[key])
    return rewrite(source, target, {name: encode_arrays(arrays)})


def with_rungs(source: Path, target: Path) -> Path:
    """``source`` with a ladder: ``full``, ``small`` of the same graphs, and ``audio-only``.

    The expected values of ``audio-only`` are what its graphs give on audio alone.
    """
    bundle = Bundle.open(source)
    manifest = bundle.manifest
    (engine,) = manifest.ordered_editions()
    full = manifest.editions[engine]
    small = msgspec.structs.replace(full, rung="small")
    audio = msgspec.structs.replace(
        full,
        rung="audio-only",
        modalities=("audio",),
        parts={name: full.parts[name] for name in ("audio", "head")},
    )
    editions = {engine: full, f"{engine}.small": small, f"{engine}.audio-only": audio}
    files: dict[str, bytes] = {}
    golden = []
    parts = LoadedParts(bundle, engine, EngineOptions())
    for sample in manifest.golden:
        expected = dict(sample.expected)
        expected[f"{engine}.small"] = expected[engine]
        if "audio" in sample.modalities:
            values = decode_arrays(bundle.read(expected[engine]), "here")
            embedding = values["embedding.audio"]
            outputs = parts.fuse({"audio": embedding})
            name = f"golden/{sample.id}.audio-only.npz"
            found = {f"output.{head}": value for head, value in outputs.items()}
            files[name] = encode_arrays({"embedding.audio": embedding, **found})
            expected[f"{engine}.audio-only"] = name
        golden.append(msgspec.structs.replace(sample, expected=expected))
    parts.close()
    ladder = ("full", "small", "audio-only")
    return rewrite(source, target, files, editions=editions, golden=tuple(golden), ladder=ladder)


def flipped(content: bytes, position: int, bits: int = 0xFF) -> bytes:
    """``content`` with one byte changed."""
    changed = bytearray(content)
    changed[position] ^= bits
    return bytes(changed)


def zip_of(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], **how: Any) -> Path:
    """A zip with just these members, in this order."""
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def members(path: Path) -> list[tuple[str | zipfile.ZipInfo, bytes]]:
    """The members of a zip, as :func:`zip_of` takes them."""
    with zipfile.ZipFile(path) as archive:
        return [(info, archive.read(info)) for info in archive.infolist()]


def manifest_of(path: Path) -> Manifest:
    """The manifest of a sound bundle."""
    return Bundle.open(path).manifest
