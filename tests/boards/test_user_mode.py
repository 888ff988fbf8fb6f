"""Every CPU edition of the reference bundle on an emulated Cortex-A76, with aarch64 wheels."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge_sdk.benchmarks.evaluate import Evaluation, agreement, evaluate
from edge_sdk.bundle import Bundle

from .conftest import ROOT, EdgeSdk

pytestmark = pytest.mark.arm64

HELD_OUT = ROOT / "build/demo/data/held-out"
EDITIONS = ("onnxruntime", "litert")
SAMPLES = {"onnxruntime": 120, "litert": 60}


@pytest.fixture(scope="session")
def bundle(emulated_pi: Path) -> Path:
    return emulated_pi / "bundles" / "rpi5.edge"


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_golden_value_holds(
    on_arm64: EdgeSdk, emulated_pi: Path, bundle: Path, edition: str
) -> None:
    found = on_arm64("verify", bundle, "--engine", edition, "--json")
    _keep(emulated_pi, f"verify-{edition}", {"emulated": True, **found})
    assert found["ok"]
    assert set(found["editions"]) == {edition}
    stages = found["editions"][edition]["stages"]
    assert {s["sample"] for s in stages} == {s.id for s in Bundle.open(bundle).manifest.golden}
    assert all(s["ok"] for s in stages)


@pytest.mark.parametrize("edition", EDITIONS)
def test_its_answers_are_those_of_the_reference(
    on_arm64: EdgeSdk, emulated_pi: Path, bundle: Path, edition: str
) -> None:
    limit = SAMPLES[edition]
    said = on_arm64("evaluate", bundle, "--samples", HELD_OUT, "--engine", edition,
                    "--limit", str(limit), "--json", "-")  # fmt: skip
    there = msgspec.convert(said, Evaluation)
    assert there.device.arch == "aarch64"
    assert there.device.cpu == "Cortex-A76"
    assert there.device.emulated
    # The graphs as they are written: x86 without VNNI saturates on 8-bit weights, and would be
    # the side that is wrong.
    here = evaluate(bundle, HELD_OUT, engine=edition, limit=limit, reference=True)
    found = agreement(there, here)
    _keep(
        emulated_pi,
        f"answers-{edition}",
        {"emulated": True, "agreement": found, "there": there, "reference": here},
    )
    assert found.samples == limit
    assert found.share >= 0.98
    for head, score in there.heads.items():
        assert score.accuracy >= here.heads[head].accuracy - 0.03, head


def _keep(folder: Path, name: str, result: object) -> None:
    results = folder / "results"
    results.mkdir(exist_ok=True)
    (results / f"{name}.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(result), indent=1)
    )
