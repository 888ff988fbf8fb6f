"""A flipped byte anywhere in a bundle is found; so is a file too many or too few."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import MANIFEST
from edge_sdk.errors import BundleError

from ..bundles import contents, flipped, members, zip_of


def refusal(path: Path) -> str:
    """Why the bundle at ``path`` does not pass."""
    with pytest.raises(BundleError) as caught:
        Bundle.open(path).check_files()
    assert caught.value.exit_code == 4
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tiny_bundle_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle_folder, tmp_path / "copy"))


def test_a_sound_bundle_passes_in_both_shapes(tiny_bundle: Path, tiny_bundle_folder: Path) -> None:
    for path in (tiny_bundle, tiny_bundle_folder):
        bundle = Bundle.open(path)
        assert bundle.check_files() == len(bundle.manifest.files)
        assert 0 < bundle.size("parts/") < bundle.size()
        assert bundle.size("parts/") == sum(
            len(bundle.read(name)) for name in bundle.manifest.files if name.startswith("parts/")
        )
    assert Bundle.open(str(tiny_bundle)).manifest == Bundle.open(tiny_bundle_folder).manifest


@pytest.mark.parametrize("where", [0.0, 0.5, 0.999])
def test_a_flipped_byte_in_any_file(folder: Path, where: float) -> None:
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert len(names) > 8
    for name in names:
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(flipped(content, int(len(content) * where)))
        sentence = refusal(folder)
        assert name in sentence or (name == MANIFEST and "manifest" in sentence)
        path.write_bytes(content)
    Bundle.open(folder).check_files()


def interesting(path: Path) -> list[int]:
    """Positions in a zip: all of one member's header, one directory entry and the end record,
    and a few of everything else."""
    with zipfile.ZipFile(path) as archive:
        info, start = archive.infolist()[3], archive.start_dir
    size = path.stat().st_size
    header = range(info.header_offset, info.header_offset + 30 + len(info.filename))
    rest = np.linspace(0, size - 1, 80).astype(int).tolist()
    return sorted({*header, *range(start, start + 60), *range(size - 22, size), *rest})


@pytest.mark.parametrize("bits", [0xFF, 0x01, 0x20])
def test_a_flipped_byte_in_the_zip_changes_nothing_unseen(
    tiny_bundle: Path, tmp_path: Path, bits: int
) -> None:
    content, path = tiny_bundle.read_bytes(), tmp_path / "flipped.edge"
    whole, noticed = contents(tiny_bundle), 0
    for position in interesting(tiny_bundle):
        path.write_bytes(flipped(content, position, bits))
        try:
            Bundle.open(path).check_files()
        except BundleError:
            noticed += 1
            continue
        # A date or a flag that says nothing of the files: then they are all as they were.
        assert contents(path) == whole
    assert noticed > 80


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.95, 0.9999])
def test_a_zip_cut_short(tiny_bundle: Path, tmp_path: Path, share: float) -> None:
    content, path = tiny_bundle.read_bytes(), tmp_path / "cut.edge"
    path.write_bytes(content[: int(len(content) * share)])
    refusal(path)


def test_a_file_too_many(folder: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (folder / "parts" / "extra.onnx").write_bytes(b"x")
    assert "does not name: parts/extra.onnx" in refusal(folder)
    path = zip_of(tmp_path / "more.edge", [*members(tiny_bundle), ("extra.txt", b"x")])
    assert "does not name: extra.txt" in refusal(path)


def test_a_link_too_many(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    assert "does not name: linked" in refusal(folder)


def test_a_file_too_few(folder: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    for name in Bundle.open(folder).manifest.files:
        moved = (folder / name).rename(tmp_path / "moved")
        assert f"lacks the file {name}" in refusal(folder)
        moved.rename(folder / name)
    fewer = [(info, content) for info, content in members(tiny_bundle) if "report" not in str(info)]
    assert "lacks the file report.json" in refusal(zip_of(tmp_path / "fewer.edge", fewer))


def test_a_folder_in_the_place_of_a_file(folder: Path) -> None:
    (folder / "report.json").unlink()
    (folder / "report.json").mkdir()
    assert "report.json" in refusal(folder)


def test_nothing_there_or_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.edge").touch()
    (tmp_path / "text.edge").write_text("hello\n")
    assert "There is no bundle" in refusal(tmp_path / "none.edge")
    assert "There is no bundle" in refusal(tmp_path / ("x" * 300))
    assert "it has no manifest.json" in refusal(tmp_path / "empty")
    assert "not a bundle" in refusal(tmp_path / "empty.edge")
    assert "not a bundle" in refusal(tmp_path / "text.edge")
    assert "it has no manifest.json" in refusal(zip_of(tmp_path / "other.edge", [("a", b"b")]))


def test_reading_checks_the_file_and_knows_no_other(folder: Path) -> None:
    bundle = Bundle.open(folder)
    (folder / "report.json").write_bytes(flipped((folder / "report.json").read_bytes(), 5))
    with pytest.raises(BundleError, match="SHA-256 does not fit"):
        bundle.read("report.json")
    (folder / "report.json").write_bytes(b"short")
    with pytest.raises(BundleError, match="5 bytes instead of"):
        bundle.read("report.json")
    with pytest.raises(BundleError, match="knows no file"):
        bundle.read("other.json")
