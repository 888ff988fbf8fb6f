"""Pruned forms of a source: pruned and recovered once, kept by content."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import msgspec
from torch import nn

from edge_sdk.errors import UsageError

from .cache import StageCache
from .data import Split
from .progress import Progress
from .pruning import PruningPlan, prune_source
from .source import Source
from .works import tools


def slim_source(
    source: Source, plan: PruningPlan, split: Split, store: StageCache, progress: Progress
) -> Source:
    """``source``, pruned as ``plan`` says and recovered on the training samples of ``split``.

    Which channels go follows from the plan, the weights and the samples, in seconds; recovery takes
    minutes, so its weights are kept.

    Raises:
        UsageError: the source came as a graph, or the plan names what there is not.
        DataError: samples that the model cannot take.
    """
    from safetensors.torch import load, save

    training, recovery = split.calibration, split.recovery
    if not plan.recovery.trains:
        return prune_source(source, plan, training=training, progress=progress).source
    key = (
        f"recovered {tools()} {source.digest} {training.digest()} "
        f"{'' if recovery is None else recovery.digest()} "
        f"{msgspec.json.encode(plan).decode()} {_code(plan.recovery.finetune)}"
    )
    # A digest that does not say all that the module computes names nothing to be kept.
    content = store.find(key) if source.stable else None
    if content is None:
        made = prune_source(
            source, plan, training=training, recovery=recovery, progress=progress
        ).source
        if source.stable:
            state = _whole(made).state_dict()
            store.put(key, save({n: t.detach().clone().contiguous() for n, t in state.items()}))
        return made
    raw = msgspec.structs.replace(plan.recovery, method="none", finetune=None)
    bare = msgspec.structs.replace(plan, recovery=raw)
    made = prune_source(source, bare, training=training, progress=progress).source
    _whole(made).load_state_dict(load(content))
    return _digested(made)


def _digested(source: Source) -> Source:
    """The source with the digest of the weights that it has now."""
    from .pruning.model import Parts
    from .pruning.result import source_of

    return source_of(Parts.of(source))


def _whole(source: Source) -> nn.Module:
    if source.module is None:
        raise UsageError(
            "Pruning needs the module: this model came as a graph. Give the checkpoint, or --model."
        )
    return source.module


def _code(finetune: str | None) -> str:
    """The digest of the file that a user's own recovery is in."""
    if finetune is None:
        return ""
    try:
        file = importlib.import_module(finetune.partition(":")[0]).__file__
    except ImportError:
        return ""  # it is said where it is called
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
