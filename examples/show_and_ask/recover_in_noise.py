"""The second phase for the pruned demo model: a ``finetune`` hook, after :mod:`.recover`.

``RECOVER_START`` is what :mod:`.recover` made of the first phase, ``RECOVER_TEACHER`` the unpruned
checkpoint after its second; ``RECOVER_STATE``, a folder, keeps what is heard. What is pruned is the
checkpoint of the first phase again, so that the same channels go.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.errors import UsageError

from .data.fetch import default_cache
from .recover import begin_with, frozen, how
from .train_in_noise import Material, training_material, tune, validation_material

# What pruning left alone is taken from the teacher as it is now.
_SHARED = ("encoders.text.", "head.")
_STEPS = 60


def finetune(model: torch.nn.Module, data: Any) -> None:
    """Train the sound of ``model`` in place, with the teacher of the second phase.

    Its image encoder stays, for the teacher's did; text encoder and head become the teacher's.
    """
    start, after = os.environ.get("RECOVER_START"), os.environ.get("RECOVER_TEACHER")
    folder = os.environ.get("RECOVER_STATE")
    if not isinstance(model, FusionModel) or not start or not after:
        raise UsageError(
            "This goes on with the demo's pruned fusion model: set RECOVER_START and "
            "RECOVER_TEACHER."
        )
    begin_with(model, Path(start))
    teacher = read_checkpoint(Path(after)).model
    assert isinstance(teacher, FusionModel)
    teacher.eval()
    shared = {k: v for k, v in teacher.state_dict().items() if k.startswith(_SHARED)}
    model.load_state_dict(shared, strict=False)
    torch.set_num_threads(1)
    cache, state = default_cache(), Path(folder) if folder else None
    heard = training_material(cache, model, Material(seed=data.seed), 1, state)
    validation = validation_material(cache, model, 1, state)
    with frozen(model, teacher):
        tune(
            model,
            heard,
            validation,
            cache,
            how(data, _STEPS),
            teacher,
        )
