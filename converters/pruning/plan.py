"""What to prune and how to recover, as plain data: part of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edge_sdk.errors import UsageError

Share = Annotated[float, Meta(ge=0, lt=1)]
Budget = Annotated[float, Meta(gt=0, le=1)]
Count = Annotated[int, Meta(ge=1)]


class _Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Msgspec hands ``forbid_unknown_fields`` down, but not ``kw_only``: each class repeats it."""


class Recovery(_Plan, frozen=True, kw_only=True):
    """How a pruned model gets its accuracy back.

    Attributes:
        method: ``distil`` trains on the training share of the data with the unpruned model as
            teacher (logits and embeddings); ``batch-norm`` only estimates the running statistics
            of batch norms again, without labels; ``none`` leaves the raw model.
        finetune: ``package.module:function`` of the user's, called with the pruned model and a
            :class:`~edge_sdk.converters.pruning.data.RecoveryData`, instead of the loop here.
        epochs: most epochs over the training share.
        patience: epochs without a better validation score before it stops.
        minutes: bound of the training's time on the processor.
        rate: highest learning rate.
        batch: examples a step.
        teacher_weight: share of the teacher's answers in the loss.
        embedding_weight: share of the distance between the embeddings and the teacher's, where
            their widths are kept.
    """

    method: Literal["distil", "batch-norm", "none"] = "distil"
    finetune: str | None = None
    epochs: Count = 10
    patience: Count = 3
    minutes: Annotated[float, Meta(gt=0)] = 15.0
    rate: Annotated[float, Meta(gt=0)] = 1e-3
    batch: Count = 32
    teacher_weight: Annotated[float, Meta(ge=0)] = 1.0
    embedding_weight: Annotated[float, Meta(ge=0)] = 0.5

    @property
    def trains(self) -> bool:
        """Whether anything is learned from samples."""
        return self.method != "none"


class Mask(_Plan, frozen=True, kw_only=True):
    """Weights set to zero in their place; shapes stay.

    ``magnitude`` zeroes the ``ratio`` smallest weights of each layer, ``2:4`` the two smallest
    of each four along a layer's inputs (the pattern of TensorRT's sparse kernels).
    """

    kind: Literal["magnitude", "2:4"] = "magnitude"
    ratio: Share = 0.5


class PruningPlan(_Plan, frozen=True, kw_only=True):
    """What to take away.

    Give one of ``ratio``, ``macs`` and ``latency``; or ``mask`` alone. With ``mask`` and one of
    them, the mask is put on what is left ("hybrid").

    Attributes:
        ratio: share of the channels to remove, over the whole model.
        macs: share of the multiply-accumulates to keep, over the whole model.
        latency: share of the measured milliseconds to keep; needs a measuring callback.
        parts: the share of channels to remove of single parts, instead of ``ratio``; 0 keeps a
            part as it is. A part that is named here takes no part in the search for a budget.
        criterion: a registered measure of importance: ``l1``, ``l2``, ``taylor``, ``batch-norm``.
        normalise: how layers are compared: ``mean`` divides by the mean of the layer, ``rank``
            takes the same share of every layer, ``none`` compares the raw values.
        keep_embeddings: the embeddings between encoders and head keep their widths, so that a
            pruned encoder fits the unpruned head and the other way round.
        round_to: widths are kept at multiples of this where they are wide enough; the engines'
            kernels work on blocks of 8 or 16 channels.
        max_ratio: the largest share that is taken of any one layer.
        keep: layers left as they are, by name (``*`` and ``?`` match).
        mask: zeros in place.
        recovery: what follows.
        samples: samples for a criterion that needs data.
        seed: of everything that is drawn.
    """

    ratio: Share | None = None
    macs: Budget | None = None
    latency: Budget | None = None
    parts: dict[str, Share] = {}
    criterion: str = "taylor"
    normalise: Literal["mean", "rank", "none"] = "mean"
    keep_embeddings: bool = True
    round_to: Count = 8
    max_ratio: Annotated[float, Meta(gt=0, lt=1)] = 0.85
    keep: tuple[str, ...] = ()
    mask: Mask | None = None
    recovery: Recovery = Recovery()
    samples: Count = 128
    seed: int = 0

    def __post_init__(self) -> None:
        given = [name for name in ("ratio", "macs", "latency") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} contradict each other; give one of them")
        if not given and not self.parts and self.mask is None:
            raise ValueError("nothing to prune: give ratio, macs, latency, parts or mask")

    @property
    def structured(self) -> bool:
        """Whether shapes shrink."""
        return bool(self.parts) or any(
            value is not None for value in (self.ratio, self.macs, self.latency)
        )


def as_plan(content: Any, where: str | Path = "the plan") -> PruningPlan:
    """A decoded table of a TOML file as a plan.

    Raises:
        UsageError: a field is unknown or out of range, or fields contradict each other.
    """
    try:
        return msgspec.convert(content, PruningPlan)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} is no pruning plan: {error}.") from error
