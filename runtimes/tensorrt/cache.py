"""Compiled engines kept on the device: each behind a header that says what it was made for.

A file is ``MAGIC``, the length of the header, the header as JSON, and the engine. It is written
aside and renamed. What does not fit this machine to the letter is never given to TensorRT.
"""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import msgspec

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.errors import storage_errors
from edge_sdk.files import cache_folder, remove_leftovers, replacing

from .build import BuildFlags
from .cuda import Gpu
from .layers import Layer

MAGIC = b"edge-sdk TensorRT engine 1\n"
_LENGTH = 4
_LONGEST_HEADER = 1 << 20


class EngineKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that an engine depends on.

    Attributes:
        tensorrt: TensorRT's version, in full.
        machine: the processor architecture, as :func:`platform.machine`.
        gpu: the GPU.
        flags: how it was built.
        profiles: the shapes it takes.
        model: SHA-256 (hex) of the ONNX graph.
    """

    tensorrt: str
    machine: str
    gpu: Gpu
    flags: BuildFlags
    profiles: tuple[ShapeRange, ...]
    model: str


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: EngineKey
    size: int
    sha256: str
    layers: tuple[Layer, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """An engine that fits: its serialised form, and its layers if the build listed them."""

    plan: bytes
    layers: tuple[Layer, ...] = ()


class Missing(msgspec.Struct, frozen=True):
    """No engine that fits; ``reason`` is a clause that says why."""

    reason: str


def engine_key(
    version: str,
    gpu: Gpu,
    graph: bytes,
    profiles: tuple[ShapeRange, ...] = (),
    flags: BuildFlags | None = None,
) -> EngineKey:
    """The key of ``graph``'s engine on this machine."""
    return EngineKey(
        tensorrt=version,
        machine=platform.machine(),
        gpu=gpu,
        flags=flags or BuildFlags(),
        profiles=tuple(sorted(profiles, key=lambda profile: profile.input)),
        model=hashlib.sha256(graph).hexdigest(),
    )


class EngineCache:
    """Engines below one folder, one file a graph; the folder is made when the first is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: EngineKey) -> Path:
        """Where the engine of a graph lies. Version and GPU are in the file, not in its name:
        an engine for another is found and refused, and a new one takes its place."""
        wanted = msgspec.json.encode((key.model, key.profiles, key.flags))
        return self.root / f"{hashlib.sha256(wanted).hexdigest()[:32]}.engine"

    def find(self, key: EngineKey) -> Found | Missing:
        """The engine of ``key``, or why there is none."""
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return Missing("none has been compiled yet")
        except OSError as error:
            return Missing(f"{path} cannot be read ({error.strerror})")
        parsed = _parse(content)
        if isinstance(parsed, str):
            return Missing(f"{path} {parsed}")
        header, plan = parsed
        difference = _difference(header.key, key)
        if difference:
            return Missing(f"the one at {path} {difference}")
        return Found(plan, header.layers)

    def keep(self, key: EngineKey, plan: bytes, layers: tuple[Layer, ...] = ()) -> Path:
        """Keep an engine, in the place of one that was there; returns its path.

        Raises:
            StorageError: the folder cannot be written or is full; the old engine stays.
        """
        path = self.path(key)
        header = msgspec.json.encode(
            _Header(key=key, size=len(plan), sha256=hashlib.sha256(plan).hexdigest(), layers=layers)
        )
        with storage_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        with replacing(path) as aside, aside.open("wb") as file:
            file.write(MAGIC + len(header).to_bytes(_LENGTH, "little") + header)
            file.write(plan)
        return path


def default_engine_cache() -> Path:
    """Where the user's cache keeps them; see :func:`edge_sdk.files.cache_folder`."""
    return cache_folder("tensorrt")


def _parse(content: bytes) -> tuple[_Header, bytes] | str:
    """Header and engine, or what is wrong with the file."""
    start = len(MAGIC) + _LENGTH
    if not content.startswith(MAGIC) or len(content) < start:
        return "is no engine of this SDK"
    length = int.from_bytes(content[len(MAGIC) : start], "little")
    if length > min(_LONGEST_HEADER, len(content) - start):
        return "is damaged: its header is cut off"
    try:
        header = msgspec.json.decode(content[start : start + length], type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "is damaged, or of another version of the SDK: its header cannot be read"
    plan = content[start + length :]
    if len(plan) != header.size or hashlib.sha256(plan).hexdigest() != header.sha256:
        return "is damaged: the engine's SHA-256 does not fit"
    return header, plan


def _difference(found: EngineKey, wanted: EngineKey) -> str | None:
    if found.tensorrt != wanted.tensorrt:
        return f"was compiled by TensorRT {found.tensorrt}, and this is {wanted.tensorrt}"
    if found.machine != wanted.machine:
        return f"was compiled on {found.machine}, and this is {wanted.machine}"
    if found.gpu != wanted.gpu:
        return f"was compiled for {found.gpu}, and this is {wanted.gpu}"
    if found.model != wanted.model:
        return "was compiled from another graph"
    if found.flags != wanted.flags:
        return "was compiled with other flags"
    if found.profiles != wanted.profiles:
        return "was compiled for other shapes"
    return None
