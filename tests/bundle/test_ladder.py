"""Ladders: cheaper editions in one bundle, each with graphs, quality and golden values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Edition, Manifest
from edge_sdk.errors import BundleError

from ..bundles import manifest_of, rewrite, with_rungs

Change = Callable[[Manifest], dict[str, Any]]


@pytest.fixture(scope="module")
def ladder(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_rungs(tiny_bundle, tmp_path_factory.mktemp("ladder") / "ladder.edge")


def test_a_bundle_without_a_ladder_has_the_rung_full_alone(tiny_bundle: Path) -> None:
    manifest = manifest_of(tiny_bundle)
    assert manifest.ladder == ("full",)
    assert manifest.rungs("onnxruntime") == {"full": "onnxruntime"}
    assert manifest.all_editions() == manifest.ordered_editions() == ("onnxruntime",)
    edition = manifest.editions["onnxruntime"]
    assert (edition.rung, edition.engine, edition.modalities) == ("full", "onnxruntime", ())


def test_engines_are_chosen_by_the_full_editions_and_rungs_come_in_order(ladder: Path) -> None:
    manifest = manifest_of(ladder)
    assert manifest.ordered_editions() == ("onnxruntime",)
    assert manifest.preferred == "onnxruntime"
    names = {
        "full": "onnxruntime",
        "small": "onnxruntime.small",
        "audio-only": "onnxruntime.audio-only",
    }
    assert manifest.rungs("onnxruntime") == names
    assert list(manifest.rungs("onnxruntime")) == list(manifest.ladder)
    assert manifest.all_editions() == tuple(names.values())
    assert manifest.modalities_of("onnxruntime.small") == ("audio", "image", "text")
    assert manifest.modalities_of("onnxruntime.audio-only") == ("audio",)
    parts = manifest.parts_of("onnxruntime.audio-only")
    assert [part.name for part in parts] == ["audio", "head"]
    assert manifest.rungs("steam") == {}


def _edition(name: str, **changes: Any) -> Change:
    def change(manifest: Manifest) -> dict[str, Any]:
        edition = msgspec.structs.replace(manifest.editions[name], **changes)
        return {"editions": {**manifest.editions, name: edition}}

    return change


def _editions(alter: Callable[[dict[str, Edition]], dict[str, Edition]]) -> Change:
    return lambda manifest: {"editions": alter(dict(manifest.editions))}


def _maskless(manifest: Manifest) -> dict[str, Any]:
    inputs = tuple(spec for spec in manifest.head.inputs if spec.name != "mask")
    head = msgspec.structs.replace(manifest.head, inputs=inputs)
    return {"parts": (*manifest.encoders, head)}


def _forgetful(name: str) -> Change:
    def change(manifest: Manifest) -> dict[str, Any]:
        first, *rest = manifest.golden
        expected = {key: file for key, file in first.expected.items() if key != name}
        return {"golden": (msgspec.structs.replace(first, expected=expected), *rest)}

    return change


SMALL, AUDIO = "onnxruntime.small", "onnxruntime.audio-only"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: {"ladder": ()}, "must have full first"),
        (lambda m: {"ladder": ("small", "full", "audio-only")}, "must have full first"),
        (lambda m: {"ladder": (*m.ladder, "small")}, "every rung once"),
        (lambda m: {"ladder": (*m.ladder, "tiny")}, "no edition stands on the rung tiny"),
        (lambda m: {"ladder": ("full", "small")}, "stands on the rung audio-only, which its"),
        (_edition(SMALL, rung="full"), "no edition stands on the rung small"),
        (_edition(SMALL, engine="litert"), "is for litert on the rung small"),
        (_edition(SMALL, engine=""), "is for no engine on the rung small"),
        (_edition("onnxruntime", engine="litert"), "is for litert on the rung full"),
        (lambda m: {"ladder": ("full", "audio-only"), **_edition(SMALL, rung="full")(m)},
         "is for onnxruntime on the rung full"),
        (_editions(lambda e: {SMALL: e[SMALL], **e, "litert": e["onnxruntime"]}),
         "the edition litert is for onnxruntime"),
        (_editions(lambda e: {
            **e, "litert.small": msgspec.structs.replace(e[SMALL], engine="litert")
        }), "litert.small is cheaper than an edition that is not there"),
        (_edition(AUDIO, modalities=("audio", "image")), "no variant of the part image"),
        (_edition(AUDIO, modalities=("text",)), "the part audio and does not answer on it"),
        (_edition(AUDIO, modalities=("smell",)), "answers on smell"),
        (_edition("onnxruntime", modalities=("audio", "image", "text")), "is full and does not"),
        (_maskless, "the head takes no mask"),
        (_forgetful(SMALL), "expects nothing of the edition onnxruntime.small"),
        (_forgetful(AUDIO), "expects nothing of the edition onnxruntime.audio-only"),
    ],
)  # fmt: skip
def test_a_ladder_that_contradicts_itself_is_refused(
    ladder: Path, tmp_path: Path, change: Change, why: str
) -> None:
    path = rewrite(ladder, tmp_path / "bad.edge", **change(manifest_of(ladder)))
    with pytest.raises(BundleError, match="contradicts itself") as caught:
        Bundle.open(path)
    assert why in str(caught.value)


def test_what_is_left_out_is_not_expected_of_a_sample(ladder: Path, tmp_path: Path) -> None:
    manifest = manifest_of(ladder)
    first = msgspec.structs.replace(manifest.golden[0], audio=None, expected={
        key: file for key, file in manifest.golden[0].expected.items() if key != AUDIO
    })  # fmt: skip
    path = rewrite(ladder, tmp_path / "gap.edge", golden=(first, *manifest.golden[1:]))
    assert Bundle.open(path).manifest.golden[0].modalities == ("image", "text")
