"""The stage cache: what was made is kept, what is damaged is made again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_sdk.converters.cache import StageCache, default_cache
from edge_sdk.errors import StorageError

from .limits import largest_file


class Maker:
    """Counts how often it had to make."""

    def __init__(self, content: bytes = b"content") -> None:
        self.content = content
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return self.content


def test_an_entry_is_made_once_across_runs(tmp_path: Path) -> None:
    make = Maker()
    for _ in range(2):
        assert StageCache(tmp_path / "cache").get("key", make) == b"content"
    assert make.calls == 1


def test_keys_do_not_mix(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    assert cache.get("a", Maker(b"1")) == b"1"
    assert cache.get("b", Maker(b"2")) == b"2"
    assert cache.get("a", Maker(b"3")) == b"1"


def test_what_other_code_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StageCache(tmp_path).get("key", Maker(b"old"))
    monkeypatch.setattr("edge_sdk.converters.cache._code", lambda: "the code of another version")
    assert StageCache(tmp_path).get("key", Maker(b"new")) == b"new"


@pytest.mark.parametrize("part", [slice(0, -1), slice(0, 10), slice(0, 0), slice(1, None)])
def test_a_damaged_entry_is_made_again(tmp_path: Path, part: slice) -> None:
    make = Maker(b"c" * 100)
    StageCache(tmp_path).get("key", make)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(entry.read_bytes()[part])
    assert StageCache(tmp_path).get("key", make) == b"c" * 100
    assert StageCache(tmp_path).get("key", make) == b"c" * 100
    assert make.calls == 2


def test_a_stage_that_fails_leaves_no_entry(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise ValueError("the stage failed")

    with pytest.raises(ValueError, match="the stage failed"):
        StageCache(tmp_path).get("key", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    with largest_file(1000), pytest.raises(StorageError, match="no room left"):
        cache.get("key", Maker(b"c" * 5000))
    assert list(tmp_path.iterdir()) == []


def test_entries_that_nobody_used_for_long_go(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    cache.get("old", Maker())
    (old,) = tmp_path.iterdir()
    cache.get("new", Maker())
    os.utime(old, (1, 1))
    StageCache(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert not old.exists()


def test_using_an_entry_keeps_it(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    cache.get("key", Maker())
    (entry,) = tmp_path.iterdir()
    os.utime(entry, (1, 1))
    cache.get("key", Maker())
    StageCache(tmp_path)
    assert entry.exists()


def test_without_a_folder_nothing_is_kept() -> None:
    make = Maker()
    cache = StageCache(None)
    assert [cache.get("key", make) for _ in range(2)] == [b"content"] * 2
    assert make.calls == 2


def test_a_cache_where_a_file_is_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="Cannot write"):
        StageCache(tmp_path / "file")


def test_the_default_place_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    monkeypatch.delenv("EDGE_SDK_CACHE", raising=False)
    assert default_cache() == Path("/x/cache/edge-sdk/convert")
    monkeypatch.setenv("EDGE_SDK_CACHE", "/y")
    assert default_cache() == Path("/y/convert")
