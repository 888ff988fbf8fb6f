"""Pictures that cannot be used."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_sdk.errors import InputError
from edge_sdk.frontends.image import ImageFrontend, read_picture

from ..synthetic import picture


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_picture(path)
    sentence = str(caught.value)
    assert path.name in sentence
    assert "\n" not in sentence
    return sentence


def test_missing_or_a_folder_or_an_impossible_name(tmp_path: Path) -> None:
    for name in ("none.png", "x" * 300):
        assert "There is no picture" in refusal(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    assert "There is no picture" in refusal(tmp_path / "folder.png")


@pytest.mark.parametrize("content", [b"", b"x", b"not a picture\n" * 99, b"\x89PNG\r\n\x1a\n"])
def test_not_a_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert "not a picture" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp"])
def test_cut_short(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(picture(80, 60)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut short" in refusal(path)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    """A PNG that announces its size, and holds a few bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side))
    assert "too large to decode" in refusal(path)


def test_an_open_file_is_refused_alike() -> None:
    with pytest.raises(InputError, match="not a picture"):
        read_picture(io.BytesIO(b"no"))


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (np.zeros((8, 8), np.uint8), "not uint8 [8, 8]"),
        (np.zeros((8, 8, 4), np.uint8), "not uint8 [8, 8, 4]"),
        (np.zeros((1, 8, 8, 3), np.uint8), "not uint8 [1, 8, 8, 3]"),
        (np.zeros((3, 8, 8), np.uint8), "not uint8 [3, 8, 8]"),
        (np.zeros((8, 8, 3), np.float32), "not float32 [8, 8, 3]"),
        (np.zeros((8, 8, 3), np.int64), "not int64 [8, 8, 3]"),
        (np.zeros((0, 8, 3), np.uint8), "empty"),
        (None, "not object []"),
        ([[1], [2, 3]], "rows differ"),
    ],
)
def test_wrong_rank_or_dtype(frame: object, why: str) -> None:
    with pytest.raises(InputError) as caught:
        ImageFrontend()(frame)
    assert why in str(caught.value)
