"""The audio encoder of a bundle on a stream of features."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Part
from edge_sdk.errors import InputError, UsageError

from ..engines import EngineOptions
from ..parts import edition_of, engine_for, load_part
from .step import load_step, stepper_of
from .window import Along, Recomputed, SinceReset, Staggered

AUDIO = "audio"
HOP_SECONDS = 0.08
WINDOW_SECONDS = 2.0

#: ``stateful``: one stream since the reset. ``staggered``: several, begun one after the other, so
#: that none remembers more than the window. ``recomputed``: the bundle has no streaming form, and
#: the whole window is encoded again each time.
Mode = Literal["stateful", "staggered", "recomputed"]


class StreamingEncoder:
    """Embeddings of a stream of features, one a hop. Not for several threads at once.

    What comes out is what the encoder gives of a recording that began where the stream did:
    nothing is approximated. The model decides over all it has heard since it began, so an
    utterance begins with :meth:`reset`; on a stream that never ends, ``window_seconds`` bounds
    what it remembers.

    Attributes:
        mode: how the embeddings are made.
        step_frames: frames a hop; an embedding comes whenever so many more have arrived.
        window_seconds: the most that an embedding covers; None: all since the reset.
    """

    def __init__(
        self,
        bundle: Bundle,
        edition: str,
        *,
        hop_seconds: float = HOP_SECONDS,
        window_seconds: float | None = None,
        copies: int = 4,
        threads: int = 1,
    ) -> None:
        """Load the audio encoder of one edition of ``bundle``.

        Args:
            bundle: an opened bundle whose model takes audio.
            edition: what :func:`~edge_sdk.runtimes.parts.choose_edition` gave.
            hop_seconds: how often an embedding is wanted; rounded up to the graph's own step.
            window_seconds: the most that an embedding may cover. With a streaming form, ``copies``
                streams are begun in turn and the oldest answers, which covers between
                ``1 - 1 / copies`` of the window and all of it, exactly; each copy costs a step.
                Without one, the window is encoded again each hop (default: 2 s).
            copies: how many streams share a window.
            threads: of the engine.

        Raises:
            UsageError: the model has no audio encoder, or a number makes no sense.
            EngineError: the engine is not installed or refuses the graph.
            BundleError: the graph is damaged.
        """
        part = _audio(bundle)
        config = bundle.manifest.frontends.audio
        assert config is not None
        window_wrong = window_seconds is not None and not window_seconds > 0
        if not hop_seconds > 0 or copies < 1 or window_wrong:
            raise UsageError("The hop, the window and the copies of a stream must be above 0.")
        named = edition_of(bundle.manifest, edition)
        variant = bundle.manifest.variant(part, named)
        options = EngineOptions(threads=threads)
        step = load_step(bundle, variant, engine_for(variant, named, edition), options)
        streaming = variant.streaming if step is not None else None
        self.bands = config.bands
        self.frame_seconds = config.hop / config.rate
        unit = streaming.frames if streaming else 1
        self.step_frames = unit * math.ceil(round(hop_seconds / self.frame_seconds, 6) / unit)
        self.mode: Mode
        self._along: Along
        if streaming is None or step is None:
            step = load_part(bundle, part, named, edition, options).graph
            window_seconds = window_seconds or WINDOW_SECONDS
            self.mode = "recomputed"
            frames = round(window_seconds / self.frame_seconds)
            given, made = part.inputs[0].name, part.outputs[0].name
            self._along = Recomputed(step.run, given, made, frames, config.bands)
        elif window_seconds is None:
            self.mode = "stateful"
            self._along = SinceReset(stepper_of(step, streaming, part))
        else:
            self.mode = "staggered"
            frames = round(window_seconds / self.frame_seconds)
            steppers = [stepper_of(step, streaming, part) for _ in range(copies)]
            self._along = Staggered(steppers, self.step_frames, frames)
        self.window_seconds = window_seconds
        self._graph = step
        self._held = np.zeros((1, self.step_frames, config.bands), np.float32)
        self._count = 0

    @property
    def hop_seconds(self) -> float:
        """How often an embedding comes."""
        return self.step_frames * self.frame_seconds

    @property
    def covered_seconds(self) -> float:
        """How much the last embedding covers; 0 before the first."""
        return self._along.frames * self.frame_seconds

    def push(self, features: NDArray[np.float32]) -> NDArray[Any] | None:
        """Add frames, float32 ``[k, bands]``; the embedding as of the last whole hop.

        Returns:
            float32 ``[1, embedding]``; None where no hop has become whole.

        Raises:
            InputError: the features are of another shape or dtype.
            EngineError: the engine failed.
        """
        if features.ndim != 2 or features.shape[1] != self.bands or features.dtype != np.float32:
            raise InputError(
                f"Features must be float32 [k, {self.bands}], not {features.dtype} "
                f"{list(features.shape)}."
            )
        hop, new, embedding = self.step_frames, features[None], None
        if self._count:
            taken = min(hop - self._count, new.shape[1])
            self._held[:, self._count : self._count + taken] = new[:, :taken]
            self._count += taken
            new = new[:, taken:]
            if self._count < hop:
                return None
            self._count = 0
            embedding = self._along.push(self._held)
        whole = new.shape[1] // hop * hop
        if whole:
            embedding = self._along.push(new[:, :whole])
        rest = new.shape[1] - whole
        self._held[:, :rest] = new[:, whole:]
        self._count = rest
        return embedding

    def reset(self) -> None:
        """Begin a new stream: what was heard is forgotten."""
        self._count = 0
        self._along.reset()

    def close(self) -> None:
        """Give back what the engine holds."""
        self._graph.close()


def _audio(bundle: Bundle) -> Part:
    for part in bundle.manifest.encoders:
        if part.name == AUDIO:
            return part
    raise UsageError(f"{bundle.path} has no audio encoder of its own; nothing of it can stream.")
