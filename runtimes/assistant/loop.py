"""The assistant's state machine: idle, listening, thinking, speaking."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import perf_counter

from edge_sdk.errors import EdgeError

from ..capture import AudioBlock, AudioSource, Frame, FrameSource, StreamEnded
from ..speech import Speech, Voice
from ..speech.protocol import Samples
from ..speech.segmenter import Silence
from . import events as happened
from .config import AssistantConfig
from .ears import Ears, Spotted, Timed
from .echo import Echo
from .events import AssistantEvent, Listener, State
from .sounds import WAKE_TONE, ringing
from .speaker import Speaker
from .thinking import Thinker, Thought
from .timers import Timer
from .turn import Home

# The loop looks at timers and devices at least so often, even without sound.
_PATIENCE = 0.25
# Seconds after which a speaker that neither begins nor ends has gone.
_OVERDUE = 4.0
Tap = Callable[[Samples, float], None]


class Assistant:
    """Runs the loop on the thread that calls :meth:`run`; everything it uses is given to it.

    Args:
        config: thresholds and times.
        ears: phrases and utterances.
        thinker: recogniser, model and skills.
        voice: the synthesiser.
        speaker: where it speaks.
        home: timers, volume, what was said last.
        microphone: the source of sound, at 16 kHz.
        camera: the source of pictures; None: there is none.
        mono: how several channels become one; by default their mean.
        echo: takes its own voice out of what it hears; None: that is left in.
    """

    def __init__(
        self,
        config: AssistantConfig,
        *,
        ears: Ears,
        thinker: Thinker,
        voice: Voice,
        speaker: Speaker,
        home: Home,
        microphone: AudioSource,
        camera: FrameSource | None = None,
        mono: Callable[[AudioBlock], Samples] | None = None,
        echo: Echo | None = None,
    ) -> None:
        self._config, self._ears, self._thinker = config, ears, thinker
        self._voice, self._speaker, self._home = voice, speaker, home
        self._microphone, self._camera = microphone, camera
        self._mono = mono or AudioBlock.mono
        self._echo = echo
        self._listeners: list[Listener] = []
        self._taps: list[Tap] = []
        self._beats: list[Callable[[], None]] = []
        self._unasked: deque[str] = deque()
        self._stopped = threading.Event()
        self._state: State = "idle"
        self._time = 0.0
        self._turns = 0
        self._spoken = _Spoken()
        self._toned = False

    @property
    def state(self) -> State:
        """What it does now."""
        return self._state

    @property
    def phrase(self) -> str | None:
        """The wake word; None: there is none."""
        return self._ears.phrase

    @property
    def thinker(self) -> Thinker:
        """What answers; a governor may give it a lighter recogniser."""
        return self._thinker

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` called with every event, on the loop's thread."""
        self._listeners.append(listener)

    def tap(self, tap: Tap) -> None:
        """Have ``tap`` called with all sound (float32 ``[n]``) and the time of its end."""
        self._taps.append(tap)

    def beat(self, beat: Callable[[], None]) -> None:
        """Have ``beat`` called on every pass of the loop, with sound or without: it is alive."""
        self._beats.append(beat)

    def tell(self, event: AssistantEvent) -> None:
        """Have all listeners called with an event of what runs with the loop, on its thread."""
        self._emit(event)

    def announce(self, text: str) -> None:
        """Say ``text`` unasked, as soon as nobody speaks; from any thread."""
        self._unasked.append(text)

    def stop(self) -> None:
        """End the loop soon; from any thread or a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Run until the microphone ends or :meth:`stop`; releases all devices.

        Raises:
            CaptureError: a device cannot be opened, or was given up.
        """
        try:
            self._microphone.start()
            if self._camera is not None:
                self._camera.start()
            self._time = self._microphone.clock.now()
            if self._config.wake is None:
                self._await("no wake word is configured")
            while not self._stopped.is_set():
                try:
                    block = self._microphone.read(_PATIENCE)
                except StreamEnded:
                    self._last()
                    break
                for beat in self._beats:
                    beat()
                self._look_around()
                if block is not None:
                    self._take(block)
        finally:
            self._release()

    def _take(self, block: AudioBlock) -> None:
        if block.skipped:
            self._ears.reset()
        samples = self._mono(block)
        end = self._time = block.time + len(samples) / self._microphone.rate
        for tap in self._taps:
            tap(samples, end)
        # A tone is no speech, and the command that follows it is not to be thinned by a canceller.
        if self._echo is not None and not self._toned:
            samples = self._echo.clean(samples, block.time)
        spotted = self._ears.spot(samples, end, speaking=self._state == "speaking")
        if spotted is not None:
            self._spotted(spotted)
        if self._state == "listening":
            # Samples with the wake word's end in them are there already, as the overlap.
            self._heard(None if spotted else self._ears.hear(samples, end))
        elif self._state == "speaking":
            self._watch_speech()

    def _spotted(self, spotted: Spotted) -> None:
        phrase, score = spotted.phrase, spotted.score
        leaking = self._echo is not None and not self._echo.settled
        if spotted.own or (leaking and spotted.stop):
            self._emit(happened.SelfHeard(self._time, phrase, score))
            return
        speaking = self._state == "speaking"
        if spotted.stop:
            if speaking:
                self._cut(phrase)
                self._rest("was told to stop")
            return
        # In the middle of listening too: what came before was not what was meant.
        if speaking:
            self._cut(phrase)
        self._emit(happened.Woken(self._time, phrase, score, speaking))
        self._ears.listen(woken=self._time)
        self._go("listening", "heard the wake word")
        if self._config.tone and not speaking:
            self._play_tone()

    def _heard(self, found: Timed | Silence | None) -> None:
        if isinstance(found, Silence):
            if self._config.wake is not None:
                self._emit(happened.NothingSaid(self._time))
                self._rest("nothing was said")
        elif found is not None:
            self._think(found)
        elif (said := self._ears.paused()) is not None:
            self._thinker.expect(said)

    def _think(self, found: Timed) -> None:
        self._turns += 1
        number = self._turns
        seconds = len(found.utterance.samples) / self._microphone.rate
        self._emit(
            happened.Heard(self._time, number, seconds, found.speech_end, found.utterance.cut)
        )
        self._go("thinking", "an utterance is whole")
        frame = self._frame(found.speech_end)
        thought = self._thinker.think(number, found.utterance, frame)
        began = perf_counter()
        speech = self._synthesise(thought.answer.text)
        if speech is not None:
            thought.milliseconds["speak"] = (perf_counter() - began) * 1000
        self._tell(number, thought, None if frame is None else found.speech_end - frame.time)
        self._speaker.volume = self._home.volume
        if thought.answer.text:
            self._home.last = thought.answer.text if not thought.unsure else self._home.last
            follow_up = thought.answer.follow_up and self._config.follow_up > 0
            self._say(
                speech, _Spoken(thought.answer.text, after=found.speech_end, follow_up=follow_up)
            )
        else:
            self._rest("there is nothing to say")

    def _tell(self, number: int, thought: Thought, frame_age: float | None) -> None:
        for stage, sentence in thought.failures:
            self._emit(happened.Failed(self._time, stage, sentence))
        said = thought.transcript
        self._emit(
            happened.Recognised(self._time, number, said.text, said.confidence, thought.recogniser)
        )
        if thought.prediction is not None:
            heads = {
                name: (head.label, round(head.confidence, 4))
                for name, head in thought.prediction.heads.items()
            }
            used = thought.prediction.used
            self._emit(happened.Understood(self._time, number, heads, used, frame_age))
        answer = thought.answer.text
        self._emit(
            happened.Answered(self._time, number, thought.skill, answer, thought.milliseconds)
        )

    def _synthesise(self, text: str) -> Speech | None:
        """The text as speech; None: there is none, or it failed."""
        try:
            return self._voice.speak(text) if text else None
        except EdgeError as error:
            self._emit(happened.Failed(self._time, "speak", str(error)))
            return None

    def _say(self, speech: Speech | None, spoken: _Spoken) -> None:
        if speech is None:
            self._rest("it could not speak")
            return
        try:
            self._toned = False
            self._speaker.play(speech)
            # It takes a tenth of a second, and is done before the next sound is listened to.
            self._ears.speaks(speech)
        except EdgeError as error:
            self._emit(happened.Failed(self._time, "speak", str(error)))
            self._rest("it could not speak")
            return
        spoken.seconds, spoken.asked = len(speech.samples) / speech.rate, self._time
        self._spoken = spoken
        self._go(
            "speaking",
            "there is an answer" if spoken.after is not None else "there is something to tell",
        )
        self._watch_speech()

    def _watch_speech(self) -> None:
        """Notice that the speaker began, and that it is done."""
        began, spoken = self._speaker.began, self._spoken
        if began is not None and spoken.began is None:
            spoken.began = began
            self._ears.began(began)
            latency = None if spoken.after is None else began - spoken.after
            self._emit(happened.SpeechStarted(began, spoken.text, spoken.seconds, latency))
        if spoken.began is None or self._speaker.playing:
            begin = spoken.asked if spoken.began is None else spoken.began + spoken.seconds
            if self._time > begin + _OVERDUE:
                self._speaker.stop()
                self._emit(happened.Failed(self._time, "speak", "The speaker does not play."))
                self._rest("the speaker does not play")
            return
        self._emit(happened.SpeechEnded(self._time, None))
        self._home.timers.rang(spoken.timers)
        if spoken.follow_up:
            deaf = spoken.began + spoken.seconds + self._config.tail
            self._ears.listen(patience=self._config.follow_up, deaf_until=deaf)
            self._go("listening", "a follow-up needs no wake word")
        else:
            self._rest("it has spoken")

    def _cut(self, phrase: str) -> None:
        self._speaker.stop()
        # Not the time of the word: it may have waited while the assistant was thinking.
        self._emit(happened.SpeechEnded(self._microphone.clock.now(), phrase))
        self._home.timers.rang(self._spoken.timers)

    def _await(self, reason: str) -> None:
        self._ears.listen()
        self._go("listening", reason)

    def _rest(self, reason: str) -> None:
        if self._config.wake is None:
            self._await(reason)
        else:
            self._go("idle", reason)

    def _play_tone(self) -> None:
        try:
            self._speaker.play(WAKE_TONE)
            self._toned = True
        except EdgeError as error:
            self._emit(happened.Failed(self._time, "tone", str(error)))

    def _look_around(self) -> None:
        """Timers and devices."""
        self._time = self._microphone.clock.now()
        for source in (self._microphone, self._camera):
            for event in source.events() if source is not None else ():
                self._emit(happened.Happened(event.time, event.source, _words(event)))
        busy = self._state in ("thinking", "speaking") or self._ears.speaking
        due = () if busy else self._home.timers.due()
        if due:
            for timer in due:
                self._emit(happened.TimerRang(self._time, timer.name))
            text = self._home.timers.words(due)
            speech = self._synthesise(text)
            # A voice that failed does not keep a timer from ringing.
            self._say(ringing(speech), _Spoken(text, timers=due))
        elif self._unasked and not busy:
            text = self._unasked.popleft()
            self._say(self._synthesise(text), _Spoken(text))
        problem = self._home.timers.problem()
        if problem is not None:
            self._emit(happened.Failed(self._time, "timers", problem))
        if self._state == "speaking":
            self._watch_speech()

    def _frame(self, moment: float) -> Frame | None:
        """The newest frame, unless it is too old to belong to what was said."""
        if self._camera is None:
            return None
        try:
            frame = self._camera.newest()
        except (EdgeError, StreamEnded) as error:
            if isinstance(error, EdgeError):
                self._emit(happened.Failed(self._time, "camera", str(error)))
            return None
        if frame is None or moment - frame.time > self._config.frame_age:
            return None
        return frame

    def _last(self) -> None:
        """What had begun when the stream ended."""
        found = self._ears.flush() if self._state == "listening" else None
        if found is not None:
            self._think(found)

    def _release(self) -> None:
        self._speaker.close()
        self._microphone.stop()
        if self._camera is not None:
            self._camera.stop()
        self._voice.close()
        self._thinker.close()
        self._ears.close()
        if self._echo is not None:
            self._echo.close()

    def _go(self, state: State, reason: str) -> None:
        before, self._state = self._state, state
        self._emit(happened.StateChanged(self._time, before, state, reason))

    def _emit(self, event: AssistantEvent) -> None:
        for listener in self._listeners:
            listener(event)


class _Spoken:
    """What is being said; ``after``: when the question ended, if it answers one."""

    def __init__(
        self,
        text: str = "",
        *,
        after: float | None = None,
        follow_up: bool = False,
        timers: tuple[Timer, ...] = (),
    ) -> None:
        self.text, self.after, self.follow_up, self.timers = text, after, follow_up, timers
        self.seconds = self.asked = 0.0
        self.began: float | None = None


def _words(event: object) -> str:
    fields = {k: v for k, v in vars(event).items() if k not in ("source", "time")}
    listed = ", ".join(f"{name} {value}" for name, value in fields.items())
    return f"{type(event).__name__}{': ' if listed else ''}{listed}"
