"""A microphone and a camera, answered as they go: the newest data, and nothing that piles up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import EdgeError

from ..capture import AudioBlock, AudioSource, FrameSource, StreamEnded
from ..governor import Governor, Move
from ..governor.watch import Sensors, Watch
from ..prediction import Prediction
from ..probes.vitals import VitalsReader
from ..speech.protocol import VoiceDetector
from . import events as happened
from .events import StreamEvent
from .governing import Governing
from .hearing import Hearing
from .options import AUDIO, IMAGE, VIDEO, StreamOptions, check_stream
from .senses import Senses, hearing_of
from .sight import Sight
from .tally import StreamCounters, Tally
from .utterances import Utterances

if TYPE_CHECKING:
    from ..session import FusionSession

#: Longest wait for data, in seconds, before devices and signals are looked at.
_PATIENCE = 0.25
#: The same where a camera is looked at meanwhile.
_GLANCE = 0.1
#: What is there already; a device that is only simulated needs a moment to hand it over.
_AT_ONCE = 1e-6
#: Events that wait for the reader at most; one turn makes a handful.
_PENDING = 1024
Samples = NDArray[np.float32]


class LiveStream:
    """Events of a running stream: an iterator and a context manager; see ``FusionSession.stream``.

    All work but the capture is done in the thread that asks for the next event, so nothing piles
    up behind a slow reader: the devices keep what is newest, and what was passed over is counted.
    """

    def __init__(
        self,
        session: FusionSession,
        *,
        microphone: AudioSource | None = None,
        camera: FrameSource | None = None,
        text: str | None = None,
        governor: Governor | None = None,
        deadline: float | None = None,
        options: StreamOptions | None = None,
        mono: Callable[[AudioBlock], Samples] | None = None,
        utterances: VoiceDetector | None = None,
        sensors: Callable[[], Sensors] = VitalsReader,
    ) -> None:
        """Nothing is opened before the first event is asked for; arguments as ``stream()``'s.

        Args:
            sensors: what a governor is shown of the machine.
        """
        self._session, self._options = session, options or StreamOptions()
        self._microphone, self._camera = microphone, camera
        self._deadline, self._mono = deadline, mono or AudioBlock.mono
        self._detector = utterances
        check_stream(session, microphone, camera, text, deadline, self._options, utterances)
        source = microphone or camera
        assert source is not None
        self._clock = source.clock
        self._text = text
        self._watch = None if governor is None else Watch(governor, deadline, sensors)
        self._tally = Tally()
        self._senses: Senses | None = None
        self._governing: Governing | None = None
        self._pending: deque[StreamEvent] = deque(maxlen=_PENDING)
        self._state: Literal["new", "running", "ended", "closed"] = "new"
        self._stopping = False
        self._camera_over = False
        self._looked = 0.0
        self._in_a_row: dict[str, int] = {}

    def __iter__(self) -> Iterator[StreamEvent]:
        return self

    def __next__(self) -> StreamEvent:
        """The next event.

        Raises:
            CaptureError, DependencyError: a device cannot be opened at the beginning.
            EngineError, BundleError: a rung that the governor may choose cannot be loaded.
        """
        if self._state == "new":
            self.start()
        while not self._pending and self._state == "running":
            self._turn()
        if not self._pending:
            raise StopIteration
        return self._pending.popleft()

    def start(self) -> None:
        """Open the devices, if it has not been done; raises as :meth:`__next__`."""
        if self._state != "new":
            return
        self._state = "running"
        options = self._options
        try:
            self._senses = senses = Senses(
                self._session,
                hearing_of(self._session, self._microphone, self._detector, options),
                None
                if self._camera is None
                else Sight(self._camera, options.camera_fps, options.frame_age),
                self._text,
            )
            if self._watch is not None:
                self._governing = Governing(
                    self._session, senses, self._watch, self._camera, options
                )
            if self._camera is not None:
                self._camera.start()
            if self._microphone is not None:
                self._microphone.start()
            if self._watch is not None:
                self._watch.start(self._clock.now())
        except BaseException:
            self._release()
            self._state = "closed"
            raise

    @property
    def text(self) -> str | None:
        """What was said; may be set while the stream runs."""
        return self._text

    @text.setter
    def text(self, text: str | None) -> None:
        self._text = text
        if self._senses is not None:
            self._senses.text = text

    def stop(self) -> None:
        """End the stream soon; from any thread, or from a signal handler."""
        self._stopping = True

    def close(self) -> None:
        """Release the devices now; no event follows. By the thread that reads."""
        if self._state == "running":
            self._release()
        self._state = "closed"
        self._pending.clear()

    def __enter__(self) -> LiveStream:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether it holds devices."""
        return self._state == "running"

    def counters(self) -> StreamCounters:
        """What has been done so far."""
        return self._tally.counters(
            None if self._microphone is None else self._microphone.counters(),
            None if self._camera is None else self._camera.counters(),
        )

    @property
    def load(self) -> float | None:
        """Share of all cores that was busy when the governor looked last; None: not known."""
        seen = None if self._watch is None else self._watch.seen
        return None if seen is None else seen.load

    @property
    def mode(self) -> str | None:
        """How sound is encoded: as :attr:`StreamingEncoder.mode`, or ``utterances``; None: none."""
        hearing = None if self._senses is None else self._senses.hearing
        return None if hearing is None else hearing.mode

    def _turn(self) -> None:
        """Wait for data, and make of them what is due."""
        senses = self._senses
        assert senses is not None
        if self._stopping:
            self._end("stopped", "The stream was stopped.")
            return
        try:
            if senses.hearing is not None:
                self._listen(senses, senses.hearing)
            elif senses.sight is not None:
                self._wait_for_frame(senses, senses.sight)
        except StreamEnded as ended:
            if isinstance(senses.hearing, Utterances):
                senses.hearing.finish()
                self._respond(senses, senses.hearing, self._clock.now(), changed=False)
            self._end("over", str(ended))
            return
        except EdgeError as error:
            self._end("failed", str(error), "device")
            return
        self._tell_devices()
        self._govern(senses)

    def _listen(self, senses: Senses, hearing: Hearing | Utterances) -> None:
        microphone = self._microphone
        assert microphone is not None
        # Pictures do not wait for a microphone that is gone.
        block = microphone.read(_PATIENCE if senses.sight is None else _GLANCE)
        started = now = self._clock.now()
        while block is not None:
            seconds = len(block.samples) / microphone.rate
            end = block.time + seconds
            if block.skipped:
                hearing.reset()
                senses.deafen()
            hearing.push(self._mono(block), end)
            if end > now - seconds:
                break
            # More is waiting: newest first, so take all of it before anything is encoded.
            block = microphone.read(_AT_ONCE)
        changed = senses.follow_rung()
        if now - hearing.newest > self._options.frame_age + hearing.hop_seconds:
            # The device is gone or held up: what it gave last is not what sounds now.
            hearing.skip()
            senses.deafen()
        self._respond(senses, hearing, started, changed=changed)

    def _respond(
        self, senses: Senses, hearing: Hearing | Utterances, started: float, *, changed: bool
    ) -> None:
        """Encode what waits, and answer where something is new or has ``changed``."""
        hops, attentive = hearing.hops, hearing.attentive
        if hops > 1:
            self._tally.lost += hops - 1
            self._emit(happened.DecisionsLost(self._clock.now(), hops - 1, self._tally.lost))
        if hops:
            changed = self._try(AUDIO, senses.hear) or changed
        if senses.sight is not None and (attentive or hearing.attentive):
            looked = self._look(senses, senses.sight, 0.0)
            changed = changed or (looked and self._detector is None)
        if changed and (hops or self._detector is None):
            self._decide(senses, started)
        if self._detector is not None:
            # An utterance is answered once.
            senses.deafen()

    def _wait_for_frame(self, senses: Senses, sight: Sight) -> None:
        senses.follow_rung()
        if not senses.wants(IMAGE, VIDEO):
            self._clock.sleep(_PATIENCE)
            return
        early = sight.due - self._clock.now()
        if early > _AT_ONCE:
            self._clock.sleep(min(early, _PATIENCE))
        if self._look(senses, sight, _PATIENCE):
            self._decide(senses, self._looked)

    def _look(self, senses: Senses, sight: Sight, timeout: float) -> bool:
        """Encode a new frame, if one is due; whether there is one."""
        if senses.hearing is not None and self._camera_over:
            return False
        if not senses.wants(IMAGE, VIDEO):
            return False
        try:
            frame = sight.fresh(self._clock.now(), timeout)
        except StreamEnded:
            if senses.hearing is None:
                raise
            # A film may be shorter than the sound: its pictures are missing from here on.
            self._camera_over = True
            return False
        except EdgeError as error:
            if senses.hearing is None:
                raise
            self._camera_over = True
            self._fail("camera", str(error))
            return False
        if frame is None:
            return False
        self._looked = self._clock.now()
        looked = self._try(IMAGE if senses.wants(IMAGE) else VIDEO, lambda: senses.look(frame))
        self._tally.encoded += looked
        return looked

    def _decide(self, senses: Senses, started: float) -> None:
        self._try("head", lambda: self._answer(senses, started))

    def _answer(self, senses: Senses, started: float) -> bool:
        """Fuse what there is, and tell."""
        answer = senses.answer(self._clock.now())
        if answer is None:
            return True
        now = self._clock.now()
        age = now - answer.end
        late = self._deadline is not None and age > self._deadline
        number = self._tally.decided(age, now - started, late)
        self._tally.masked += answer.masked
        if self._watch is not None:
            self._watch.decided(age)
        self._emit(
            happened.Decision(
                time=now,
                number=number,
                prediction=Prediction(
                    heads=answer.heads,
                    used=answer.used,
                    timings={"total": (now - started) * 1e3},
                ),
                data_age=age,
                latency=now - started,
                window=answer.window,
                frame_age=answer.frame_age,
                rung=senses.rung,
                level=senses.level_name,
                late=late,
            )
        )
        return True

    def _govern(self, senses: Senses) -> None:
        governing = self._governing
        if governing is None or self._state != "running":
            return
        move = governing.look(self._clock.now())
        if move is not None:
            self._try("rung", lambda: self._move(senses, governing, move))

    def _move(self, senses: Senses, governing: Governing, move: Move) -> bool:
        before = senses.level_name
        governing.apply(move.level)
        self._tally.moves += 1
        now = self._clock.now()
        self._emit(happened.Moved(now, before, move.level.name, self._session.rung, move.reason))
        return True

    def _try(self, stage: str, work: Callable[[], bool]) -> bool:
        """Do a stage's work; False, and an event, where it raises."""
        try:
            done = work()
        # A third party's engine may raise anything, and the stream must go on.
        except Exception as error:
            self._fail(stage, str(error) if isinstance(error, EdgeError) else repr(error))
            return False
        self._in_a_row.pop(stage, None)
        return done

    def _fail(self, stage: str, sentence: str) -> None:
        count = self._in_a_row[stage] = self._in_a_row.get(stage, 0) + 1
        self._tally.failures += 1
        self._emit(happened.Failed(self._clock.now(), stage, sentence, count))
        if count >= self._options.failures and self._state == "running":
            said = f"The stage {stage} failed {count} times in a row: {sentence}"
            self._end("failed", said, "engine")

    def _tell_devices(self) -> None:
        for source in (self._microphone, self._camera):
            for event in source.events() if source is not None else ():
                self._emit(happened.Captured(event.time, event))

    def _end(
        self,
        reason: Literal["over", "stopped", "failed"],
        sentence: str,
        fault: Literal["", "device", "engine"] = "",
    ) -> None:
        self._state = "ended"
        # What happened up to the end is told before it.
        self._tell_devices()
        counters = self.counters()
        self._release()
        self._emit(happened.Ended(self._clock.now(), reason, sentence, counters, fault))

    def _release(self) -> None:
        for stage, source in (("microphone", self._microphone), ("camera", self._camera)):
            if source is None:
                continue
            try:
                source.stop()
            except EdgeError as error:
                self._tally.failures += 1
                self._emit(happened.Failed(self._clock.now(), stage, str(error), 1))
        if self._senses is not None and self._senses.hearing is not None:
            self._senses.hearing.close()

    def _emit(self, event: StreamEvent) -> None:
        self._pending.append(event)
