"""torch.export programs: ``.pt2`` files, read without running what they may carry."""

from __future__ import annotations

import hashlib
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edge_sdk.errors import CheckpointError, UsageError

from ..source import Source
from . import Origin
from .module import source_of
from .spec import described

# Members that torch unpickles as objects, which could run code.
_OBJECTS = ("custom_obj_", "opaque_obj_")
_FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


class Program(nn.Module):
    """A loaded program as a module that others can wrap, copy and call ``eval`` on."""

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        super().__init__()
        self.program = program.module()
        # By position here, whatever kinds of arguments the program was exported with.
        self.named = tuple(program.call_spec.in_spec.children()[1].context)

    def train(self, mode: bool = True) -> Program:
        """Nothing: a program has no modes."""
        return self

    def forward(self, *given: Tensor) -> Any:
        """What the program gives."""
        split = len(given) - len(self.named)
        named = dict(zip(self.named, given[split:], strict=True))
        return self.program(*given[:split], **named)


class ExportedSource:
    """Reads ``.pt2``."""

    description = "a torch.export program (.pt2) with --spec"

    def matches(self, origin: Origin) -> bool:
        """A file called ``*.pt2``."""
        return origin.path is not None and origin.path.suffix == ".pt2"

    def read(self, origin: Origin) -> Source:
        """Load the program; it cannot be cut any more."""
        told, path = described(origin), origin.path
        assert path is not None
        if told.spec.parts is not None:
            raise UsageError(
                f"{path} is one program and cannot be cut: leave [parts] out of the spec, or "
                "convert the nn.Module with --model."
            )
        module = Program(_load(path))
        digest = hashlib.sha256(told.encoded() + path.read_bytes()).hexdigest()
        return source_of(module, told, stable=True, digest=digest)


def _load(path: Path) -> torch.export.ExportedProgram:
    try:
        with zipfile.ZipFile(path) as archive:
            objects = [n for n in archive.namelist() if any(kind in n for kind in _OBJECTS)]
    except (OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is damaged, or no torch.export program.") from error
    if objects:
        raise CheckpointError(
            f"{path} carries objects beside tensors ({objects[0]}); loading them could run code, "
            "and it is refused. Export a module without such constants, or use --model."
        )
    try:
        with _tensors_only(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.load(path)
    except Exception as error:  # a damaged archive makes torch raise almost anything
        raise CheckpointError(
            f"{path} is damaged, made by another torch, or holds more than tensors and plain "
            f"data: torch {torch.__version__} cannot load it."
        ) from error


@contextmanager
def _tensors_only() -> Iterator[None]:
    """torch.export.load falls back to full unpickling; this switch of torch's forbids it."""
    before = os.environ.get(_FORCE)
    os.environ[_FORCE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FORCE]
        else:
            os.environ[_FORCE] = before
