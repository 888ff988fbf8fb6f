"""The shapes of a pruned module of the user's, beside its weights."""

from __future__ import annotations

from pathlib import Path

import msgspec
from torch import nn

from edge_sdk.errors import CheckpointError

from ..fusion.checkpointing import WEIGHTS
from ..fusion.widths import resize, shapes_of
from .attention import split_attention

SHAPES = "pruned.json"


class PrunedShapes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What pruning changed.

    Attributes:
        split: whether torch's attention modules were split into projections.
        shapes: the shape of each weight.
    """

    split: bool
    shapes: dict[str, tuple[int, ...]]


def fit_pruned(module: nn.Module, folder: Path) -> Path:
    """Give ``module`` the shapes of a pruned folder; the path of the weights that then fit.

    Raises:
        CheckpointError: the folder is none of a pruned model, is damaged, or is of another model.
    """
    try:
        record = msgspec.json.decode((folder / SHAPES).read_bytes(), type=PrunedShapes)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} is a folder without {SHAPES}, so no pruned model; name a file of weights."
        ) from error
    except msgspec.MsgspecError as error:
        raise CheckpointError(f"{folder / SHAPES} is damaged: {error}.") from error
    if record.split:
        split_attention(module)
    own = shapes_of(module)
    changed = {name: shape for name, shape in record.shapes.items() if own.get(name) != shape}
    try:
        resize(module, changed)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder} is of another model: {error}.") from error
    return folder / WEIGHTS
