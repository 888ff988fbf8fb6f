"""What the entries of a manifest must say of each other, beyond what their types demand."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import BundleError
from .manifest import FULL, Manifest

# Type and rank of what each front-end gives.
_FEATURES = {
    "audio": ("float32", 3),
    "image": ("float32", 4),
    "text": ("int64", 2),
    "video": ("float32", 5),
}


def check_consistent(manifest: Manifest, where: str) -> None:
    """See that the parts, heads, files and front-ends of ``manifest`` fit together.

    Raises:
        BundleError: they do not.
    """
    for wrong in _contradictions(manifest):
        raise BundleError(f"The manifest of {where} contradicts itself: {wrong}.")


def _contradictions(manifest: Manifest) -> Iterator[str]:
    yield from _parts(manifest)
    yield from _heads(manifest)
    yield from _ladder(manifest)
    yield from _editions(manifest)
    named = [variant.file for part in manifest.parts for variant in part.variants]
    yield from _streams(manifest)
    streams = [v.streaming for part in manifest.parts for v in part.variants if v.streaming]
    named += [streaming.file for streaming in streams]
    modalities = set(manifest.frontends.modalities)
    for sample in manifest.golden:
        named += sample.files
        if not set(sample.modalities) <= modalities:
            yield f"the golden sample {sample.id} has a modality that the model does not take"
    for name in named:
        if name not in manifest.files:
            yield f"the file {name!r} is not in its table of files"


def _parts(manifest: Manifest) -> Iterator[str]:
    modalities = manifest.frontends.modalities
    encoders = [part.name for part in manifest.encoders]
    if encoders != [name for name in modalities if name in encoders]:
        yield f"encoders for {', '.join(encoders)}, front-ends for {', '.join(modalities)}"
    if any(len(part.inputs) != 1 or len(part.outputs) != 1 for part in manifest.encoders):
        yield "an encoder has other than one input and one output"
    taken = {spec.name for spec in manifest.head.inputs} - {"mask"}
    if taken != set(modalities):
        yield f"the head takes {', '.join(sorted(taken))}, front-ends for {', '.join(modalities)}"
    for part in manifest.parts:
        if not part.variants:
            yield f"the part {part.name} has no graph"
    given = {part.name: part.outputs[0] for part in manifest.encoders if part.outputs}
    for spec in manifest.head.inputs:
        form = (spec.dtype, len(spec.shape))
        if spec.name in given:
            fits = (given[spec.name].dtype, given[spec.name].shape) == (spec.dtype, spec.shape)
        else:
            fits = form == _FEATURES.get(spec.name, form)
        if not fits:
            yield f"what the head takes of {spec.name} is not what it is given"


def _heads(manifest: Manifest) -> Iterator[str]:
    widths = {spec.name: spec.shape[-1] for spec in manifest.head.outputs if spec.shape}
    if not manifest.heads:
        yield "it has no heads"
    for entry in manifest.heads:
        wanted = 1 if entry.task == "binary" else len(entry.labels)
        distinct = len(set(entry.labels)) == len(entry.labels)
        if widths.get(entry.name) != wanted or not distinct:
            yield f"the labels of the head {entry.name!r} are not those of the graph's output"
        if entry.task == "binary" and len(entry.labels) != 2:
            yield f"the binary head {entry.name!r} has {len(entry.labels)} labels"


def _editions(manifest: Manifest) -> Iterator[str]:
    if not manifest.editions:
        yield "it has no edition"
    files = {part.name: {variant.file for variant in part.variants} for part in manifest.parts}
    encoders = {part.name for part in manifest.encoders}
    for name, edition in manifest.editions.items():
        taken = set(manifest.modalities_of(name))
        for part, known in files.items():
            if part in encoders and part not in taken:
                if part in edition.parts:
                    yield f"the edition {name} has the part {part} and does not answer on it"
            elif edition.parts.get(part) not in known:
                yield f"the edition {name} names no variant of the part {part}"
        for sample in manifest.golden:
            # A sample of text alone may say nothing of its modalities to an edition for audio.
            if name not in sample.expected and (
                not edition.modalities or taken & set(sample.modalities)
            ):
                yield f"the golden sample {sample.id} expects nothing of the edition {name}"


def _streams(manifest: Manifest) -> Iterator[str]:
    for part in manifest.parts:
        for streaming in (variant.streaming for variant in part.variants):
            if streaming is None:
                continue
            if part.role != "encoder" or part.name != "audio":
                yield f"the part {part.name} has a streaming form, and only audio streams"
            names = [n for state in streaming.states for n in (state.input, state.output)]
            sizes = [size for state in streaming.states for size in state.shape]
            if streaming.frames < 1 or len(set(names)) != len(names) or min(sizes, default=1) < 1:
                yield f"the streaming form of the part {part.name} is malformed"


def _ladder(manifest: Manifest) -> Iterator[str]:
    ladder, all_modalities = manifest.ladder, manifest.frontends.modalities
    if ladder[:1] != (FULL,) or len(set(ladder)) != len(ladder):
        yield f"its ladder must have {FULL} first and every rung once, not {', '.join(ladder)}"
    standing = {edition.rung for edition in manifest.editions.values()}
    for rung in ladder:
        if manifest.editions and rung not in standing:
            yield f"no edition stands on the rung {rung}"
    masked = any(spec.name == "mask" for spec in manifest.head.inputs)
    for name, edition in manifest.editions.items():
        engine = edition.engine or (name if edition.rung == FULL else "")
        if name != (engine if edition.rung == FULL else f"{engine}.{edition.rung}"):
            yield f"the edition {name} is for {engine or 'no engine'} on the rung {edition.rung}"
        if edition.rung not in ladder:
            yield f"the edition {name} stands on the rung {edition.rung}, which its ladder lacks"
        if edition.rung != FULL and engine not in manifest.editions:
            yield f"the edition {name} is cheaper than an edition that is not there"
        if edition.modalities:
            if edition.modalities != tuple(m for m in all_modalities if m in edition.modalities):
                yield f"the edition {name} answers on {', '.join(edition.modalities)}"
            if edition.rung == FULL:
                yield f"the edition {name} is {FULL} and does not answer on every modality"
            if not masked:
                yield f"the edition {name} leaves modalities out, and the head takes no mask"
