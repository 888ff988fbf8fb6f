"""What the entries of a manifest must say of each other, beyond what their types demand."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import BundleError
from .manifest import Manifest


def check_consistent(manifest: Manifest, where: str) -> None:
    """See that the parts, heads, files and front-ends of ``manifest`` fit together.

    Raises:
        BundleError: they do not.
    """
    for wrong in _contradictions(manifest):
        raise BundleError(f"The manifest of {where} contradicts itself: {wrong}.")


def _contradictions(manifest: Manifest) -> Iterator[str]:
    encoders = tuple(part.name for part in manifest.encoders)
    if encoders != manifest.frontends.modalities:
        yield f"encoders for {encoders}, front-ends for {manifest.frontends.modalities}"
    head = manifest.head
    if any(len(part.inputs) != 1 or len(part.outputs) != 1 for part in manifest.encoders):
        yield "an encoder has other than one input and one output"
    if len(head.inputs) != len(encoders) + 1:
        yield "the head does not take one embedding an encoder and the mask"
    widths = {spec.name: spec.shape[-1] for spec in head.outputs if spec.shape}
    if not manifest.heads:
        yield "it has no heads"
    for entry in manifest.heads:
        if not widths.get(entry.name) == len(entry.labels) == len(set(entry.labels)):
            yield f"the labels of the head {entry.name!r} are not those of the graph's output"
    for part in manifest.parts:
        if not part.variants:
            yield f"the part {part.name} has no graph"
    named = [variant.file for part in manifest.parts for variant in part.variants]
    for sample in manifest.golden:
        named += [name for name in (sample.audio, sample.image, sample.expected) if name]
        if not set(sample.modalities) <= set(encoders):
            yield f"the golden sample {sample.id} has a modality that the model does not take"
    for name in named:
        if name not in manifest.files:
            yield f"the file {name!r} is not in its table of files"
