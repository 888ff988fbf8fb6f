"""The model as a whole: parts, missing modalities, seeds, configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.converters.fusion.batch import Batch, Example, collate
from edge_sdk.converters.fusion.config import ModelConfig
from edge_sdk.converters.fusion.model import FusionModel, hide_modalities
from edge_sdk.errors import DataError

from .conftest import AUDIO, FUSION, TEXT, VIDEO, tiny

Toy = Callable[..., Batch]


@torch.no_grad()
def test_parts_put_together_give_the_models_answer(toy: Toy) -> None:
    model = FusionModel(tiny()).eval()
    batch = toy(model.modalities, size=1)
    parts = model.parts()
    assert list(parts) == ["audio", "image", "text", "head"]
    embeddings = [parts[name](batch.inputs[name]) for name in model.modalities]
    assert {n: e.shape[1] for n, e in zip(parts, embeddings, strict=False)} == model.embedding_sizes
    logits = parts["head"](*embeddings, torch.ones(1, 3))
    whole = model(batch)
    for name, out in zip(model.head_names, logits, strict=True):
        torch.testing.assert_close(out, whole[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fusion", sorted(FUSION))
@pytest.mark.parametrize("hidden", ["audio", "image", "text"])
@torch.no_grad()
def test_a_missing_modality_is_a_zero_embedding_whatever_it_holds(
    toy: Toy, fusion: str, hidden: str
) -> None:
    model = FusionModel(tiny(fusion=fusion)).eval()
    batch = toy(model.modalities, size=4)
    garbage = {**batch.inputs, hidden: batch.inputs[hidden] * 0 + 5}
    one = model(batch.without(hidden))
    two = model(replace(batch, inputs=garbage).without(hidden))
    sizes = model.embedding_sizes
    embeddings = [
        torch.zeros(4, sizes[name])
        if name == hidden
        else model.encoders[name](batch.inputs[name], batch.lengths[name])
        if name in batch.lengths
        else model.encoders[name](batch.inputs[name])
        for name in model.modalities
    ]
    mask = torch.tensor([[0.0 if name == hidden else 1.0 for name in model.modalities]] * 4)
    deployed = dict(zip(model.head_names, model.head(*embeddings, mask), strict=True))
    loud = [e + 100 if n == hidden else e for n, e in zip(sizes, embeddings, strict=True)]
    masked = dict(zip(model.head_names, model.head(*loud, mask), strict=True))
    for name in model.head_names:
        torch.testing.assert_close(one[name], two[name])
        torch.testing.assert_close(one[name], deployed[name], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(masked[name], deployed[name])


@pytest.mark.parametrize("fusion", sorted(FUSION))
@torch.no_grad()
def test_nothing_present_is_an_answer_not_nan(toy: Toy, fusion: str) -> None:
    model = FusionModel(tiny(fusion=fusion)).eval()
    batch = toy(model.modalities, size=2)
    for logits in model(batch.without("audio", "image", "text")).values():
        assert bool(torch.isfinite(logits).all())


def test_one_modality_alone_is_a_model_too(toy: Toy) -> None:
    model = FusionModel(tiny(audio=None, text=None, video="gru", image=False))
    assert list(model.parts()) == ["video", "head"]
    assert model(toy(("video",), size=2))["shape"].shape == (2, 3)


@given(
    rows=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=8),
    chance=st.floats(0, 0.99),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_modality_dropout_never_adds_and_never_hides_all(
    rows: list[list[bool]], chance: float, seed: int
) -> None:
    torch.manual_seed(seed)
    mask = torch.tensor(rows, dtype=torch.float32)
    hidden = hide_modalities(mask, chance)
    assert bool((hidden <= mask).all())
    assert bool(((hidden.sum(1) > 0) == (mask.sum(1) > 0)).all())


def test_the_seed_alone_sets_the_weights() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, three = (FusionModel.from_config(tiny(), seed=s) for s in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not all(
        torch.equal(a, b) for a, b in zip(one.parameters(), three.parameters(), strict=True)
    )


@pytest.mark.parametrize("audio", sorted(AUDIO))
@pytest.mark.parametrize("text", sorted(TEXT))
@pytest.mark.parametrize("video", sorted(VIDEO))
@pytest.mark.parametrize("fusion", sorted(FUSION))
def test_configuration_survives_json(audio: str, text: str, video: str, fusion: str) -> None:
    config = tiny(audio=audio, text=text, video=video, fusion=fusion)
    again = msgspec.json.decode(msgspec.json.encode(config), type=ModelConfig)
    assert again == config
    assert list(FusionModel(again).parts()) == ["audio", "image", "text", "video", "head"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"kind":"gru"', b'"kind":"lstm"'),
        (b'"hidden":8', b'"hiden":8'),
        (b'"version":1', b'"version":2'),
        (b'"shape"', b'"tone"'),
    ],
)
def test_a_wrong_configuration_is_refused(old: bytes, new: bytes) -> None:
    encoded = msgspec.json.encode(tiny())
    assert old in encoded
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encoded.replace(old, new), type=ModelConfig)


def test_an_encoder_without_its_front_end_is_refused() -> None:
    config = tiny()
    with pytest.raises(ValueError, match="'audio' needs both"):
        msgspec.structs.replace(
            config, frontends=msgspec.structs.replace(config.frontends, audio=None)
        ).__post_init__()


def test_collate_marks_what_is_missing() -> None:
    one = Example({"audio": np.ones((3, 2), np.float32)}, {"shape": 1})
    two = Example({"text": np.array([4, 5])}, {})
    batch = collate([one, two], ("audio", "text"), ("shape",))
    assert batch.mask.tolist() == [[1, 0], [0, 1]]
    assert batch.lengths["audio"].tolist() == [3, 1]
    assert batch.inputs["audio"].shape == (2, 3, 2)
    assert batch.inputs["text"].tolist() == [[0, 0], [4, 5]]
    assert batch.labels["shape"].tolist() == [1, -100]


def test_collate_refuses_nothing_and_empty_sequences() -> None:
    with pytest.raises(DataError, match="at least one"):
        collate([], ("audio",), ())
    with pytest.raises(DataError, match="length zero"):
        collate([Example({"text": np.zeros(0, np.int64)})], ("text",), ())
