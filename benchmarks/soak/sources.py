"""What is injected: a recording, and pictures as many as the soak needs, in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile

from edge_sdk.bundle import Bundle
from edge_sdk.errors import DataError, InputError
from edge_sdk.files import is_folder
from edge_sdk.frontends.audio import AudioFeaturesConfig
from edge_sdk.frontends.recording import read_recording

GOLDEN = "golden"
#: Pictures a second.
FPS = 5.0
_SUFFIXES = (".png", ".jpg", ".jpeg")


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """Files to replay, and the text; None: the model takes none, or nothing was there."""

    audio: Path | None
    pictures: Path | None
    text: str | None


def prepare(
    bundle: Bundle, folder: Path, seconds: float, audio: Path | None, pictures: Path | None
) -> Injected:
    """Have a recording, and a row of pictures of ``seconds`` below ``folder``.

    What is not given is made of the bundle's golden samples. The recording is to be repeated.

    Raises:
        InputError: there are no pictures where they are said to be.
        DataError: there is nothing that the model hears or sees.
    """
    config = bundle.manifest.frontends
    golden = bundle.manifest.golden
    found: dict[str, Any] = {"audio": None, "pictures": None}
    if config.audio is not None:
        found["audio"] = audio or _golden_sound(bundle, config.audio, folder)
    if config.image is not None:
        files = _pictures(pictures) if pictures is not None else _files(bundle, folder, "image")
        if files:
            found["pictures"] = folder / "pictures"
            found["pictures"].mkdir()
            for number in range(max(1, round(seconds * FPS))):
                file = files[number % len(files)]
                (found["pictures"] / f"{number:06d}{file.suffix}").symlink_to(file.absolute())
    if found["audio"] is None and found["pictures"] is None:
        raise DataError("There is neither sound nor a picture that this model could be fed with.")
    text = next((s.text for s in golden if s.text), None) if config.text is not None else None
    return Injected(text=text, **found)


def _golden_sound(bundle: Bundle, config: AudioFeaturesConfig, folder: Path) -> Path | None:
    parts = [read_recording(file, config) for file in _files(bundle, folder, "audio")]
    if not parts:
        return None
    path = folder / "sound.wav"
    soundfile.write(path, np.concatenate(parts), config.rate)
    return path


def _files(bundle: Bundle, folder: Path, modality: str) -> list[Path]:
    """The golden samples' files, written out."""
    found = []
    for number, sample in enumerate(bundle.manifest.golden):
        name = getattr(sample, modality)
        if name is not None:
            path = folder / f"{modality}-{number}{Path(name).suffix}"
            path.write_bytes(bundle.read(name))
            found.append(path)
    return found


def _pictures(folder: Path) -> list[Path]:
    if not is_folder(folder):
        raise InputError(f"There is no folder of pictures at {folder}.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise InputError(f"{folder} has no PNG or JPEG pictures.")
    return found
