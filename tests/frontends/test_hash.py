"""The front-ends' hash: equal for equal parameters, another one for any other parameter."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from edge_sdk import frontends
from edge_sdk.frontends import FrontendsConfig, frontends_hash
from edge_sdk.frontends.config import AudioFeaturesConfig, ImageConfig, TextConfig, VideoConfig

WORDS = ("[pad]", "[unk]", "a")
FULL = FrontendsConfig(
    audio=AudioFeaturesConfig(), image=ImageConfig(), text=TextConfig(vocabulary=WORDS),
    video=VideoConfig(),
)  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "audio": {
        "rate": 22050, "window_ms": 20.0, "hop_ms": 12.5, "bands": 40, "low_hz": 0.0,
        "high_hz": 7600.0, "preemphasis": 0.0, "remove_dc": False, "floor": 1e-10, "mean": 1.0,
        "scale": 2.0, "max_seconds": 5.0, "features": "waveform",
    },
    "image": {
        "height": 64, "width": 64, "resize": "contain", "background": (0, 0, 0),
        "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5),
    },
    "text": {
        "vocabulary": (*WORDS, "b"), "lowercase": False, "strip_accents": False, "max_tokens": 5,
    },
    "video": {"frame": ImageConfig(height=64), "fps": 2.0, "frames": 4},
}  # fmt: skip


def changed(modality: str, field: str) -> FrontendsConfig:
    part = msgspec.structs.replace(getattr(FULL, modality), **{field: CHANGES[modality][field]})
    return msgspec.structs.replace(FULL, **{modality: part})


def test_every_parameter_is_tried_here() -> None:
    for modality, fields in CHANGES.items():
        known = {field.name for field in msgspec.structs.fields(getattr(FULL, modality))}
        assert known == set(fields)


@pytest.mark.parametrize(("modality", "field"), [(m, f) for m in CHANGES for f in CHANGES[m]])
def test_any_other_parameter_gives_another_hash(modality: str, field: str) -> None:
    assert frontends_hash(changed(modality, field)) != frontends_hash(FULL)


def test_equal_parameters_give_an_equal_hash_also_through_json() -> None:
    again = msgspec.json.decode(msgspec.json.encode(FULL), type=FrontendsConfig)
    assert frontends_hash(again) == frontends_hash(FULL)
    assert len(frontends_hash(FULL)) == 64


def test_a_revision_of_a_front_end_in_use_gives_another_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_text = FrontendsConfig(text=TextConfig(vocabulary=WORDS))
    before, without = frontends_hash(FULL), frontends_hash(only_text)
    monkeypatch.setitem(frontends.REVISIONS, "audio", frontends.REVISIONS["audio"] + 1)
    assert frontends_hash(FULL) != before
    assert frontends_hash(only_text) == without
