"""Editions: one checkpoint for two engines in one bundle, each through its own gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.converters import convert
from edge_sdk.frontends.recording import read_recording
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts
from edge_sdk.runtimes.selftest import check_golden
from edge_sdk.samples import SampleSet

ENGINES = ("onnxruntime", "litert")


@pytest.fixture(scope="module")
def bundle(
    tiny_checkpoint: Path,
    sample_set: SampleSet,
    stage_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("editions") / "both.edge"
    convert(
        tiny_checkpoint, target="rpi5", engines=ENGINES, calibration=sample_set.root, output=path,
        max_drop=100, cache=stage_cache,
    )  # fmt: skip
    return path


@pytest.mark.slow
def test_every_edition_reproduces_its_golden_values(bundle: Path) -> None:
    opened = Bundle.open(bundle)
    opened.check_files()
    assert opened.manifest.ordered_editions() == ENGINES
    for edition in ENGINES:
        parts = LoadedParts(opened, edition, EngineOptions())
        assert set(parts.engines) == {edition}
        results = [result for _, result in check_golden(opened, parts)]
        assert results
        assert all(result.ok for result in results)


@pytest.mark.slow
def test_both_editions_answer_alike(bundle: Path, sample_set: SampleSet) -> None:
    sessions = [FusionSession.open(bundle, engine=engine) for engine in ENGINES]
    config = sessions[0].frontends.audio.config
    whole = [s for s in sample_set if s.audio is not None and s.text is not None]
    for sample in whole[:6]:
        samples = read_recording(sample_set.path(str(sample.audio)), config)
        answers = [s.infer(audio=(samples, config.rate), text=sample.text) for s in sessions]
        for name, head in answers[0].heads.items():
            for label, share in head.probabilities.items():
                assert answers[1].heads[name].probabilities[label] == pytest.approx(share, abs=0.1)
    for session in sessions:
        session.close()
