"""Recordings as sources: in real time, or as fast as possible on a virtual clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError, DependencyError, InputError, UsageError

from .clock import Clock, MonotonicClock
from .events import CaptureEvent, EventQueue, SamplesLost
from .pictures import Pictures, open_pictures
from .protocol import AudioBlock, AudioCounters, Frame, FrameCounters, SourceState, StreamEnded
from .resampling import StreamResampler

#: Longest sleep, in seconds, after which a source looks whether it was stopped.
_NAP = 0.25
#: Seconds of the recording decoded at once.
_CHUNK = 0.5

Float = NDArray[np.float32]


class ReplayAudio:
    """A WAV, FLAC or OGG file as a microphone: see :class:`~.protocol.AudioSource`.

    On a :class:`~.clock.VirtualClock` blocks come as fast as they are read, each moves the clock to
    its own end, and every replay is the same. A reader that is slow by the clock loses the oldest,
    as with a microphone.
    """

    def __init__(
        self,
        recording: str | Path,
        *,
        rate: int = 16000,
        channels: int = 1,
        block: int | None = None,
        buffer_seconds: float = 4.0,
        repeat: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened before :meth:`start`.

        Args:
            recording: the file, at any rate. For one channel all of its are mixed.
            rate: hertz of the blocks.
            channels: 1, or as many as the file has at most.
            block: samples in a block; by default 20 ms.
            buffer_seconds: sound that waits for a slow reader before the oldest is lost.
            repeat: play it again and again, for so many seconds; by default once.
            clock: by default the machine's: real time.

        Raises:
            UsageError: an argument is out of its range.
        """
        block = rate // 50 if block is None else block
        if block < 1 or channels < 1:
            raise UsageError(
                f"A block and the channels must be at least 1, not {block} and {channels}."
            )
        self.recording = Path(recording)
        self.name = f"recording {recording}"
        self.rate = rate
        self.channels = channels
        self.block = block
        self.clock: Clock = clock or MonotonicClock()
        self._buffer = round(buffer_seconds * rate)
        self._repeat = repeat
        self._state: SourceState = "stopped"
        self._events = EventQueue()
        self._sound: Any = None
        self._chunks: Iterator[Float] = iter(())
        self._reset()

    @property
    def state(self) -> SourceState:
        return self._state

    def start(self) -> None:
        if self._state != "stopped":
            raise UsageError(f"The {self.name} has been started already.")
        self._reset()
        self._chunks = self._decode(self._open())
        self._begin = self.clock.now()
        self._state = "running"

    def read(self, timeout: float | None = None) -> AudioBlock | None:
        deadline = None if timeout is None else self.clock.now() + timeout
        while self._state == "running":
            count = self._fill()
            if count == 0:
                self._state = "ended"
                break
            due = self._begin + (self._position + count) / self.rate
            now = self.clock.now()
            if now >= due:
                behind = round((now - due) * self.rate) - self._buffer
                if behind > 0 and count == self.block and self._drop(behind, now):
                    continue
                return self._cut(count)
            if deadline is not None and now >= deadline:
                return None
            until = due if deadline is None else min(due, deadline)
            self.clock.sleep(min(until - now, _NAP))
            # A sleep that ends a rounding error too early is not slept again.
            if until == due and due - self.clock.now() < 1e-6:
                return self._cut(count)
        raise StreamEnded(f"The {self.name} is over.")

    def stop(self) -> None:
        self._state = "stopped"
        sound, self._sound = self._sound, None
        if sound is not None:
            sound.close()

    def counters(self) -> AudioCounters:
        return AudioCounters(
            blocks=self._blocks, samples=self._samples, overruns=self._overruns, lost=self._lost
        )

    def events(self) -> tuple[CaptureEvent, ...]:
        return self._events.take()

    def __enter__(self) -> ReplayAudio:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __iter__(self) -> Iterator[AudioBlock]:
        while True:
            try:
                block = self.read()
            except StreamEnded:
                return
            if block is not None:
                yield block

    def _reset(self) -> None:
        self._sound = None
        self._fifo: deque[Float] = deque()
        self._held = self._position = self._skipped = 0
        self._blocks = self._samples = self._overruns = self._lost = 0
        self._begin = 0.0

    def _open(self) -> Any:
        try:
            import soundfile
        except (ImportError, OSError) as error:
            raise DependencyError(
                f"Reading {self.recording} needs the package soundfile: pip install soundfile "
                f"({error})."
            ) from error
        try:
            self._sound = sound = soundfile.SoundFile(self.recording)
        except (soundfile.LibsndfileError, OSError) as error:
            raise CaptureError(
                f"{self.recording} cannot be replayed: there is no such WAV, FLAC or OGG file."
            ) from error
        if self.channels not in (1, *range(1, sound.channels + 1)):
            sound.close()
            raise CaptureError(
                f"{self.recording} has {sound.channels} channels, not {self.channels}."
            )
        return sound

    def _decode(self, sound: Any) -> Iterator[Float]:
        resampler = StreamResampler(sound.samplerate, self.rate, self.channels)
        size = max(1, round(_CHUNK * sound.samplerate))
        left = None if self._repeat is None else round(self._repeat * sound.samplerate)
        while left is None or left > 0:
            count = size if left is None else min(size, left)
            samples = sound.read(count, dtype="float32", always_2d=True)
            if not len(samples):
                if left is None or sound.frames == 0:
                    break
                sound.seek(0)
                continue
            left = None if left is None else left - len(samples)
            if self.channels == 1:
                samples = samples.mean(axis=1, keepdims=True)
            yield resampler.push(samples[:, : self.channels])
        yield resampler.flush()

    def _fill(self) -> int:
        """Decode until a block is there, or the end; the samples of the next block."""
        while self._held < self.block:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            if len(chunk):
                self._fifo.append(chunk)
                self._held += len(chunk)
        return min(self._held, self.block)

    def _take(self, count: int) -> Float:
        samples = np.empty((count, self.channels), np.float32)
        done = 0
        while done < count:
            head = self._fifo.popleft()
            used = min(len(head), count - done)
            samples[done : done + used] = head[:used]
            if used < len(head):
                self._fifo.appendleft(head[used:])
            done += used
        self._held -= count
        return samples

    def _cut(self, count: int) -> AudioBlock:
        position, skipped = self._position, self._skipped
        self._position += count
        self._skipped = 0
        self._blocks += 1
        self._samples += count
        return AudioBlock(
            samples=self._take(count),
            time=self._begin + position / self.rate,
            position=position,
            skipped=skipped,
        )

    def _drop(self, behind: int, now: float) -> bool:
        """Lose whole blocks that waited for too long; whether there were any."""
        begin = self._position
        while self._position - begin < behind and self._fill() == self.block:
            self._take(self.block)
            self._position += self.block
        lost = self._position - begin
        if lost:
            self._skipped += lost
            self._lost += lost
            self._overruns += 1
            self._events.put(SamplesLost(self.name, now, begin, lost, "slow reader"))
        return lost > 0


