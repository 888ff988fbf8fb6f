"""torch.export programs: ``.pt2`` files."""

from __future__ import annotations

import contextlib
import hashlib
import warnings

import torch
from torch import Tensor, nn

from edge_sdk.errors import CheckpointError, UsageError

from ..source import Source
from . import Origin
from .module import source_of
from .spec import described


class Program(nn.Module):
    """A loaded program; takes its inputs by position, whatever names it was exported with."""

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        super().__init__()
        self.program = program.module()
        (_, given), tree = program.example_inputs or ((), {}), program.call_spec.in_spec
        self.named = tuple(given) if tree is not None else ()

    def forward(self, *given: Tensor) -> object:
        """What the program gives."""
        plain = given[: len(given) - len(self.named)]
        return self.program(*plain, **dict(zip(self.named, given[len(plain) :], strict=True)))


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
        try:
            with warnings.catch_warnings(), contextlib.suppress():
                warnings.simplefilter("ignore")
                program = torch.export.load(path)
        except Exception as error:  # a damaged archive makes torch raise almost anything
            raise CheckpointError(f"{path} is damaged, or no torch.export program.") from error
        digest = hashlib.sha256(told.encoded() + path.read_bytes()).hexdigest()
        return source_of(Program(program), told, stable=True, digest=digest)
