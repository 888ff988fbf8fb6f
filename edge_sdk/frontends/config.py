"""The parameters of the front-ends: plain data, carried by checkpoints and manifests."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class _Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class AudioFeaturesConfig(_Config, frozen=True, kw_only=True):
    """What a model hears: of samples in [-1, 1] at ``rate``, ``(feature - mean) * scale``.

    ``log-mel`` is a filter bank in the manner of Kaldi's ``fbank`` (no dither, no energy column);
    ``low_hz``/``high_hz`` bound the filters. ``waveform`` gives the samples themselves: a frame is
    a sample, and there is one band; of the fields below only ``rate``, ``mean``, ``scale`` and
    ``max_seconds`` are then the user's. ``max_seconds`` is the longest recording that batch
    inference accepts.
    """

    features: Literal["log-mel", "waveform"] = "log-mel"
    rate: Count = 16000
    window_ms: Positive = 25.0
    hop_ms: Positive = 10.0
    bands: Count = 80
    low_hz: Annotated[float, Meta(ge=0)] = 20.0
    high_hz: Positive = 8000.0
    preemphasis: Annotated[float, Meta(ge=0, lt=1)] = 0.97
    remove_dc: bool = True
    floor: Positive = 1.1920929e-07
    mean: float = 0.0
    scale: Positive = 1.0
    max_seconds: Positive = 30.0

    def __post_init__(self) -> None:
        if self.features == "waveform":
            self._become_samples()
            return
        if not self.low_hz < self.high_hz <= self.rate / 2:
            raise ValueError(
                f"the band edges {self.low_hz} and {self.high_hz} Hz must rise "
                f"and stay below half the rate ({self.rate / 2:g} Hz)"
            )
        if self.hop > self.window:
            raise ValueError("the hop may not be longer than the window")

    def _become_samples(self) -> None:
        """One sample a frame; a field that shapes a filter bank is refused where it was set."""
        sample = 1000 / self.rate
        own = {"bands": 1, "window_ms": sample, "hop_ms": sample}
        defaults = dict(zip(self.__struct_fields__, self.__struct_defaults__, strict=True))
        kept = ("features", "rate", "mean", "scale", "max_seconds")
        for name in (name for name in self.__struct_fields__ if name not in kept):
            if getattr(self, name) not in (defaults[name], own.get(name, defaults[name])):
                raise ValueError(f"{name} is of log-mel features; a waveform has none")
        for name, value in own.items():
            msgspec.structs.force_setattr(self, name, value)

    @property
    def window(self) -> int:
        """Window length in samples."""
        return round(self.rate * self.window_ms / 1000)

    @property
    def hop(self) -> int:
        """Hop in samples."""
        return round(self.rate * self.hop_ms / 1000)

    @property
    def fft(self) -> int:
        """FFT length: the window rounded up to a power of two."""
        return 1 << math.ceil(math.log2(self.window))


class ImageConfig(_Config, frozen=True, kw_only=True):
    """Decode, orient, resize, crop, normalise; the output is float32 ``[1, 3, height, width]``.

    ``resize`` is ``cover`` (fill the frame, crop the middle), ``contain`` (fit inside, pad with
    ``background``) or ``stretch``. Transparent pictures are laid over ``background`` (RGB).
    """

    height: Count = 96
    width: Count = 96
    resize: Literal["cover", "contain", "stretch"] = "cover"
    background: tuple[int, int, int] = (255, 255, 255)
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)


class VideoConfig(_Config, frozen=True, kw_only=True):
    """A clip of ``frames`` pictures at ``fps``; the output is float32 ``[1, frames, 3, h, w]``."""

    frame: ImageConfig = ImageConfig()
    fps: Positive = 5.0
    frames: Count = 8


class TextConfig(_Config, frozen=True, kw_only=True):
    """Normalisation and greedy longest-match tokenisation over ``vocabulary``.

    ``vocabulary`` lists the tokens in id order. Entry 0 must be ``[pad]``, entry 1 ``[unk]``;
    an entry that begins with ``##`` continues a word. Output: int64 ``[1, tokens]``.
    """

    vocabulary: tuple[str, ...]
    lowercase: bool = True
    strip_accents: bool = True
    max_tokens: Count = 64

    def __post_init__(self) -> None:
        if self.vocabulary[:2] != ("[pad]", "[unk]"):
            raise ValueError("the vocabulary must begin with [pad], [unk]")
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError("the vocabulary repeats a token")


class FrontendsConfig(_Config, frozen=True, kw_only=True):
    """The front-end of each modality a model takes; absent means the modality is not used."""

    audio: AudioFeaturesConfig | None = None
    image: ImageConfig | None = None
    text: TextConfig | None = None
    video: VideoConfig | None = None

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities with a front-end, in their fixed order."""
        names = ("audio", "image", "text", "video")
        return tuple(name for name in names if getattr(self, name) is not None)
