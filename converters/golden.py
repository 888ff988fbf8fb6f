"""Golden samples: a few real inputs, and what every stage makes of them in the reference."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_sdk.bundle.golden import EMBEDDING, OUTPUT, Arrays, encode_arrays
from edge_sdk.bundle.manifest import GoldenSample
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.clip import read_clip
from edge_sdk.frontends.clip_stills import zip_of_stills
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.media import features_of
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import Sample, SampleSet

from .backends.protocol import Runner
from .feeds import Wiring
from .source import HEAD

COUNT = 4
# Larger pictures are shrunk: a golden sample is to prove the stages, not to carry megapixels.
_LONGEST_SIDE = 640


class GoldenInput(msgspec.Struct, frozen=True):
    """A golden sample without expected values: its inputs as files, and their features."""

    id: str
    folder: str
    sources: dict[str, str]
    files: dict[str, bytes]
    features: Arrays

    def features_for(self, modalities: Sequence[str]) -> Arrays:
        """Its features of ``modalities`` (empty: all that it has)."""
        return {n: v for n, v in self.features.items() if not modalities or n in modalities}

    @property
    def features_file(self) -> str:
        """Where the features lie in the bundle."""
        return f"{self.folder}/features.npz"

    def expected_file(self, edition: str) -> str:
        """Where an edition's expected values lie in the bundle."""
        return f"{self.folder}/expected.{edition}.npz"

    def entry(self, editions: Mapping[str, Sequence[str]]) -> GoldenSample:
        """The sample as the manifest names it.

        ``editions`` has the modalities of each edition by its name, empty for all of them.
        """
        return GoldenSample(
            id=self.id,
            features=self.features_file,
            expected={
                name: self.expected_file(name)
                for name, taken in editions.items()
                if self.features_for(taken)
            },
            **self.sources,
        )


def pick(samples: Sequence[Sample], wiring: Wiring) -> list[Sample]:
    """Samples to be golden: whole ones evenly over the set, the last one with a gap if any."""
    wanted = set(wiring.modalities)
    usable = [s for s in samples if wiring.takes(s.modalities)]
    whole = [s for s in usable if wanted <= set(s.modalities)]
    gaps = [s for s in usable if not wanted <= set(s.modalities)]
    pool = whole or gaps
    count = min(COUNT - bool(whole and gaps), len(pool))
    spread = [pool[i * len(pool) // count] for i in range(count)]
    return spread + gaps[: 1 if whole else 0]


def golden_inputs(
    samples: SampleSet, picked: Sequence[Sample], frontends: Frontends
) -> list[GoldenInput]:
    """The picked samples as a device would meet them, and what the front-ends make of them."""
    made = []
    for number, sample in enumerate(picked):
        folder = f"golden/{number:02}"
        sources, files = _inputs(samples, sample, frontends, folder)
        features = {}
        for modality, source in sources.items():
            value = source if modality == "text" else io.BytesIO(files[source])
            features[modality] = features_of(frontends, modality, value)
        golden = GoldenInput(sample.id, folder, sources, files, features)
        files[golden.features_file] = encode_arrays(features)
        made.append(golden)
    return made


def expected_values(wiring: Wiring, runners: Mapping[str, Runner], features: Arrays) -> Arrays:
    """Embeddings and outputs of one sample, by stage name."""
    embeddings = wiring.embed(runners, features)
    outputs = runners[HEAD].run(wiring.head_feed(embeddings))
    encoded = {
        f"{EMBEDDING}.{name}": embeddings[name] for name in embeddings if name in wiring.encoders
    }
    return encoded | {f"{OUTPUT}.{name}": value for name, value in outputs.items()}


def _inputs(
    samples: SampleSet, sample: Sample, frontends: Frontends, folder: str
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Inputs as a device meets them: names (or the text itself), and files.

    Audio is a mono 16-bit WAV at the front-end's rate, a picture a PNG, and a clip a zip of the
    PNG frames that the front-end takes.
    """
    files: dict[str, bytes] = {}
    sources: dict[str, str] = {}
    if sample.audio is not None and "audio" in frontends.modalities:
        sources["audio"] = f"{folder}/audio.wav"
        config = frontends.audio.config
        x = read_recording(samples.path(sample.audio), config)
        files[sources["audio"]] = _wav(x, config.rate)
    if sample.image is not None and "image" in frontends.modalities:
        sources["image"] = f"{folder}/image.png"
        files[sources["image"]] = _png(read_picture(samples.path(sample.image)))
    if sample.text is not None and "text" in frontends.modalities:
        sources["text"] = sample.text
    if sample.video is not None and "video" in frontends.modalities:
        sources["video"] = f"{folder}/video.zip"
        frames, times = read_clip(samples.path(sample.video), frontends.video.config)
        files[sources["video"]] = zip_of_stills([_png(frame) for frame in frames], times)
    return sources, files


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
