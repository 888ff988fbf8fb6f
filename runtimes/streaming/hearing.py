"""The audio way of a live stream: samples to embeddings, hop by hop, on whatever rung holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import InputError

from .encoder import AUDIO, StreamingEncoder

if TYPE_CHECKING:
    from ..session import FusionSession


class Hearing:
    """Features are made once; the encoder of a rung gets those that are new.

    A rung with another encoder is fed the last window of features when it takes over, so that it
    knows what was just heard. Where an encoder cannot stream, or the model has none, the window is
    encoded anew each hop.

    Args:
        session: the session whose rung holds.
        hop_seconds: how often an embedding is wanted.
        window_seconds: the most that an embedding covers.
    """

    #: Whether pictures may be wanted: always, as every hop is answered.
    attentive = True

    def __init__(
        self, session: FusionSession, *, hop_seconds: float, window_seconds: float
    ) -> None:
        self._session = session
        config = session.frontends.audio.config
        self.rate = config.rate
        self._frame, self._length = config.hop, config.window
        self._frontend = session.frontends.audio.stream()
        self._hop_seconds, self._window_seconds = hop_seconds, window_seconds
        size = max(1, round(window_seconds * config.rate / config.hop))
        self._window = np.zeros((size, config.bands), np.float32)
        self._new = np.zeros((0, config.bands), np.float32)
        self._encoders: dict[str, StreamingEncoder | None] = {}
        self._encoder: StreamingEncoder | None = None
        self.reset()
        self.change()

    def prepare(self) -> None:
        """Load the encoder of the rung that holds, for when it comes to it."""
        self._encoder_of_rung()

    def change(self) -> None:
        """The session's rung has changed."""
        before, self._encoder = self._encoder, self._encoder_of_rung()
        if self._encoder is not before or self._encoder is None:
            self._behind = True
        self.pace(self._hop_seconds)

    def pace(self, hop_seconds: float) -> None:
        """Have an embedding every ``hop_seconds``, or every step of the encoder if it is longer."""
        self._hop_seconds = hop_seconds
        frames = hop_seconds * self.rate / self._frame
        unit = 1 if self._encoder is None else self._encoder.step_frames
        self._hop = unit * max(1, math.ceil(round(frames, 6) / unit))

    @property
    def hop_seconds(self) -> float:
        """How often an embedding comes."""
        return self._hop * self._frame / self.rate

    @property
    def mode(self) -> str:
        """As :attr:`StreamingEncoder.mode`."""
        return "recomputed" if self._encoder is None else self._encoder.mode

    def push(self, samples: NDArray[np.float32], end: float) -> None:
        """Take samples, float32 ``[n]``, whose last one was captured at ``end``."""
        self._samples += len(samples)
        self._end = end
        fresh = self._frontend.push(samples)
        if len(fresh):
            self._new = np.concatenate((self._new, fresh)) if len(self._new) else fresh

    @property
    def hops(self) -> int:
        """How many hops wait to be encoded."""
        return len(self._new) // self._hop

    def embed(self) -> NDArray[Any] | None:
        """Encode all whole hops that wait; the newest embedding, None where there is none.

        Raises:
            EngineError: the engine failed; the next call begins with the last window.
        """
        count = self._hop * self.hops
        if not count:
            return None
        fed = self._new[:count]
        # Of more than a window only the last one counts.
        behind = self._behind or count > len(self._window)
        self.skip()
        if self._encoder is None:
            return self._anew()
        if behind:
            unit = self._encoder.step_frames
            known = len(self._known) // unit * unit
            self._encoder.reset()
            fed = self._known[len(self._known) - known :]
        embedding = self._encoder.push(fed)
        self._behind = False
        return embedding

    @property
    def newest(self) -> float:
        """When the last sample was captured, on the clock."""
        return self._end

    def skip(self) -> None:
        """Pass over the whole hops that wait; they are still known when they are wanted again."""
        count = self._hop * self.hops
        fed, self._new = self._new[:count], self._new[count:]
        self._fed += count
        self._remember(fed)
        self._behind = True

    @property
    def covered(self) -> tuple[float, float]:
        """From and to, the sound that the last embedding rests on, on the clock."""
        last = self._fed - 1
        end = self._end - (self._samples - last * self._frame - self._length) / self.rate
        if self._encoder is None:
            frames = len(self._known)
        else:
            frames = round(self._encoder.covered_seconds * self.rate / self._frame)
        return end - ((frames - 1) * self._frame + self._length) / self.rate, end

    def reset(self) -> None:
        """The sound has a hole: what was heard is another story."""
        self._frontend.flush()
        self._new = self._new[:0]
        self._known = self._window[:0]
        self._samples = self._fed = 0
        self._end = float("-inf")
        self._behind = True

    def close(self) -> None:
        """Give back what the engine holds."""
        for encoder in self._encoders.values():
            if encoder is not None:
                encoder.close()
        self._encoders.clear()
        self._encoder = None

    def _remember(self, fed: NDArray[np.float32]) -> None:
        size = len(self._window)
        new = fed[-size:]
        kept = self._known[max(0, len(self._known) + len(new) - size) :]
        count = len(kept) + len(new)
        # Kept rows move to the front of the same memory.
        self._window[: len(kept)] = kept.copy()
        self._window[len(kept) : count] = new
        self._known = self._window[:count]

    def _anew(self) -> NDArray[Any] | None:
        try:
            return self._session.parts.encode(AUDIO, self._known[None])
        except InputError:
            if len(self._known) < len(self._window):
                # Fewer frames than the model takes: more will come.
                return None
            raise

    def _encoder_of_rung(self) -> StreamingEncoder | None:
        session = self._session
        loaded = session.parts.encoders.get(AUDIO)
        if loaded is None or loaded.variant.streaming is None:
            return None
        key = f"{loaded.engine} {loaded.variant.file}"
        if key not in self._encoders:
            encoder: StreamingEncoder | None = StreamingEncoder(
                session.bundle,
                session.edition,
                hop_seconds=loaded.variant.streaming.frames * self._frame / self.rate,
                window_seconds=self._window_seconds,
                threads=session.threads,
            )
            if encoder is not None and encoder.mode == "recomputed":
                # The session's own graph does that too.
                encoder.close()
                encoder = None
            self._encoders[key] = encoder
        return self._encoders[key]
