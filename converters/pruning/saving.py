"""A pruned model on disk: a checkpoint of a reference model, or weights of the user's own."""

from __future__ import annotations

from pathlib import Path

import msgspec
from safetensors.torch import save

from edge_sdk.errors import UsageError, storage_errors
from edge_sdk.files import check_writable, replacing

from ..fusion.checkpointing import CONFIG, WEIGHTS, save_checkpoint
from ..fusion.model import FusionModel
from ..fusion.widths import shapes_of
from .attention import SplitAttention
from .prune import PrunedSource
from .shapes import SHAPES, PrunedShapes

REPORT = "report.json"


def save_pruned(folder: str | Path, pruned: PrunedSource) -> Path:
    """Write a folder with the weights, what they fit, and ``report.json``.

    For a reference model this is a checkpoint like any other; for a module of the user's the
    weights and the shapes, which go with the same ``--model`` again: ``--weights FOLDER``.

    Raises:
        UsageError: the folder is there, and holds other things.
        StorageError: it cannot be written.
    """
    folder = Path(folder)
    check_output(folder)
    report = msgspec.json.format(msgspec.json.encode(pruned.report), indent=1) + b"\n"
    whole = pruned.source.module
    assert whole is not None
    if isinstance(whole, FusionModel):
        return save_checkpoint(folder, whole, whole.config, extra={REPORT: report})
    split = any(isinstance(m, SplitAttention) for m in whole.modules())
    record = PrunedShapes(split=split, shapes=shapes_of(whole))
    weights = {name: t.detach().contiguous().clone() for name, t in whole.state_dict().items()}
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as aside:
        aside.mkdir()
        (aside / WEIGHTS).write_bytes(save(weights))
        (aside / SHAPES).write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        (aside / REPORT).write_bytes(report)
    return folder


def check_output(folder: Path) -> None:
    """See before long work that the folder can be written and replaces nothing but a model.

    Raises:
        UsageError: it is there, and holds other things.
        StorageError: it cannot be written.
    """
    check_writable(folder)
    known = any((folder / name).is_file() for name in (CONFIG, SHAPES))
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not known):
        raise UsageError(
            f"{folder} is there and is no checkpoint: it would be replaced as a whole. Name a new "
            "folder."
        )
