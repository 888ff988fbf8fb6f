"""The form of a model that was fine-tuned for int8, and sentences on how that went."""

from __future__ import annotations

from edge_sdk.targets import TargetProfile

from .cache import StageCache
from .data import Split
from .progress import Progress
from .quantisation.plan import QuantisationPlan
from .source import Source


def tune_source(
    source: Source,
    plan: QuantisationPlan,
    profile: TargetProfile,
    split: Split,
    store: StageCache,
    progress: Progress,
) -> tuple[Source, tuple[str, ...]]:
    """``source`` fine-tuned on the training samples of ``split``, and what to say of it.

    Raises:
        UsageError: the source came as a graph.
        DataError: samples that the model cannot take, or a loss that is not finite.
    """
    # here, since it needs torch.nn and whoever fine-tunes nothing does not
    from .quantisation.finetune import finetune_quantised

    made = finetune_quantised(
        source, plan, profile=profile, training=split.training, store=store, progress=progress
    )
    report = made.report
    layers = sum(len(names) for names in made.layers.values())
    told = f"{layers} layers rounded in training on {report.samples} samples"
    if report.epochs and report.best is None:
        return made.source, (
            f"Fine-tuning for int8 ({told}) found nothing better than the weights as they were.",
        )
    epochs = f", the best of {len(report.epochs)} epochs" if report.epochs else ""
    return made.source, (f"Fine-tuned for int8: {told}{epochs}.",)
