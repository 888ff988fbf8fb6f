"""What each modality of a live stream was last encoded to, and the answer on what is newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from edge_sdk.frontends import VideoStream

from ..capture.protocol import AudioSource, Frame
from ..governor import Level
from ..prediction import HeadPrediction
from ..speech.protocol import VoiceDetector
from .hearing import Hearing
from .options import AUDIO, IMAGE, TEXT, VIDEO, StreamOptions
from .sight import Sight
from .utterances import Utterances

if TYPE_CHECKING:
    from ..session import FusionSession

Embeddings = dict[str, NDArray[Any]]


class Answer(NamedTuple):
    """An answer, and what it rests on; fields as :class:`~.events.Decision`'s.

    ``end`` is the time of the newest of its sound, without sound of its frame; ``masked`` whether
    there were frames, but none near enough.
    """

    heads: dict[str, HeadPrediction]
    used: tuple[str, ...]
    end: float
    window: tuple[float, float] | None
    frame_age: float | None
    masked: bool


def hearing_of(
    session: FusionSession,
    microphone: AudioSource | None,
    detector: VoiceDetector | None,
    options: StreamOptions,
) -> Hearing | Utterances | None:
    """The audio way of a stream; None where there is no microphone."""
    if microphone is None:
        return None
    if detector is not None:
        return Utterances(session, detector)
    return Hearing(session, hop_seconds=options.hop_seconds, window_seconds=options.window_seconds)


class Senses:
    """Encodes what comes, each modality at its own rate, and fuses what is there.

    Args:
        session: the session whose rung holds.
        hearing: the audio way; None: there is no microphone.
        sight: the frames; None: there is no camera.
        text: what was said.
    """

    def __init__(
        self,
        session: FusionSession,
        hearing: Hearing | Utterances | None,
        sight: Sight | None,
        text: str | None,
    ) -> None:
        self._session, self.hearing, self.sight = session, hearing, sight
        self.text = text
        self.level: Level | None = None
        self.rung, self._parts = session.rung, session.parts
        self._heard: NDArray[Any] | None = None
        self._read: tuple[str, NDArray[Any]] | None = None
        takes = session.bundle.manifest.frontends.modalities
        clips = sight is not None and VIDEO in takes
        self._clips = session.frontends.video.stream() if clips else None
        self._clip: tuple[float, NDArray[Any]] | None = None

    @property
    def level_name(self) -> str:
        """The governor's level; empty where there is none."""
        return "" if self.level is None else self.level.name

    def wants(self, *modalities: str) -> bool:
        """Whether one of them is the model's, and not dropped by the level."""
        dropped = () if self.level is None else self.level.drop
        known = self._session.modalities
        return any(name in known and name not in dropped for name in modalities)

    def hear(self) -> bool:
        """Encode the hops that wait; whether there is something new."""
        hearing = self.hearing
        if hearing is None:
            return False
        if not self.wants(AUDIO):
            hearing.skip()
            return False
        embedding = hearing.embed()
        if embedding is not None:
            self._heard = embedding
        return embedding is not None

    def deafen(self) -> None:
        """What was heard is not what sounds now."""
        self._heard = None

    def look(self, frame: Frame) -> bool:
        """Encode a frame as a picture, as the end of a clip, or both."""
        session, sight = self._session, self.sight
        assert sight is not None
        found: Embeddings = {}
        if self.wants(IMAGE):
            found[IMAGE] = session.parts.encode(IMAGE, session.features(IMAGE, frame.image))
        if self._clips is not None and self.wants(VIDEO):
            found[VIDEO] = session.parts.encode(VIDEO, self._clip_of(self._clips, frame))
        sight.keep(frame, found)
        return True

    def follow_rung(self) -> bool:
        """The rung may have been changed, by the governor or by the program; whether it was."""
        session = self._session
        if session.rung == self.rung:
            return False
        before, self.rung, self._parts = self._parts, session.rung, session.parts
        changed = {
            name
            for name in (IMAGE, VIDEO, TEXT)
            if before.encoders.get(name) is not self._parts.encoders.get(name)
        }
        if self.hearing is not None:
            self.hearing.change()
        if self.sight is not None and changed & {IMAGE, VIDEO}:
            self.sight.forget()
        if TEXT in changed:
            self._read = None
        return True

    def answer(self, now: float) -> Answer | None:
        """Fuse what there is at the time ``now``; None where that is too little.

        Raises:
            EngineError: the engine failed.
        """
        present: Embeddings = {}
        window, moment = None, now
        if self.hearing is not None and self._heard is not None and self.wants(AUDIO):
            present[AUDIO] = self._heard
            window = self.hearing.covered
            moment = window[1]
        frame_age, masked = None, False
        if self.sight is not None and self.wants(IMAGE, VIDEO):
            nearest = self.sight.nearest(moment)
            if nearest is not None:
                frame_age = moment - nearest[0]
                present |= {name: made for name, made in nearest[1].items() if self.wants(name)}
            masked = nearest is None and not self.sight.blank
        text = self._encode_text()
        if text is not None:
            present[TEXT] = text
        parts = self._session.parts
        if not ({AUDIO, IMAGE, VIDEO} & set(present)) or parts.needs - set(present):
            return None
        outputs = parts.fuse(present)
        return Answer(
            heads={head.name: HeadPrediction(head, outputs[head.name]) for head in parts.heads},
            used=tuple(name for name in self._session.modalities if name in present),
            end=window[1] if window is not None else moment - (frame_age or 0.0),
            window=window,
            frame_age=frame_age,
            masked=masked,
        )

    def _clip_of(self, clips: VideoStream, frame: Frame) -> NDArray[Any]:
        """The features of the clip that ends with a frame; the last one may be looked at again."""
        assert self.sight is not None
        if self._clip is None or frame.time != self._clip[0]:
            if self._clip is None or frame.time - self._clip[0] > self.sight.farthest:
                # What was before a gap is another clip.
                clips.flush()
            self._clip = frame.time, clips.push(frame.image, frame.time)
        return self._clip[1]

    def _encode_text(self) -> NDArray[Any] | None:
        text = self.text
        if text is None or not self.wants(TEXT):
            return None
        if self._read is None or self._read[0] != text:
            features = self._session.features(TEXT, text)
            self._read = (text, self._session.parts.encode(TEXT, features))
        return self._read[1]
