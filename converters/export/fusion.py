"""The parts of the reference fusion model, as specifications for the exporter."""

from __future__ import annotations

import torch

from edge_sdk.frontends.config import FrontendsConfig

from ..checkpoint import Checkpoint
from ..fusion.audio import GruAudioEncoder, TcnAudioEncoder
from ..fusion.steps import AudioStep
from ..parts import PartSpec, StepSpec

# Frames and tokens of the example; the graphs take any number.
_FRAMES, _TOKENS = 200, 12
# Frames of a step where a graph has one length: 80 ms, two strides of the trunk.
_STEP = 8


def part_specs(checkpoint: Checkpoint) -> list[PartSpec]:
    """One specification an encoder, in the order of the modalities, then the head's."""
    model, config = checkpoint.model, checkpoint.config
    parts = model.parts()
    modalities = [name for name in parts if name != "head"]
    specs = [_encoder(name, parts[name], config.frontends) for name in modalities]
    widths = model.embedding_sizes
    generator = torch.Generator().manual_seed(0)
    example = [torch.randn(1, widths[name], generator=generator) for name in modalities]
    specs.append(
        PartSpec(
            name="head",
            module=parts["head"],
            example=(*example, torch.ones(1, len(modalities))),
            inputs=(*modalities, "mask"),
            outputs=model.head_names,
        )
    )
    return specs


def _encoder(name: str, module: torch.nn.Module, config: FrontendsConfig) -> PartSpec:
    dynamic: dict[str, tuple[int, str]] = {}
    lengths: tuple[int, ...] = ()
    spans: dict[str, tuple[int, int]] = {}
    step: StepSpec | None = None
    if name == "audio":
        assert config.audio is not None
        example = torch.randn(1, _FRAMES, config.audio.bands)
        dynamic, lengths = {"features": (1, "frames")}, (1, 7, 61, 300)
        assert isinstance(module, (GruAudioEncoder, TcnAudioEncoder))
        stepping = AudioStep(module.eval(), config.audio.bands)
        step = StepSpec(module=stepping, frames=_STEP, states=stepping.states())
    elif name == "image":
        assert config.image is not None
        example = torch.randn(1, 3, config.image.height, config.image.width)
    elif name == "text":
        assert config.text is not None
        tokens = len(config.text.vocabulary)
        example = torch.arange(_TOKENS).remainder(tokens)[None]
        example[0, -1] = tokens - 1
        longest = config.text.max_tokens
        dynamic, spans = {"features": (1, "tokens")}, {"features": (1, longest)}
        lengths = tuple(sorted({1, min(3, longest), min(17, longest), longest}))
    else:
        assert config.video is not None
        frame = config.video.frame
        example = torch.randn(1, config.video.frames, 3, frame.height, frame.width)
    return PartSpec(
        name=name,
        module=module,
        example=(example,),
        inputs=("features",),
        outputs=("embedding",),
        dynamic=dynamic,
        lengths=lengths,
        spans=spans,
        step=step,
    )
