"""A bundle whose names or links lead out of it is refused, and nothing out there is touched."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import msgspec
import pytest

from edge_sdk.bundle import Bundle, write_bundle
from edge_sdk.bundle.manifest import File, encode_manifest
from edge_sdk.errors import BundleError

from ..bundles import contents, manifest_of, members, zip_of

ESCAPES = [
    "../evil", "a/../../evil", "parts/../../evil", "/etc/evil", "//evil", "..", ".", "./a", "a//b",
    "a/./b", "a/", "..\\evil", "C:\\evil", "C:evil", "parts\\audio",
]  # fmt: skip


def refusal(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.open(path).check_files()
    return str(caught.value)


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_in_the_zip_that_leaves_it(tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "bad.edge", [*members(tiny_bundle), (name, b"evil")])
    assert "outside itself" in refusal(path)


@pytest.mark.parametrize("name", [*ESCAPES, "", "a\0b"])
def test_a_name_in_the_manifest_that_leaves_the_bundle(
    tiny_bundle_folder: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "outer" / "bundle"
    shutil.copytree(tiny_bundle_folder, folder)
    (tmp_path / "outer" / "evil").write_bytes(b"evil")
    manifest = manifest_of(folder)
    entry = File(sha256="0" * 64, size=4)
    bad = msgspec.structs.replace(manifest, files={**manifest.files, name: entry})
    (folder / "manifest.json").write_bytes(encode_manifest(bad))
    assert "outside itself" in refusal(folder)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../b", "a\\b", ""])
def test_a_bundle_with_such_a_name_is_not_written(
    tiny_bundle: Path, tmp_path: Path, name: str
) -> None:
    manifest, files = manifest_of(tiny_bundle), {**contents(tiny_bundle), name: b"evil"}
    for target in (tmp_path / "new.edge", tmp_path / "new"):
        with pytest.raises(BundleError, match="outside itself"):
            write_bundle(target, manifest, files)
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_zip(tiny_bundle: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zip_of(tmp_path / "bad.edge", [*members(tiny_bundle), (link, b"/etc/passwd")])
    assert "not a plain file" in refusal(path)


def test_a_name_twice_in_the_zip(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zip_of(tmp_path / "bad.edge", [*members(tiny_bundle), ("report.json", b"{}")])
    assert "twice" in refusal(path)


def test_a_compressed_member(tiny_bundle: Path, tmp_path: Path) -> None:
    bomb = zipfile.ZipInfo("bomb")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    path = zip_of(tmp_path / "bad.edge", [*members(tiny_bundle), (bomb, bytes(1 << 20))])
    assert "compressed; bundles are stored" in refusal(path)


@pytest.mark.parametrize("how", ["file", "folder"])
def test_a_link_that_leaves_the_folder(tiny_bundle_folder: Path, tmp_path: Path, how: str) -> None:
    folder = Path(shutil.copytree(tiny_bundle_folder, tmp_path / "bundle"))
    inner = folder / ("parts/audio.int8.onnx" if how == "file" else "parts")
    outer = inner.rename(tmp_path / "outside")  # the content is right; only the place is not
    inner.symlink_to(outer)
    sentence = refusal(folder)
    assert "link that leaves it" in sentence or "does not name" in sentence
    with pytest.raises(BundleError, match="link that leaves it"):
        Bundle.open(folder).read("parts/audio.int8.onnx")


def test_a_link_to_itself(tiny_bundle_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle_folder, tmp_path / "bundle"))
    (folder / "report.json").unlink()
    (folder / "report.json").symlink_to("report.json")
    assert "lacks the file report.json" in refusal(folder)
