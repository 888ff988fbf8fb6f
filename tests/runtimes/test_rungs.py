"""Cheaper editions run: named like an engine, from the parts they have, checked like any."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.bundle.golden import decode_arrays, encode_arrays
from edge_sdk.errors import BundleError, EngineError, InputError, UsageError
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts, choose_edition
from edge_sdk.runtimes.selftest import check_golden

from ..bundles import manifest_of, rewrite, with_golden, with_rungs

AUDIO = "onnxruntime.audio-only"


@pytest.fixture(scope="module")
def ladder(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_rungs(tiny_bundle, tmp_path_factory.mktemp("rungs") / "ladder.edge")


def test_a_rung_is_chosen_by_its_name_and_never_by_itself(ladder: Path) -> None:
    manifest = manifest_of(ladder)
    assert choose_edition(manifest, "auto") == "onnxruntime"
    assert choose_edition(manifest, AUDIO) == AUDIO
    with pytest.raises(EngineError, match="no rung tiny for the engine onnxruntime; it has onnxr"):
        choose_edition(manifest, "onnxruntime.tiny")
    with pytest.raises(UsageError, match="no engine 'steam'"):
        choose_edition(manifest, "steam.small")


def test_a_rung_for_some_modalities_loads_their_parts_alone(ladder: Path) -> None:
    bundle = Bundle.open(ladder)
    parts = LoadedParts(bundle, AUDIO, EngineOptions())
    assert parts.modalities == ("audio",)
    assert [loaded.part.name for loaded in parts] == ["audio", "head"]
    results = [result for _, result in check_golden(bundle, parts)]
    stages = {result.stage for result in results}
    assert {"features.audio", "embedding.audio", "output.intent", "end-to-end.intent"} <= stages
    assert not any(stage.endswith((".image", ".text")) for stage in stages)
    assert all(result.ok for result in results)
    parts.close()


def test_a_session_on_a_rung_answers_as_the_whole_model_on_these_modalities(ladder: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    with FusionSession.open(ladder) as whole, FusionSession.open(ladder, engine=AUDIO) as audio:
        assert audio.modalities == ("audio",)
        answers = [session.infer(audio=(noise, 16000)) for session in (whole, audio)]
        for name, head in answers[0].heads.items():
            assert answers[1].heads[name].probabilities == head.probabilities
        with pytest.raises(InputError, match="takes audio; it takes no text"):
            audio.infer(text="stop")


def test_a_rung_that_misses_its_golden_values_does_not_open(ladder: Path, tmp_path: Path) -> None:
    manifest = manifest_of(ladder)
    only = {"golden": tuple(g for g in manifest.golden if "audio" not in g.modalities)}
    silent = rewrite(ladder, tmp_path / "silent.edge", **only)
    with pytest.raises(BundleError, match="no golden sample to test itself with"):
        FusionSession.open(silent, engine=AUDIO)
    moved = with_golden(ladder, tmp_path / "off.edge", "features.audio", lambda a: a + 5)
    with pytest.raises(BundleError, match="fails its self-test"):
        FusionSession.open(moved, engine=AUDIO)


def test_an_open_session_changes_its_rung_and_keeps_what_stays_valid(ladder: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    with FusionSession.open(ladder) as session, FusionSession.open(ladder, engine=AUDIO) as alone:
        assert (session.rungs, session.rung) == (("full", "small", "audio-only"), "full")
        first = session.infer(audio=(noise, 16000), text="stop")
        session.rung = "small"
        again = session.infer(audio=(noise, 16000), text="stop")
        # The same graphs: neither encoder ran again.
        assert set(again.timings) == {"head", "total"}
        assert again.heads == first.heads
        session.rung = "audio-only"
        assert (session.rung, session.modalities, session.edition) == (
            "audio-only",
            ("audio",),
            AUDIO,
        )
        assert session.infer(audio=(noise, 16000)).heads == alone.infer(audio=(noise, 16000)).heads
        with pytest.raises(InputError, match="takes audio; it takes no text"):
            session.infer(text="stop")
        with pytest.raises(UsageError, match="no rung 'tiny'; it has full, small, audio-only"):
            session.rung = "tiny"
        assert session.rung == "audio-only"
        session.rung = "full"
        assert session.infer(audio=(noise, 16000), text="stop").heads == first.heads
        # A session that was opened on a rung may climb.
        alone.rung = "full"
        assert alone.infer(audio=(noise, 16000), text="stop").heads == first.heads
    with pytest.raises(UsageError, match="closed"):
        session.rung = "small"


def test_an_encoder_of_another_rung_is_not_taken_for_the_same(ladder: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(ladder)
    manifest = bundle.manifest
    part = next(part for part in manifest.parts if part.name == "audio")
    variant = manifest.variant(part, "onnxruntime")
    twin = msgspec.structs.replace(variant, file="parts/audio.twin.onnx")
    parts = tuple(
        msgspec.structs.replace(p, variants=(*p.variants, twin)) if p is part else p
        for p in manifest.parts
    )
    small = manifest.editions["onnxruntime.small"]
    small = msgspec.structs.replace(small, parts={**small.parts, "audio": twin.file})
    path = rewrite(
        ladder,
        tmp_path / "twin.edge",
        {twin.file: bundle.read(variant.file)},
        parts=parts,
        editions={**manifest.editions, "onnxruntime.small": small},
    )
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    with FusionSession.open(path) as session:
        session.prepare()
        session.infer(audio=(noise, 16000), text="stop")
        session.rung = "small"
        timings = session.infer(audio=(noise, 16000), text="stop").timings
        assert "encoder.audio" in timings
        assert "encoder.text" not in timings


def test_a_rung_is_tested_against_its_golden_values_when_it_is_loaded(
    ladder: Path, tmp_path: Path
) -> None:
    bundle = Bundle.open(ladder)
    name = bundle.manifest.golden[0].expected[AUDIO]
    arrays = decode_arrays(bundle.read(name), name)
    arrays["output.intent"] = arrays["output.intent"] + 9
    path = rewrite(ladder, tmp_path / "off.edge", {name: encode_arrays(arrays)})
    with FusionSession.open(path) as session:
        session.prepare("small")
        with pytest.raises(BundleError, match="fails its self-test"):
            session.rung = "audio-only"
        assert session.rung == "full"
        session.infer(text="stop")
