"""A bundle, opened to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.errors import InputError, UsageError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.image import check_frame
from edge_sdk.frontends.recording import as_samples, prepare_samples

from .engines import EngineOptions
from .held import Held
from .parts import choose_edition
from .prediction import HeadPrediction, Prediction
from .rungs import Rungs

if TYPE_CHECKING:
    from .capture import AudioBlock, AudioSource, FrameSource
    from .governor import Governor
    from .speech.protocol import VoiceDetector
    from .streaming.live import LiveStream
    from .streaming.options import StreamOptions

Audio = tuple[NDArray[Any], int]
Clip = tuple[Sequence[NDArray[np.uint8]], Sequence[float]]


class FusionSession:
    """Answers from any subset of a bundle's modalities. Not for several threads at once."""

    def __init__(self, bundle: Bundle, rungs: Rungs, frontends: Frontends) -> None:
        self.bundle = bundle
        self.frontends = frontends
        self._rungs = rungs
        self._rung = rungs.first
        self.parts = rungs.load(self._rung)
        self._modalities = self.parts.modalities
        self._held = {name: Held() for name in bundle.manifest.frontends.modalities}
        self._embeddings: dict[str, NDArray[Any]] = {}
        self._timings: dict[str, float] = {}
        self._closed = False
        self._stream: LiveStream | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        engine: str = "auto",
        threads: int | None = None,
        check: bool = True,
        cache: str | Path | None = None,
    ) -> FusionSession:
        """Open the bundle at ``path``, check what is loaded, and self-test on a golden sample.

        Args:
            path: a bundle folder or ``.edge`` file.
            engine: ``auto`` takes the first of the target's engines that is installed; a
                name takes that engine or fails. ``<engine>.<rung>`` takes a cheaper edition.
            threads: threads of the engine; by default what the target profile says.
            check: hold one golden sample against its expected values before answering.
            cache: where compiled TensorRT engines lie, as ``edge-sdk build --cache`` was told;
                by default in the user's cache folder (see ``$EDGE_SDK_CACHE``).

        Raises:
            BundleError: the bundle is damaged, unsafe, newer, or fails its self-test.
            EngineError: the engine is not installed or refuses a graph.
            UsageError: there is no engine of that name, or ``threads`` is below 1.
        """
        if threads is not None and threads < 1:
            raise UsageError(f"The number of threads must be at least 1, not {threads}.")
        bundle = Bundle.open(path)
        edition = choose_edition(bundle.manifest, engine)
        options = EngineOptions(
            threads=threads or bundle.manifest.target.threads,
            cache=Path(cache) if cache is not None else None,
        )
        frontends = Frontends(bundle.manifest.frontends)
        return cls(bundle, Rungs(bundle, edition, options, frontends, check=check), frontends)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that the edition takes: all of the model's, on the rung ``full``."""
        return self._modalities

    @property
    def rungs(self) -> tuple[str, ...]:
        """The rungs of the bundle's ladder for this engine, from the costliest, ``full``."""
        return self._rungs.names

    @property
    def rung(self) -> str:
        """The rung that answers; set it to change over.

        The graphs of a rung are loaded and self-tested the first time (:meth:`prepare` does it
        beforehand); those that rungs share are loaded once. What an encoder gave for the last
        inputs stays valid where the new rung has the same encoder.

        Raises:
            UsageError: the bundle has no such rung for this engine, or the session is closed.
            EngineError: the engine refuses a graph of it.
            BundleError: it is damaged, or fails its self-test.
        """
        return self._rung

    @rung.setter
    def rung(self, name: str) -> None:
        self._check_open()
        if name == self._rung:
            return
        parts, before = self._rungs.load(name), self.parts
        for modality in list(self._embeddings):
            if parts.encoders.get(modality) is not before.encoders.get(modality):
                del self._embeddings[modality]
        self._rung, self.parts, self._modalities = name, parts, parts.modalities

    @property
    def edition(self) -> str:
        """The edition that answers, as the argument ``engine`` of :meth:`open` takes it."""
        return self._rungs.edition(self._rung)

    @property
    def threads(self) -> int:
        """Threads of the engine."""
        return self._rungs.options.threads

    def prepare(self, *rungs: str) -> None:
        """Load and self-test ``rungs`` (none: all), so that changing to them takes no time.

        Raises:
            UsageError, EngineError, BundleError: as :attr:`rung`.
        """
        self._check_open()
        for name in rungs or self.rungs:
            self._rungs.load(name)

    def infer(
        self,
        *,
        audio: Audio | None = None,
        image: NDArray[np.uint8] | None = None,
        text: str | None = None,
        video: Clip | None = None,
    ) -> Prediction:
        """Answer from what is given; a modality left out is a missing one.

        An encoder whose input is the same as in the last call is not run again.

        Args:
            audio: samples, float ``[n]`` or ``[n, channels]`` in [-1, 1] (or int16), and their
                rate in hertz.
            image: RGB frame, uint8 ``[height, width, 3]``.
            text: what was said, as recognised.
            video: RGB frames, uint8 ``[height, width, 3]`` each, and their times in seconds.

        Raises:
            InputError: an input cannot be used, is of a modality that the model does not take,
                or none is given.
            UsageError: the session has been closed.
        """
        self._check_open()
        started = perf_counter()
        given = {"audio": audio, "image": image, "text": text, "video": video}
        given = {name: value for name, value in given.items() if value is not None}
        for name in given:
            if name not in self.modalities:
                raise InputError(
                    f"This model takes {', '.join(self.modalities)}; it takes no {name}."
                )
        if not given:
            raise InputError(f"Nothing to answer on: give {' or '.join(self.modalities)}.")
        self._timings = {}
        embeddings = {name: self._embed(name, value) for name, value in given.items()}
        embedded = perf_counter()
        logits = self.parts.fuse(embeddings)
        self._timings["head"] = (perf_counter() - embedded) * 1e3
        heads = {h.name: HeadPrediction(h, logits[h.name]) for h in self.parts.heads}
        self._timings["total"] = (perf_counter() - started) * 1e3
        used = tuple(name for name in self.modalities if name in given)
        return Prediction(heads=heads, used=used, timings=self._timings)

    def stream(
        self,
        *,
        microphone: AudioSource | None = None,
        camera: FrameSource | None = None,
        text: str | None = None,
        governor: Governor | None = None,
        deadline: float | None = None,
        options: StreamOptions | None = None,
        mono: Callable[[AudioBlock], NDArray[np.float32]] | None = None,
        utterances: VoiceDetector | None = None,
    ) -> LiveStream:
        """Answer along a microphone and a camera; events as they happen.

            with session.stream(microphone=Microphone(), camera=Camera()) as stream:
                for event in stream:
                    if isinstance(event, Decision): ...

        Sound is encoded step by step, every hop; a picture when there is a new one, at the wanted
        rate; the head runs when something changed, on the frame nearest to the end of the sound.
        Devices are opened with the first event or by ``with``, and released at the end, by
        ``with``, or when the session is closed. A session has one stream at a time.

        Args:
            microphone: a source of sound at the model's rate.
            camera: a source of pictures, stamped on the same clock.
            text: what was said; the stream's attribute ``text`` may be set while it runs.
            governor: what moves along rungs and rates; None: nothing does.
            deadline: seconds that data may be old at a decision.
            options: rates and limits.
            mono: makes float32 ``[n]`` of a block of several channels; by default their mean.
            utterances: a voice detector, which is used up: an utterance is answered once, as a
                whole, when it is over; between utterances neither sound nor pictures are encoded.

        Raises:
            UsageError: nothing to stream, a source that does not fit the model, a number out of
                its range, or a stream that is open already.
        """
        from .streaming.live import LiveStream

        self._check_open()
        if self._stream is not None and self._stream.running:
            raise UsageError("This session has a stream already: close it first.")
        self._stream = LiveStream(
            self,
            microphone=microphone,
            camera=camera,
            text=text,
            governor=governor,
            deadline=deadline,
            options=options,
            mono=mono,
            utterances=utterances,
        )
        return self._stream

    def forget(self) -> None:
        """Forget the last inputs: the next call runs every encoder."""
        self._embeddings.clear()

    def close(self) -> None:
        """Release the engine; the session cannot answer any more."""
        if not self._closed:
            self._closed = True
            if self._stream is not None:
                self._stream.close()
            self._held.clear()
            self._embeddings.clear()
            self._rungs.close()

    def __enter__(self) -> FusionSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("This session is closed; open the bundle again.")

    def _embed(self, modality: str, value: Any) -> NDArray[Any]:
        arrays, rest = _held(modality, value)
        held, known = self._held[modality], self._embeddings.get(modality)
        if known is not None and held.same(arrays, rest):
            return known
        started = perf_counter()
        features = self.features(modality, value)
        ready = perf_counter()
        embedding = self.parts.encode(modality, features)
        encoded = perf_counter()
        self._timings[f"frontend.{modality}"] = (ready - started) * 1e3
        self._timings[f"encoder.{modality}"] = (encoded - ready) * 1e3
        held.keep(arrays, rest)
        self._embeddings[modality] = embedding
        return embedding

    def features(self, modality: str, value: Any) -> NDArray[Any]:
        """What the front-end makes of one input of :meth:`infer`, ``[1, ...]``.

        Raises:
            InputError: the input cannot be used.
        """
        if modality == "audio":
            frontend = self.frontends.audio
            samples, rate = value
            return frontend.batch(prepare_samples(samples, rate, frontend.config))[None]
        if modality == "image":
            return self.frontends.image(value)
        if modality == "text":
            return self.frontends.text(value)
        return self.frontends.video(*value)


def _held(modality: str, value: Any) -> tuple[list[NDArray[Any]], Any]:
    """What tells one input of a modality from another: its arrays, and what goes with them."""
    if modality == "audio":
        if not isinstance(value, tuple) or len(value) != 2:
            raise InputError("Audio must be given as a pair (samples, rate).")
        return [as_samples(value[0], "the audio")], value[1]
    if modality == "image":
        return [check_frame(value)], None
    if modality == "video":
        if not isinstance(value, tuple) or len(value) != 2:
            raise InputError("Video must be given as a pair (frames, times).")
        return [check_frame(frame) for frame in value[0]], list(value[1])
    if not isinstance(value, str):
        raise InputError(f"Text must be a string, not {type(value).__name__}.")
    return [], value
