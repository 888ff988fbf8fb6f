"""Pictures in: one result however they come, and the geometry of the three ways to fit them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from edge_sdk.frontends.config import ImageConfig
from edge_sdk.frontends.image import ImageFrontend, read_picture

from ..synthetic import picture

# Zero mean and 1/255: the features are the pixels' values, which makes them easy to read.
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255)}
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def pixels(config: ImageConfig, frame: np.ndarray) -> np.ndarray:
    """Features of a ``PLAIN`` configuration, back as uint8 ``[height, width, 3]``."""
    return np.rint(ImageFrontend(config)(frame)[0]).astype(np.uint8).transpose(1, 2, 0)


def saved(image: Image.Image, suffix: str, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, suffix, **options)
    file.seek(0)
    return file


def test_a_file_an_rgb_frame_and_a_bgr_frame_give_the_same(tmp_path: Path) -> None:
    frame = picture(123, 77)
    path = tmp_path / "a.png"
    Image.fromarray(frame).save(path)
    frontend = ImageFrontend()
    expected = frontend(frame)
    assert expected.dtype == np.float32
    assert expected.shape == (1, 3, 96, 96)
    np.testing.assert_array_equal(frontend(read_picture(path)), expected)
    np.testing.assert_array_equal(frontend(read_picture(str(path))), expected)
    bgr = frame[:, :, ::-1]
    np.testing.assert_array_equal(frontend(bgr, order="bgr"), expected)
    assert not np.array_equal(frontend(bgr), expected)


def test_a_view_with_strides_is_read_as_what_it_shows() -> None:
    frame = picture(200, 120)
    view = frame[::2, 10:150:2]
    np.testing.assert_array_equal(ImageFrontend()(view), ImageFrontend()(view.copy()))


def test_normalisation_is_by_channel() -> None:
    config = ImageConfig(height=2, width=2, mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    got = ImageFrontend(config)(np.full((2, 2, 3), (255, 0, 255), np.uint8))
    np.testing.assert_allclose(got[0, :, 0, 0], [1.0, -1.0, 0.5], atol=1e-7)


# The frozen bytes of the default configuration: features must be the same on every processor
# and in every version, or bundles would have to be converted again.
GOLDEN = {
    "cover": "d70284f06d26c7fdb316d3aeae8de2c6ff3d1c33c43be1d1f7bd6f4826a7e71a",
    "contain": "acb59d41f01a6e56cfb3ad23666badea7f187b02b9ff93a22f1365158deab42b",
    "stretch": "b7dc0aa05bb91232f387b27064b482d5fadcc7d90b149fceb0fe4bdb6012745a",
}


@pytest.mark.parametrize("resize", GOLDEN)
def test_the_output_is_the_frozen_one(resize: str) -> None:
    y, x = np.mgrid[:83, :131]
    frame = np.stack([x * 255 // 130, y * 255 // 82, (x * y) % 256], -1).astype(np.uint8)
    features = ImageFrontend(ImageConfig(resize=resize))(frame)
    assert hashlib.sha256(features.tobytes()).hexdigest() == GOLDEN[resize]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["JPEG", "PNG"])
def test_exif_orientation_is_undone(orientation: int, suffix: str) -> None:
    upright = Image.fromarray(picture(64, 48))
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    exif = Image.Exif()
    stored = upright
    if orientation > 1:
        # Storing a picture so that `orientation` is right means to turn it the other way.
        exif[274] = undo[orientation]
        turned = saved(upright, "PNG", exif=exif)
        stored = ImageOps.exif_transpose(Image.open(turned))
    exif[274] = orientation
    quality = {"quality": 95, "subsampling": 0} if suffix == "JPEG" else {}
    got = read_picture(saved(stored, suffix, exif=exif, **quality))
    assert got.shape == (48, 64, 3)
    difference = np.abs(got.astype(int) - np.asarray(upright).astype(int)).mean()
    assert difference < (4 if suffix == "JPEG" else 1e-9)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA", "La"])
def test_transparency_shows_the_background(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 4, 8))
    if mode == "P":
        file = saved(image.quantize(4), "PNG")
    elif mode == "La":
        file = saved(image.convert("LA"), "TIFF")
    elif mode == "PA":
        file = saved(image.quantize(4), "GIF", transparency=image.quantize(4).getpixel((7, 0)))
    else:
        file = saved(image.convert(mode), "PNG")
    got = read_picture(file, background=(10, 200, 30))
    assert tuple(got[4, 1]) == (0, 0, 0)
    assert tuple(got[4, 6]) == (10, 200, 30)


def test_half_transparent_is_half_background() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    got = read_picture(saved(image, "PNG"), background=(0, 0, 255))
    np.testing.assert_allclose(got[2, 2], (128, 0, 127), atol=1)


def test_transparency_by_one_colour_of_a_file_without_alpha() -> None:
    image = Image.new("RGB", (4, 4), RED)
    image.paste(GREEN, (0, 0, 2, 4))
    got = read_picture(saved(image, "PNG", transparency=RED), background=(1, 2, 3))
    assert tuple(got[0, 0]) == GREEN
    assert tuple(got[0, 3]) == (1, 2, 3)


@pytest.mark.parametrize(
    ("mode", "suffix", "mean_error"),
    [("L", "PNG", 0), ("P", "PNG", 20), ("CMYK", "JPEG", 5), ("CMYK", "TIFF", 1),
     ("YCbCr", "TIFF", 2), ("RGB", "JPEG", 8), ("RGB", "WEBP", 8), ("RGB", "BMP", 0)],
)  # fmt: skip
def test_other_modes_and_formats(mode: str, suffix: str, mean_error: float) -> None:
    image = Image.fromarray(picture(64, 48))
    expected = np.asarray(image.convert("L").convert("RGB") if mode == "L" else image).astype(int)
    got = read_picture(saved(image.convert(mode), suffix))
    assert got.dtype == np.uint8
    assert got.shape == expected.shape
    assert np.abs(got - expected).mean() <= mean_error


def test_black_and_white() -> None:
    image = Image.new("1", (4, 2))
    image.putpixel((3, 1), 1)
    got = read_picture(saved(image, "PNG"))
    assert got[1, 3].tolist() == [255, 255, 255]
    assert got.sum() == 3 * 255


def test_sixteen_bit_grey_keeps_its_scale() -> None:
    levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    got = read_picture(saved(Image.fromarray(levels), "PNG"))
    np.testing.assert_array_equal(got, (levels >> 8).astype(np.uint8)[..., None].repeat(3, -1))


def stripes(width: int, height: int, *, along: str) -> np.ndarray:
    """Three equal stripes, red, green, blue, from left to right or from top to bottom."""
    frame = np.zeros((height, width, 3), np.uint8)
    for i, colour in enumerate((RED, GREEN, BLUE)):
        if along == "x":
            frame[:, i * width // 3 : (i + 1) * width // 3] = colour
        else:
            frame[i * height // 3 : (i + 1) * height // 3] = colour
    return frame


@pytest.mark.parametrize("along", ["x", "y"])
def test_cover_keeps_the_middle_and_fills_the_frame(along: str) -> None:
    size = (90, 30) if along == "x" else (30, 90)
    got = pixels(ImageConfig(height=20, width=20, **PLAIN), stripes(*size, along=along))
    # The green third is square and fills the frame; only its rim is blended with the rest.
    assert (got[1:-1, 1:-1] == GREEN).all()
    assert got[:, :, 1].min() > 200


@pytest.mark.parametrize("along", ["x", "y"])
def test_contain_shows_all_on_the_background(along: str) -> None:
    size = (90, 30) if along == "x" else (30, 90)
    config = ImageConfig(height=30, width=30, resize="contain", background=(9, 8, 7), **PLAIN)
    got = pixels(config, stripes(*size, along=along))
    got = got if along == "x" else got.transpose(1, 0, 2)
    assert (got[:10] == (9, 8, 7)).all()
    assert (got[20:] == (9, 8, 7)).all()
    for column, colour in ((4, RED), (15, GREEN), (25, BLUE)):
        assert (got[10:20, column] == colour).all()


def test_stretch_shows_all_and_fills_the_frame() -> None:
    got = pixels(
        ImageConfig(height=30, width=30, resize="stretch", **PLAIN), stripes(90, 30, along="x")
    )
    for column, colour in ((4, RED), (15, GREEN), (25, BLUE)):
        assert (got[:, column] == colour).all()


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    frame = picture(24, 18)
    for resize in ("cover", "contain", "stretch"):
        config = ImageConfig(height=18, width=24, resize=resize, **PLAIN)
        np.testing.assert_array_equal(pixels(config, frame), frame)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3)])
@pytest.mark.parametrize("resize", ["cover", "contain", "stretch"])
def test_the_slimmest_pictures_still_fit(size: tuple[int, int], resize: str) -> None:
    frame = np.full((*size, 3), (10, 20, 30), np.uint8)
    config = ImageConfig(height=7, width=9, resize=resize, background=(10, 20, 30), **PLAIN)
    got = pixels(config, frame)
    np.testing.assert_array_equal(got, np.broadcast_to(frame[0, 0], (7, 9, 3)))
