"""Small parts and their TFLite graphs, each made once a test run: the converter takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from edge_sdk.converters.checkpoint.content import Checkpoint
from edge_sdk.converters.export.fusion import part_specs
from edge_sdk.converters.export.tflite import export_tflite
from edge_sdk.converters.export.tflite_quantise import quantise_tflite
from edge_sdk.converters.export.tflite_recipes import TflitePrecision
from edge_sdk.converters.fusion.config import GruText
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.parts import PartSpec

from .converters.fusion.conftest import tiny

_TEXT_GRU = tiny(audio=None, image=False, text="gru")
_WIDE_GRU = GruText(width=256, hidden=256, embedding=8, dropout=0.0)
SIZES = {"frames": 24, "tokens": 8}
KINDS = {
    "audio gru": ("audio", tiny(audio="gru", image=False, text=None)),
    "audio tcn": ("audio", tiny(audio="tcn", image=False, text=None)),
    "image": ("image", tiny(audio=None, text=None)),
    "large image": ("image", tiny(audio=None, text=None, side=128)),
    "text gru": ("text", _TEXT_GRU),
    "large text gru": (
        "text",
        replace(_TEXT_GRU, model=replace(_TEXT_GRU.model, text=_WIDE_GRU)),
    ),
    "text transformer": ("text", tiny(audio=None, image=False, text="transformer")),
    "video gru": ("video", tiny(audio=None, image=False, text=None, video="gru")),
    "head concat": ("head", tiny(fusion="concat")),
    "head attention": ("head", tiny(fusion="attention")),
}
PADDED = tuple(kind for kind, (part, _) in KINDS.items() if part in ("audio", "text"))


@cache
def spec_of(kind: str) -> PartSpec:
    """The specification of an untrained part, its norms' statistics not trivial."""
    part, config = KINDS[kind]
    torch.set_num_threads(1)
    model = FusionModel(config, seed=3).eval()
    generator = torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) - 0.5)
        elif name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    checkpoint = Checkpoint(config=config, model=model, digest="")
    return next(spec for spec in part_specs(checkpoint) if spec.name == part)


@cache
def fp32(kind: str) -> bytes:
    """The part's float graph."""
    return export_tflite(spec_of(kind), sizes=SIZES)


@cache
def quantised(kind: str, precision: TflitePrecision) -> bytes:
    """The part's graph in another precision, calibrated on 32 inputs."""
    return quantise_tflite(fp32(kind), precision, feeds(kind, 32), part=kind)


def size_of(kind: str) -> int:
    """How long the part's padded input is in its graph."""
    return SIZES[spec_of(kind).dynamic["features"][1]]


def feed(kind: str, length: int | None = None, seed: int = 0) -> dict[str, NDArray[np.generic]]:
    """One input set of the part, ``length`` long where it has a length."""
    rng = np.random.default_rng(seed)
    spec = spec_of(kind)
    found: dict[str, NDArray[np.generic]] = {}
    for name, value in zip(spec.inputs, spec.example, strict=True):
        shape = list(value.shape)
        if name in spec.dynamic:
            shape[spec.dynamic[name][0]] = size_of(kind) if length is None else length
        if name == "mask":
            found[name] = np.ones(shape, np.float32)
        elif value.dtype.is_floating_point:
            found[name] = rng.standard_normal(shape).astype(np.float32)
        else:
            found[name] = rng.integers(0, int(value.max()) + 1, shape)
    return found


def feeds(kind: str, count: int, first: int = 100) -> Iterator[dict[str, NDArray[np.generic]]]:
    """``count`` input sets of several lengths."""
    for seed in range(first, first + count):
        length = 1 + seed % size_of(kind) if kind in PADDED else None
        yield feed(kind, length, seed)


def torch_outputs(
    kind: str, inputs: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.float32]]:
    """What the module itself gives, unpadded."""
    spec = spec_of(kind)
    with torch.no_grad():
        assert spec.module is not None
        made = spec.module(*(torch.from_numpy(inputs[name]) for name in spec.inputs))
    made = made if isinstance(made, tuple) else (made,)
    return {name: tensor.numpy() for name, tensor in zip(spec.outputs, made, strict=True)}
