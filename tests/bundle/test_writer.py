"""Writing: the same bytes for the same content, all of it or nothing, nothing else harmed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_sdk.bundle import Bundle, write_bundle
from edge_sdk.errors import StorageError
from edge_sdk.files import remove_leftovers, replacing

from ..bundles import contents, manifest_of, rewrite

SHAPES = ["new.edge", "new"]


def tree(path: Path) -> dict[str, bytes]:
    """Every byte at ``path``, hidden files too."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return {str(p.relative_to(path.parent)): p.read_bytes() for p in files}


@pytest.mark.parametrize("shape", SHAPES)
def test_two_writes_give_the_same_bytes(
    tiny_bundle: Path, tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tree(rewrite(tiny_bundle, tmp_path / shape))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert tree(rewrite(tiny_bundle, tmp_path / shape)) == first
    Bundle.open(tmp_path / shape).check_files()


def test_the_order_of_the_contents_does_not_matter(tiny_bundle: Path, tmp_path: Path) -> None:
    files = contents(tiny_bundle)
    manifest = manifest_of(tiny_bundle)
    write_bundle(tmp_path / "a.edge", manifest, files)
    write_bundle(tmp_path / "b.edge", manifest, dict(reversed(files.items())))
    assert (tmp_path / "a.edge").read_bytes() == (tmp_path / "b.edge").read_bytes()
    assert (tmp_path / "a.edge").read_bytes() == tiny_bundle.read_bytes()


def test_the_zip_is_one_that_any_tool_reads(tiny_bundle: Path, tmp_path: Path) -> None:
    path = rewrite(tiny_bundle, tmp_path / "new.edge", {"notes/straße.txt": b"hello"})
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("notes/straße.txt") == b"hello"
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        assert archive.namelist() == sorted(archive.namelist())
        archive.extractall(tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / "report.json").stat().st_mode & 0o777 in (0o644, 0o600)
    assert Bundle.open(tmp_path / "unpacked").check_files() == Bundle.open(path).check_files()


@pytest.mark.parametrize("old", SHAPES)
def test_a_failure_leaves_the_old_bundle_and_nothing_else(
    tiny_bundle: Path, tmp_path: Path, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rewrite(tiny_bundle, tmp_path / old)
    before = tree(tmp_path)

    def fails(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageError, match="Input/output error"):
        rewrite(tiny_bundle, path, name="fresh")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_so_does_an_interruption(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a.txt").write_text("old")

    def interrupted() -> None:
        with replacing(tmp_path / "a.txt") as aside:
            aside.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert tree(tmp_path) == {f"{tmp_path.name}/a.txt": b"old"}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_new_bundle_takes_the_place_of_the_old_one(
    tiny_bundle: Path, tmp_path: Path, shape: str
) -> None:
    path = rewrite(tiny_bundle, tmp_path / shape, {"extra.txt": b"only in the old one"})
    rewrite(tiny_bundle, path, name="fresh")
    assert Bundle.open(path).manifest.name == "fresh"
    Bundle.open(path).check_files()
    assert [p.name for p in tmp_path.iterdir()] == [shape]


def test_a_folder_returns_if_it_cannot_be_replaced(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rewrite(tiny_bundle, tmp_path / "new")
    before = tree(tmp_path)

    def fails(self: Path, target: Path) -> Path:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(StorageError, match="Input/output error"):
        rewrite(path, path, name="fresh")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_bundle_is_not_replaced(tiny_bundle: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "documents"
    if kind == "folder":
        place.mkdir()
        (place / "letter.txt").write_text("dear")
    else:
        place.write_text("dear")
    before = tree(tmp_path)
    with pytest.raises(StorageError, match="not a bundle is there"):
        rewrite(tiny_bundle, place)
    assert tree(tmp_path) == before
    (tmp_path / "empty").mkdir()
    Bundle.open(rewrite(tiny_bundle, tmp_path / "empty")).check_files()


def test_a_folder_that_does_not_exist_or_is_a_file(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "none" / "new.edge", tmp_path / "file" / "new.edge"):
        with pytest.raises(StorageError, match="its folder does not exist"):
            rewrite(tiny_bundle, target)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from edge_sdk.errors import EdgeError
from tests.bundles import rewrite
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    rewrite(Path(sys.argv[1]), Path(sys.argv[2]))
except EdgeError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("shape", SHAPES)
def test_a_full_disk(tiny_bundle: Path, tmp_path: Path, shape: str) -> None:
    big = rewrite(tiny_bundle, tmp_path / "big.edge", {"big": os.urandom(60_000)})
    place = tmp_path / "disk"
    place.mkdir()
    rewrite(tiny_bundle, place / shape)
    before = tree(place)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(big), str(place / shape)],
        capture_output=True, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )  # fmt: skip
    assert done.returncode == 10, done.stderr
    assert "no room left on the disk" in done.stdout
    assert done.stderr == ""
    assert tree(place) == before


def dead_process() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def test_what_killed_runs_left_is_removed_and_nothing_else(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    dead, alive = dead_process(), os.getpid()
    kept = [
        f".new.edge.{alive}.abc", f".other.edge.{dead}.abc", f".new.edge.{dead}", ".new.edge.x.abc",
        f".new.edge.5.{alive}.abc", "new.edge.txt",
    ]  # fmt: skip
    for name in [*kept, f".new.edge.{dead}.abc"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_bytes(b"half a bundle")
    rewrite(tiny_bundle, tmp_path / "new.edge")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*kept, "new.edge"])


def test_a_name_with_wildcards_is_only_itself(tmp_path: Path) -> None:
    dead = dead_process()
    (tmp_path / f".[ab]*.{dead}.abc").mkdir()
    (tmp_path / f".abc.{dead}.abc").mkdir()
    remove_leftovers(tmp_path / "[ab]*")
    assert [p.name for p in tmp_path.iterdir()] == [f".abc.{dead}.abc"]


def test_the_name_aside_tells_who_writes(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as aside:
        assert aside.parent.name.startswith(f".a.txt.{os.getpid()}.")
        aside.write_text("x")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_moved_away_by_a_killed_run_returns(tmp_path: Path) -> None:
    aside = tmp_path / f".bundle.{dead_process()}.abc"
    (aside / "old").mkdir(parents=True)
    (aside / "old" / "kept").write_text("all there was")
    remove_leftovers(tmp_path / "bundle")
    assert (tmp_path / "bundle" / "kept").read_text() == "all there was"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
