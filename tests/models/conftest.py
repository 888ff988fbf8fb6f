"""What the tests of foreign models share: a small sample set, and a way to convert and compare.

`held` converts a model and holds the bundle against the module itself: it computes the features
with the SDK's front-ends, gives them to the module as its author would, and compares.
"""

from __future__ import annotations

import textwrap
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.bundle.heads import probabilities
from edge_sdk.converters import convert_targets
from edge_sdk.converters.reference import Reference
from edge_sdk.samples import Sample, write_index
from edge_sdk.targets import Precision, load_target

WORDS = ("good", "bad", "film", "nice", "dull", "plot")
RATE = 16000
#: Seconds of audio (6 to 150 frames) and counts of words at which answers are compared.
LENGTHS = ((0.08, 1), (0.6, 4), (1.5, 9))
SAMPLES = 32
ENGINES = ("onnxruntime", "litert", "tensorrt")


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in noise, coloured squares, words, short clips: every modality in every sample."""
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    made = []
    for i in range(SAMPLES):
        _write_tone(root / f"{i}.wav", rng, float(rng.uniform(0.3, 0.8)))
        Image.fromarray(picture(rng)).save(root / f"{i}.png")
        text = " ".join(rng.choice(WORDS, int(rng.integers(1, 8))))
        # No labels: random weights know no truth, the gate then asks for equal answers.
        made.append(Sample(id=str(i), audio=f"{i}.wav", image=f"{i}.png", text=text))
    write_index(root, made)
    return root


def tone(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A tone in noise, float32 [n]."""
    times = np.arange(int(seconds * RATE)) / RATE
    wave_ = 0.3 * np.sin(2 * np.pi * rng.uniform(200, 3000) * times)
    return (wave_ + 0.05 * rng.normal(size=len(times))).astype(np.float32)


def picture(rng: np.random.Generator) -> np.ndarray:
    """A square on a ground, uint8 [40, 48, 3]."""
    frame = np.full((40, 48, 3), rng.integers(0, 255, 3), np.uint8)
    top, left = rng.integers(0, 20, 2)
    frame[top : top + 16, left : left + 16] = rng.integers(0, 255, 3)
    return frame


