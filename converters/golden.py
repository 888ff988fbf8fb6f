"""Golden samples: a few real inputs, and what every stage makes of them in the reference."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image

from edge_sdk.bundle.golden import EMBEDDING, FEATURES, LOGITS, Arrays, encode_arrays
from edge_sdk.bundle.manifest import GoldenSample
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.media import features_of
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import Sample, SampleSet

from .gate import head_feed
from .reference import Reference

COUNT = 4
# Larger pictures are shrunk: a golden sample is to prove the stages, not to carry megapixels.
_LONGEST_SIDE = 640


class Golden(msgspec.Struct, frozen=True):
    """Golden samples for the manifest, and the files that go with them."""

    samples: tuple[GoldenSample, ...]
    files: dict[str, bytes]
    expected: tuple[Arrays, ...]


def pick(samples: Sequence[Sample], modalities: Sequence[str]) -> list[Sample]:
    """Samples to be golden: whole ones evenly over the set, the last one with a gap if any."""
    wanted = set(modalities)
    whole = [s for s in samples if wanted <= set(s.modalities)]
    gaps = [s for s in samples if wanted & set(s.modalities) and not wanted <= set(s.modalities)]
    pool = whole or gaps
    count = min(COUNT - bool(whole and gaps), len(pool))
    spread = [pool[i * len(pool) // count] for i in range(count)]
    return spread + gaps[: 1 if whole else 0]


def make_golden(
    samples: SampleSet,
    picked: Sequence[Sample],
    frontends: Frontends,
    graphs: Mapping[str, onnx.ModelProto],
) -> Golden:
    """Golden samples whose expected values come from ``graphs`` run as they are written.

    ``graphs`` are the shipped ones: an encoder a modality, then ``head``.
    """
    references = {name: Reference(graph) for name, graph in graphs.items()}
    made, files, expected = [], {}, []
    for number, sample in enumerate(picked):
        folder = f"golden/{number:02}"
        entry, inputs = _inputs(samples, sample, frontends, folder)
        files.update(inputs)
        features = {}
        for modality in entry.modalities:
            source = getattr(entry, modality)
            value = source if modality == "text" else io.BytesIO(inputs[source])
            features[modality] = features_of(frontends, modality, value)
        values = expected_values(frontends.modalities, features, references)
        files[entry.expected] = encode_arrays(values)
        expected.append(values)
        made.append(entry)
    return Golden(tuple(made), files, tuple(expected))


def expected_values(
    modalities: Sequence[str],
    features: Mapping[str, NDArray[np.generic]],
    references: Mapping[str, Reference],
) -> Arrays:
    """Features, embeddings and logits of one sample, by stage name."""
    values: Arrays = {f"{FEATURES}.{name}": value for name, value in features.items()}
    embeddings = {
        name: references[name].run({"features": value})["embedding"]
        for name, value in features.items()
    }
    values |= {f"{EMBEDDING}.{name}": value for name, value in embeddings.items()}
    sizes = {name: references[name].width for name in modalities}
    logits = references["head"].run(head_feed(modalities, embeddings, sizes))
    return values | {f"{LOGITS}.{name}": value for name, value in logits.items()}


def _inputs(
    samples: SampleSet, sample: Sample, frontends: Frontends, folder: str
) -> tuple[GoldenSample, dict[str, bytes]]:
    """The sample as a device would meet it: mono 16-bit WAV at the front-end's rate, PNG, text."""
    files: dict[str, bytes] = {}
    audio = image = text = None
    if sample.audio is not None and "audio" in frontends.modalities:
        audio = f"{folder}/audio.wav"
        config = frontends.audio.config
        files[audio] = _wav(read_recording(samples.path(sample.audio), config), config.rate)
    if sample.image is not None and "image" in frontends.modalities:
        image = f"{folder}/image.png"
        files[image] = _png(read_picture(samples.path(sample.image)))
    if "text" in frontends.modalities:
        text = sample.text
    expected = f"{folder}/expected.npz"
    entry = GoldenSample(id=sample.id, audio=audio, image=image, text=text, expected=expected)
    return entry, files


def _wav(x: NDArray[np.float32], rate: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(np.rint(x * 32768), -32768, 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _png(frame: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(frame)
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
