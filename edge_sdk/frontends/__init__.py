"""The front-ends: one implementation each, used by training, conversion and device alike."""

from __future__ import annotations

from functools import cached_property

import msgspec

from ..digest import sha256_hex
from .audio import LogMel, LogMelStream
from .config import (
    AudioFeaturesConfig,
    FrontendsConfig,
    ImageConfig,
    TextConfig,
    VideoConfig,
)
from .image import ImageFrontend
from .text import TextFrontend
from .video import VideoFrontend, VideoStream
from .waveform import Waveform, WaveformStream

__all__ = [
    "REVISIONS",
    "AudioFeaturesConfig",
    "Frontends",
    "FrontendsConfig",
    "ImageConfig",
    "ImageFrontend",
    "LogMel",
    "LogMelStream",
    "TextConfig",
    "TextFrontend",
    "VideoConfig",
    "VideoFrontend",
    "VideoStream",
    "Waveform",
    "WaveformStream",
    "frontends_hash",
]

# Raised whenever the same parameters would give other features than before.
REVISIONS = {"audio": 1, "image": 1, "text": 1, "video": 1}


def frontends_hash(config: FrontendsConfig) -> str:
    """SHA-256 over the parameters and the revisions of the front-ends they set, as hex."""
    revisions = {name: REVISIONS[name] for name in config.modalities}
    # Through JSON and back, so that 1 and 1.0 are the same number wherever they came from.
    config = msgspec.json.decode(msgspec.json.encode(config), type=FrontendsConfig)
    fields = msgspec.to_builtins(config)
    # A choice that bundles of before it was one have made by its default.
    if fields["audio"] and fields["audio"]["features"] == "log-mel":
        del fields["audio"]["features"]
    return sha256_hex(msgspec.json.encode((fields, revisions), order="sorted"))


class Frontends:
    """The front-ends of one model, each made when it is first used."""

    def __init__(self, config: FrontendsConfig) -> None:
        self.config = config

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities the model takes, in their fixed order."""
        return self.config.modalities

    @cached_property
    def audio(self) -> LogMel | Waveform:
        """The front-end of sound (the model must take audio)."""
        config = self.config.audio
        if config is not None and config.features == "waveform":
            return Waveform(config)
        return LogMel(config)

    @cached_property
    def image(self) -> ImageFrontend:
        """The picture front-end (the model must take pictures)."""
        return ImageFrontend(self.config.image)

    @cached_property
    def text(self) -> TextFrontend:
        """The text front-end (the model must take text)."""
        assert self.config.text is not None, "callers ask `modalities` first"
        return TextFrontend(self.config.text)

    @cached_property
    def video(self) -> VideoFrontend:
        """The clip front-end (the model must take video)."""
        return VideoFrontend(self.config.video)
