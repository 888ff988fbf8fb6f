"""The encoders: padding changes nothing, and audio never looks into the future."""

from __future__ import annotations

from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from edge_sdk.converters.fusion.audio import AudioEncoder, build_audio
from edge_sdk.converters.fusion.image import ImageEncoder
from edge_sdk.converters.fusion.text import TextEncoder, build_text
from edge_sdk.converters.fusion.video import VideoEncoder

from .conftest import AUDIO, BANDS, CNN, SIDE, TEXT, VIDEO, WORDS

M = TypeVar("M", bound=nn.Module)
LENGTHS = (1, 2, 3, 4, 5, 8, 17, 61)


def settle(module: M, *inputs: Tensor) -> M:
    """Give the batch norms statistics that are not the trivial ones, then switch to inference."""
    module.train()
    for _ in range(3):
        module(*inputs)
    return module.eval()


@pytest.fixture(params=sorted(AUDIO))
def audio(request: pytest.FixtureRequest) -> AudioEncoder:
    torch.manual_seed(1)
    return settle(build_audio(AUDIO[request.param], BANDS), torch.randn(8, 40, BANDS))


@pytest.fixture(params=sorted(TEXT))
def text(request: pytest.FixtureRequest) -> TextEncoder:
    torch.manual_seed(1)
    return build_text(TEXT[request.param], WORDS, 64).eval()


@torch.no_grad()
def test_padded_audio_batch_equals_single_recordings(audio: AudioEncoder) -> None:
    singles = [torch.randn(1, n, BANDS) for n in LENGTHS]
    padded = torch.full((len(LENGTHS), max(LENGTHS), BANDS), 9.0)
    for row, single in enumerate(singles):
        padded[row, : single.shape[1]] = single[0]
    joint = audio(padded, torch.tensor(LENGTHS))
    alone = torch.cat([audio(single) for single in singles])
    assert joint.shape == (len(LENGTHS), audio.embedding)
    torch.testing.assert_close(joint, alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_audio_trunk_never_sees_the_future(audio: AudioEncoder) -> None:
    x = torch.randn(1, 50, BANDS)
    whole = audio.trunk(x)
    for frames in (1, 2, 4, 5, 13, 49):
        prefix = audio.trunk(x[:, :frames])
        assert prefix.shape[2] == -(-frames // 4)
        torch.testing.assert_close(prefix, whole[:, :, : prefix.shape[2]], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_changed_later_frames_leave_a_prefix_embedding_alone(audio: AudioEncoder) -> None:
    x = torch.randn(1, 50, BANDS)
    changed = x.clone()
    changed[:, 20:] = 7.0
    at_20 = torch.tensor([20])
    torch.testing.assert_close(audio(x, at_20), audio(changed, at_20))
    torch.testing.assert_close(audio(x, at_20), audio(x[:, :20]), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(audio(x), audio(changed))


@torch.no_grad()
def test_audio_streams_in_chunks_with_only_its_context(audio: AudioEncoder) -> None:
    """What streams build on: each convolution needs its ``context`` last inputs, no more."""
    x = torch.randn(1, BANDS, 48)
    first = audio.trunk.first
    whole = first(x)
    held = torch.zeros(1, BANDS, first.context)
    pieces = []
    for chunk in x.split(8, dim=2):
        joint = torch.cat((held, chunk), dim=2)
        pieces.append(first.conv(joint))
        held = joint[:, :, joint.shape[2] - first.context :]
    torch.testing.assert_close(torch.cat(pieces, dim=2), whole, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_padded_text_batch_equals_single_texts(text: TextEncoder) -> None:
    lengths = (1, 2, 5, 11)
    singles = [torch.randint(1, WORDS, (1, n)) for n in lengths]
    padded = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    for row, single in enumerate(singles):
        padded[row, : single.shape[1]] = single[0]
    joint = text(padded, torch.tensor(lengths))
    alone = torch.cat([text(single) for single in singles])
    torch.testing.assert_close(joint, alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_word_order_matters(text: TextEncoder) -> None:
    ids = torch.tensor([[2, 3, 4, 5]])
    assert not torch.allclose(text(ids), text(ids.flip(1)), atol=1e-4)


@pytest.mark.parametrize("kind", sorted(VIDEO))
@torch.no_grad()
def test_padded_clips_equal_single_clips(kind: str) -> None:
    torch.manual_seed(1)
    encoder = settle(VideoEncoder(VIDEO[kind]), torch.randn(2, 3, 3, SIDE, SIDE))
    clips = torch.randn(2, 4, 3, SIDE, SIDE)
    joint = encoder(clips, torch.tensor([2, 4]))
    alone = torch.cat([encoder(clips[:1, :2]), encoder(clips[1:])])
    assert joint.shape == (2, encoder.embedding)
    torch.testing.assert_close(joint, alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("side", [16, 33, 96])
def test_image_encoder_takes_any_size_and_rows_are_independent(side: int) -> None:
    encoder = settle(ImageEncoder(CNN), torch.randn(4, 3, SIDE, SIDE))
    pixels = torch.randn(3, 3, side, side)
    joint = encoder(pixels)
    assert joint.shape == (3, encoder.embedding)
    torch.testing.assert_close(joint[1:2], encoder(pixels[1:2]), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_dynamic_time_survives_export(audio: AudioEncoder) -> None:
    # torch specialises sizes 0 and 1, and four frames are one step: trace from two steps on
    time = torch.export.Dim("time", min=5, max=3000)
    program = torch.export.export(
        audio.trunk, (torch.randn(1, 61, BANDS),), dynamic_shapes=({1: time},)
    )
    for frames in (7, 40, 133):
        x = torch.randn(1, frames, BANDS)
        torch.testing.assert_close(program.module()(x), audio.trunk(x), atol=1e-5, rtol=1e-5)