class ReplayVideo:
    """A video file, or a folder of pictures, as a camera: see :class:`~.protocol.FrameSource`."""

    def __init__(
        self, video: str | Path, *, fps: float | None = None, clock: Clock | None = None
    ) -> None:
        """Nothing is opened before :meth:`start`.

        Args:
            video: a file that OpenCV reads, or a folder of PNG and JPEG pictures in the order of
                their names.
            fps: frames a second; by default the file's own, and 15 for a folder.
            clock: by default the machine's: real time.

        Raises:
            UsageError: ``fps`` is not above 0.
        """
        if fps is not None and not fps > 0:
            raise UsageError(f"A video's rate must be above 0 frames a second, not {fps}.")
        self.video = Path(video)
        self.name = f"video {video}"
        self.clock: Clock = clock or MonotonicClock()
        self._fps = fps
        self._state: SourceState = "stopped"
        self._pictures: Pictures | None = None
        self._seen = -1
        self._grabbed = self._delivered = 0
        self._reset()

    @property
    def state(self) -> SourceState:
        return self._state

    def start(self) -> None:
        if self._state != "stopped":
            raise UsageError(f"The {self.name} has been started already.")
        self._reset()
        self._pictures = pictures = open_pictures(self.video)
        self._period = 1.0 / (self._fps or pictures.fps)
        self._begin = self.clock.now()
        self._state = "running"

    def newest(self, after: int | None = None, timeout: float | None = 0.0) -> Frame | None:
        least = -1 if after is None else after
        deadline = None if timeout is None else self.clock.now() + timeout
        while self._state in ("running", "ended"):
            self._advance()
            if self._frame is not None and self._frame.number > least:
                if self._frame.number > self._seen:
                    self._seen = self._frame.number
                    self._delivered += 1
                return self._frame
            if self._state == "ended":
                break
            now = self.clock.now()
            left = self._period if deadline is None else deadline - now
            if left <= 0:
                return None
            # One past the end of a rounding error.
            due = self._begin + (self._grabbed + 1e-6) * self._period - now
            self.clock.sleep(max(0.0, min(left, due, _NAP)))
        raise StreamEnded(f"The {self.name} is over.")

    def stop(self) -> None:
        self._state = "stopped"
        pictures, self._pictures = self._pictures, None
        if pictures is not None:
            pictures.close()

    def counters(self) -> FrameCounters:
        good = self._grabbed - self._garbage
        waiting = self._frame is not None and self._frame.number > self._seen
        return FrameCounters(
            grabbed=self._grabbed,
            delivered=self._delivered,
            dropped=good - self._delivered - waiting,
            garbage=self._garbage,
        )

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()

    def __enter__(self) -> ReplayVideo:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _reset(self) -> None:
        self._frame: Frame | None = None
        self._seen = -1
        self._grabbed = self._delivered = self._garbage = 0
        self._begin = self._period = 0.0

    def _advance(self) -> None:
        """Go on to the frame that is due by now; decode that one alone."""
        pictures = self._pictures
        if pictures is None or self._state == "ended":
            return
        # Half a thousandth of a frame early is due: sleeps end where floats round.
        due = int((self.clock.now() - self._begin) / self._period + 5e-4)
        number = self._grabbed - 1
        while number < due:
            if not pictures.grab():
                # The last picture stays until its time is over.
                self._state = "ended"
                break
            number += 1
        if number >= self._grabbed:
            self._grabbed = number + 1
            try:
                image = pictures.retrieve()
            except InputError:
                self._garbage += 1
            else:
                time = self._begin + number * self._period
                self._frame = Frame(image, time, number)
