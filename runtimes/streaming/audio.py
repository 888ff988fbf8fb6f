"""Samples to embeddings: the stream of the front-end and the streaming encoder behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.frontends import Frontends, LogMel, Waveform

from ..parts import choose_edition
from .encoder import HOP_SECONDS, StreamingEncoder


class StreamingAudio:
    """Embeddings of a stream of samples. Not for several threads at once.

    The embedding after any number of samples is that of a recording of these samples (cut to
    whole hops), however they were chunked: what :meth:`FusionSession.infer
    <edge_sdk.runtimes.session.FusionSession.infer>` would make of it.

    Attributes:
        encoder: the streaming encoder; its ``mode`` says how the embeddings are made.
    """

    def __init__(self, frontend: LogMel | Waveform, encoder: StreamingEncoder) -> None:
        self.encoder = encoder
        self.rate = frontend.config.rate
        self._stream = frontend.stream()

    @classmethod
    def open(
        cls,
        bundle: str | Path | Bundle,
        *,
        edition: str = "auto",
        hop_seconds: float = HOP_SECONDS,
        window_seconds: float | None = None,
        copies: int = 4,
        threads: int | None = None,
    ) -> StreamingAudio:
        """The audio way of a bundle; arguments and errors as :class:`StreamingEncoder`'s.

        Args:
            bundle: an opened bundle, or where it lies.
            edition: ``auto``, or the name of an edition.
            hop_seconds: how often an embedding is wanted.
            window_seconds: the most that an embedding may cover; None: all since the reset.
            copies: how many streams share a window.
            threads: of the engine; by default what the target profile says.
        """
        opened = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        manifest = opened.manifest
        encoder = StreamingEncoder(
            opened,
            choose_edition(manifest, edition),
            hop_seconds=hop_seconds,
            window_seconds=window_seconds,
            copies=copies,
            threads=threads or manifest.target.threads,
        )
        return cls(Frontends(manifest.frontends).audio, encoder)

    def push(self, samples: NDArray[np.float32]) -> NDArray[Any] | None:
        """Add mono samples, float ``[n]`` in [-1, 1] at ``rate``; the newest embedding.

        Returns:
            float32 ``[1, embedding]``; None where no hop has become whole.

        Raises:
            InputError: the samples are not such, or hold NaN or infinity.
            EngineError: the engine failed.
        """
        frames = self._stream.push(samples)
        return self.encoder.push(frames) if len(frames) else None

    def reset(self) -> None:
        """Begin a new stream with the next sample: an utterance, or after a gap."""
        self._stream.flush()
        self.encoder.reset()

    def close(self) -> None:
        """Give back what the engine holds."""
        self.encoder.close()

    def __enter__(self) -> StreamingAudio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
