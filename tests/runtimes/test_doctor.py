"""The doctor: what works here, what does not, and what mends it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from edge_sdk.bundle import Bundle, write_bundle
from edge_sdk.runtimes.doctor import Finding, examine

from ..bundles import contents, manifest_of, with_golden


def found(findings: list[Finding], subject: str) -> Finding:
    return next(finding for finding in findings if finding.subject == subject)


def test_this_machine() -> None:
    findings = examine()
    assert found(findings, "engine onnxruntime").state == "ok"
    assert "CPUExecutionProvider" in found(findings, "engine onnxruntime").detail
    assert found(findings, "processor").state == "ok"
    assert found(findings, "recordings").state == "ok"
    for finding in findings:
        assert finding.state == "ok" or finding.mend or "install" in finding.detail


def test_what_is_not_installed_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnxruntime", "soundfile", "pyaudio"):
        monkeypatch.setitem(sys.modules, module, None)
    findings = examine()
    engine = found(findings, "engine onnxruntime")
    assert (engine.state, "pip install" in engine.mend) == ("absent", True)
    assert found(findings, "recordings").mend == "pip install soundfile"
    assert "portaudio" in found(findings, "microphones").mend


def test_a_sound_bundle(tiny_bundle: Path) -> None:
    findings = examine(Bundle.open(tiny_bundle))
    assert "golden checks hold" in found(findings, "edition onnxruntime").detail
    assert found(findings, "target").state == "ok"


def test_a_bundle_for_another_processor(tiny_bundle: Path, tmp_path: Path) -> None:
    manifest = manifest_of(tiny_bundle)
    other = "aarch64" if manifest.target.arch == "x86_64" else "x86_64"
    target = msgspec.structs.replace(manifest.target, arch=other)
    path = tmp_path / "x.edge"
    changed = msgspec.structs.replace(manifest, target=target)
    write_bundle(path, changed, contents(tiny_bundle))
    assert found(examine(Bundle.open(path)), "target").state == "absent"


def test_a_bundle_that_misses_its_golden_values(tiny_bundle: Path, tmp_path: Path) -> None:
    path = with_golden(tiny_bundle, tmp_path / "x.edge", "embedding.audio", lambda a: a + 5)
    edition = found(examine(Bundle.open(path)), "edition onnxruntime")
    assert edition.state == "bad"
    assert "embedding.audio" in edition.detail


def test_a_damaged_bundle(tiny_bundle_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle_folder, tmp_path / "copy"))
    (folder / "report.json").write_bytes(b"{}")
    finding = found(examine(Bundle.open(folder)), "copy")
    assert finding.state == "bad"
    assert "report.json" in finding.detail