def _write_tone(path: Path, rng: np.random.Generator, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((tone(rng, seconds) * 32767).astype("<i2").tobytes())


class Held:
    """Converts into bundles and compares; see the module."""

    def __init__(self, samples: Path, folder: Path) -> None:
        self.samples, self.folder = samples, folder
        (folder / "words.txt").write_text("\n".join(("[pad]", "[unk]", *WORDS)) + "\n")

    def spec(self, text: str) -> Path:
        """A spec file beside the vocabulary ``words.txt``."""
        path = self.folder / "model.toml"
        path.write_text(textwrap.dedent(text))
        return path

    def convert(self, model: Any, spec: str) -> dict[str, Path]:
        """Bundles by precision; the profile is fixed, so that every machine makes the same."""
        profile = load_target("x86-64-v3")
        targets = [
            msgspec.structs.replace(profile, name=kind, precisions=(kind,))
            for kind in ("fp32", "int8")
        ]
        outcomes = convert_targets(
            model, targets, spec=self.spec(spec), calibration=self.samples, output=self.folder,
            max_drop=100, cache=None,
        )  # fmt: skip
        made = {}
        for outcome in outcomes:
            assert outcome.report is not None, str(outcome.error)
            made[outcome.target] = Path(outcome.report.output)
        return made

    def everywhere(
        self,
        model: Any,
        spec: str,
        wanted: Callable[[Mapping[str, Tensor]], Any],
        *,
        rough: float = 0.1,
        fallbacks: Mapping[str, str] | None = None,
        precisions: Sequence[str] = ("float", "int8"),
    ) -> None:
        """Convert for three engines in one run; every engine answers as the module does.

        In float the answers are the module's to 1e-4 (5e-3 in TensorRT's fp16), in int8 to
        ``rough``. ``fallbacks`` are the parts that LiteRT is known not to express, with words of
        the reason that the report must have. Where TensorRT's compiler is installed, the
        conversion itself has compiled every graph of the kit.
        """
        profile = load_target("x86-64-v3")
        kinds: dict[str, tuple[Precision, ...]] = {"float": ("fp32", "fp16"), "int8": ("int8",)}
        targets = [
            msgspec.structs.replace(profile, name=kind, precisions=kinds[kind])
            for kind in precisions
        ]
        outcomes = convert_targets(
            model, targets, spec=self.spec(spec), calibration=self.samples, output=self.folder,
            max_drop=100, cache=self.folder / "cache", engines=ENGINES,
        )  # fmt: skip
        for outcome in outcomes:
            assert outcome.report is not None, str(outcome.error)
            made = {e.engine: e for e in outcome.report.editions}
            assert tuple(made) == ENGINES
            for engine in ENGINES:
                known = (fallbacks or {}) if engine == "litert" else {}
                fell = {p.name: p.rejected[-1] for p in made[engine].parts if p.engine != engine}
                assert fell.keys() == known.keys(), fell
                for part, words in known.items():
                    assert words in fell[part]
                exact = 5e-3 if engine == "tensorrt" else 1e-4
                limit = exact if outcome.target == "float" else rough
                path = Path(str(outcome.report.output))
                error = self.same(path, wanted, tolerance=limit, engine=engine)
                print(f"parity: {outcome.target} {engine} {error:.1e}")

    def same(
        self,
        bundle: Path,
        wanted: Callable[[Mapping[str, Tensor]], Any],
        lengths: Any = LENGTHS,
        tolerance: float = 1e-4,
        engine: str = "onnxruntime",
    ) -> float:
        """The largest error of the probabilities against ``wanted`` over ``lengths``.

        ``wanted`` takes the features by modality, as the SDK's front-ends give them, and gives
        the first head's output. TensorRT's graphs run in ONNX Runtime.
        """
        rng = np.random.default_rng(1)
        worst, outputs = 0.0, []
        kit = engine == "tensorrt"
        with FusionSession.open(bundle, engine="onnxruntime" if kit else engine) as session:
            head = session.bundle.manifest.heads[0]
            for seconds, words in lengths:
                inputs = inputs_of(session.modalities, rng, seconds, words)
                features = {
                    name: torch.from_numpy(session.features(name, value))
                    for name, value in inputs.items()
                }
                with torch.no_grad():
                    output = wanted(features).numpy()
                outputs.append(output.ravel())
                if kit:
                    logits = _kit_outputs(session.bundle, features)[head.name]
                    answer = list(probabilities(head, logits.reshape(-1).tolist()))
                else:
                    answer = list(session.infer(**inputs).heads[head.name].probabilities.values())
                shares = np.asarray(probabilities(head, output.reshape(-1).tolist()))
                error = np.abs(shares - answer).max()
                worst = max(worst, float(error))
        assert worst <= tolerance
        assert np.ptp(outputs, axis=0).max() > 1e-3, "the net gives the same whatever it is given"
        return worst

    def both(
        self,
        model: Any,
        spec: str,
        wanted: Callable[[Mapping[str, Tensor]], Any],
        rough: float = 0.1,
    ) -> None:
        """Convert to fp32 and int8; fp32 is the module to 1e-4, int8 to ``rough``."""
        bundles = self.convert(model, spec)
        exact = self.same(bundles["fp32"], wanted)
        near = self.same(bundles["int8"], wanted, tolerance=rough)
        print(f"parity: fp32 {exact:.1e}, int8 {near:.1e}")


def _kit_outputs(bundle: Bundle, features: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """What the kit's graphs give for features of every modality, in ONNX Runtime."""
    manifest = bundle.manifest
    graphs = {
        part.name: Reference(bundle.read(manifest.variant(part, "tensorrt").file))
        for part in manifest.parts
    }
    feed = {
        name: graphs[name].run({"features": value.numpy()})["embedding"]
        if name in graphs
        else value.numpy()
        for name, value in features.items()
    }
    if "mask" in {spec.name for spec in manifest.head.inputs}:
        feed["mask"] = np.ones((1, len(features)), np.float32)
    return graphs[manifest.head.name].run(feed)


def inputs_of(
    modalities: tuple[str, ...], rng: np.random.Generator, seconds: float, words: int
) -> dict[str, Any]:
    """Raw inputs of these modalities, as :meth:`FusionSession.infer` takes them."""
    made = {
        "audio": (tone(rng, seconds), RATE),
        "image": picture(rng),
        "text": " ".join(rng.choice(WORDS, words)),
        "video": ([picture(rng) for _ in range(6)], [0.2 * i for i in range(6)]),
    }
    return {name: made[name] for name in modalities}


@pytest.fixture
def held(samples: Path, tmp_path: Path) -> Held:
    """Converts and compares."""
    torch.manual_seed(0)
    return Held(samples, tmp_path)
