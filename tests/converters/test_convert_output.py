"""The output: whole or not there, replaced at once, and the same bytes every time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest

from edge_sdk import Bundle
from edge_sdk.errors import StorageError
from edge_sdk.samples import SampleSet

from .conftest import Convert, unpack
from .limits import largest_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """An empty folder for outputs."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def test_two_processes_make_the_same_bytes(
    tiny_checkpoint: Path, sample_set: SampleSet, tiny_bundle: Path, there: Path
) -> None:
    # Another folder, name, shape of bundle, cache and hash seed than tiny_bundle's.
    words = [
        "convert", tiny_checkpoint, "--calibration", sample_set.root, "--precision", "int8",
        "--max-drop", "100", "--no-cache", "--output", "another-name",
    ]  # fmt: skip
    subprocess.run(
        [Path(sys.executable).parent / "edge-sdk", *words],
        cwd=there,
        env={**os.environ, "PYTHONHASHSEED": "17", "TZ": "Asia/Tokyo"},
        check=True,
        capture_output=True,
    )
    assert names(there) == ["another-name"]
    assert unpack(there / "another-name") == unpack(tiny_bundle)


def test_two_files_are_equal_byte_for_byte(
    convert_tiny: Convert, tiny_bundle: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(there)
    convert_tiny(target="local", precision="int8", output=Path("x.edge"))
    assert (there / "x.edge").read_bytes() == tiny_bundle.read_bytes()


def test_a_bundle_names_nothing_of_this_machine(
    tiny_bundle: Path, tiny_checkpoint: Path, sample_set: SampleSet
) -> None:
    places = [tiny_checkpoint, sample_set.root, tiny_bundle.parent, Path(__file__).parents[2]]
    for name, content in unpack(tiny_bundle).items():
        for place in places:
            assert str(place).encode() not in content, name


def test_a_missing_folder_is_an_error_before_any_work(convert_tiny: Convert, there: Path) -> None:
    stages: list[str] = []
    with pytest.raises(StorageError, match="folder does not exist; create it first") as caught:
        convert_tiny(
            output=there / "no" / "out.edge",
            progress=lambda stage, done, total: stages.append(stage),
        )
    assert caught.value.exit_code == 10
    assert stages == []
    assert names(there) == []


@pytest.mark.parametrize("name", ["out.edge", "out"])
def test_an_older_bundle_is_replaced_as_a_whole(
    convert_tiny: Convert, there: Path, name: str
) -> None:
    convert_tiny(output=there / name, target="rpi4")
    older = Bundle.open(there / name).manifest
    convert_tiny(output=there / name, precision="fp32")
    bundle = Bundle.open(there / name)
    assert bundle.manifest.digest != older.digest
    # No file of the older one is left in it.
    assert bundle.check_files() == len(bundle.manifest.files)
    assert names(there) == [name]


def test_a_folder_that_is_no_bundle_is_never_replaced(convert_tiny: Convert, there: Path) -> None:
    (there / "thesis").mkdir()
    (there / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(StorageError, match="not a bundle is there"):
        convert_tiny(output=there / "thesis")
    assert (there / "thesis" / "chapter.txt").read_text() == "years of work"


def test_the_checkpoint_is_never_the_output(convert_tiny: Convert, tiny_checkpoint: Path) -> None:
    with pytest.raises(StorageError, match="not a bundle is there"):
        convert_tiny(output=tiny_checkpoint)
    assert names(tiny_checkpoint) == ["config.json", "model.safetensors"]


def test_a_folder_bundle_does_not_replace_a_file(convert_tiny: Convert, there: Path) -> None:
    (there / "notes").write_text("mine")
    with pytest.raises(StorageError, match="not a bundle is there"):
        convert_tiny(output=there / "notes")
    assert (there / "notes").read_text() == "mine"


def test_an_empty_folder_becomes_the_bundle(convert_tiny: Convert, there: Path) -> None:
    (there / "out").mkdir()
    convert_tiny(output=there / "out")
    assert Bundle.open(there / "out").check_files() > 4


@pytest.mark.parametrize("name", ["out.edge", "out"])
def test_a_full_disk_leaves_nothing(convert_tiny: Convert, there: Path, name: str) -> None:
    with largest_file(4096), pytest.raises(StorageError, match=f"{name}: .*no room") as caught:
        convert_tiny(output=there / name, precision="fp32")
    assert caught.value.exit_code == 10
    assert names(there) == []


@pytest.mark.parametrize("name", ["out.edge", "out"])
def test_a_full_disk_leaves_the_older_bundle(convert_tiny: Convert, there: Path, name: str) -> None:
    convert_tiny(output=there / name)
    before = unpack(there / name)
    with largest_file(4096), pytest.raises(StorageError):
        convert_tiny(output=there / name, precision="fp32")
    assert unpack(there / name) == before
    assert names(there) == [name]


def test_a_full_temporary_folder_is_a_storage_error(convert_tiny: Convert, there: Path) -> None:
    # The quantiser of ONNX Runtime writes its graphs there.
    with largest_file(4096), pytest.raises(StorageError, match=f"{gettempdir()}: .*no room"):
        convert_tiny(output=there / "out.edge", precision="int8")
    assert names(there) == []


def test_a_small_file_system_leaves_nothing(convert_tiny: Convert, there: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", there], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        with pytest.raises(StorageError, match="no room left"):
            convert_tiny(output=there / "out.edge")
        assert names(there) == []
    finally:
        subprocess.run(["umount", there], check=True)
