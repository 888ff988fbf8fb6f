"""Pictures in: decode, orient, resize, crop, normalise, with the same result everywhere.

Resizing is Pillow's, in fixed-point arithmetic on 8-bit values, and normalisation is a table of
256 values a channel: no step depends on the processor's floating point.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DependencyError, InputError
from ..files import is_file
from .config import ImageConfig

if TYPE_CHECKING:
    from PIL import Image


class ImageFrontend:
    """From a picture to float32 ``[1, 3, height, width]``."""

    def __init__(self, config: ImageConfig | None = None) -> None:
        self.config = config = config or ImageConfig()
        levels = np.arange(256, dtype=np.float64)[None] / 255.0
        mean, std = (np.asarray(v, np.float64)[:, None] for v in (config.mean, config.std))
        self._table = ((levels - mean) / std).astype(np.float32)

    def __call__(
        self, frame: NDArray[np.uint8], *, order: Literal["rgb", "bgr"] = "rgb"
    ) -> NDArray[np.float32]:
        """Features of a frame: uint8 ``[h, w, 3]`` -> float32 ``[1, 3, height, width]``.

        Raises:
            InputError: the array is not uint8 ``[h, w, 3]``, or is empty.
        """
        frame = check_frame(frame)
        if order == "bgr":
            frame = np.ascontiguousarray(frame[:, :, ::-1])
        pixels = self._fit(frame)
        return np.stack([self._table[c][pixels[:, :, c]] for c in range(3)])[None]

    def _fit(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # The whole geometry is whole pixels, so that no rounding differs between processors.
        height, width = self.config.height, self.config.width
        if frame.shape[:2] == (height, width):
            return frame
        pil = pillow()
        picture = pil.fromarray(frame)
        bilinear = pil.Resampling.BILINEAR
        h, w = frame.shape[:2]
        if self.config.resize == "stretch":
            return np.asarray(picture.resize((width, height), bilinear))
        if self.config.resize == "cover":
            # The middle of the picture with the wanted aspect ratio.
            if w * height > h * width:
                cut_w, cut_h = max(1, (h * width + height // 2) // height), h
            else:
                cut_w, cut_h = w, max(1, (w * height + width // 2) // width)
            left, top = (w - cut_w) // 2, (h - cut_h) // 2
            box = (left, top, left + cut_w, top + cut_h)
            return np.asarray(picture.resize((width, height), bilinear, box=box))
        if w * height > h * width:
            fit_w, fit_h = width, max(1, (h * width + w // 2) // w)
        else:
            fit_w, fit_h = max(1, (w * height + h // 2) // h), height
        canvas = pil.new("RGB", (width, height), self.config.background)
        place = ((width - fit_w) // 2, (height - fit_h) // 2)
        canvas.paste(picture.resize((fit_w, fit_h), bilinear), place)
        return np.asarray(canvas)


def read_picture(
    source: str | Path | BinaryIO, *, background: tuple[int, int, int] = (255, 255, 255)
) -> NDArray[np.uint8]:
    """Decode a picture file to uint8 RGB ``[h, w, 3]``, turned as its EXIF orientation says.

    Raises:
        InputError: the file is missing, not a picture, cut short, or absurdly large.
    """
    name = "The picture"
    if isinstance(source, (str, Path)):
        name = f"The picture {source}"
        if not is_file(Path(source)):
            raise InputError(f"There is no picture at {source}.")
    pil = pillow()
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pil.DecompressionBombWarning)
            with pil.open(source) as picture:
                picture = ImageOps.exif_transpose(picture)
                return np.asarray(flatten(picture, background))
    except (pil.DecompressionBombError, pil.DecompressionBombWarning) as error:
        raise InputError(f"{name} is too large to decode: {error}") from error
    except (OSError, ValueError, SyntaxError) as error:
        # Pillow's own sentences name file objects; what helps is which file and what to do.
        raise InputError(
            f"{name} cannot be read: it is damaged, cut short, or not a picture; "
            "give a PNG or JPEG file."
        ) from error


def check_frame(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``frame`` as contiguous uint8 ``[h, w, 3]``; raises :class:`InputError` where it is not."""
    try:
        frame = np.asarray(frame)
    except ValueError as error:
        raise InputError("A picture must be uint8 [height, width, 3]; its rows differ.") from error
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise InputError(
            f"A picture must be uint8 [height, width, 3], not {frame.dtype} {list(frame.shape)}."
        )
    if frame.size == 0:
        raise InputError(f"The picture is empty: its shape is {list(frame.shape)}.")
    return np.ascontiguousarray(frame)


def flatten(picture: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """RGB of any mode; transparency is laid over ``background``."""
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        grey: Image.Image = pillow().fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        return grey.convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        base = pillow().new("RGBA", layer.size, (*background, 255))
        flat: Image.Image = pillow().alpha_composite(base, layer)
        return flat.convert("RGB")
    return picture.convert("RGB")


def pillow() -> Any:
    """Pillow's module ``Image``; raises :class:`DependencyError` where it is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DependencyError("Pictures need the package Pillow: pip install pillow.") from error
    return Image
