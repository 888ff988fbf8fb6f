"""The assistant on real devices: opened, told to the service manager, recorded, shown, released."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

import msgspec

from ..capture import AudioSource, Beamformed, FrameSource, NoMicrophone
from ..capture.camera import Camera
from ..capture.microphone import Microphone
from ..session import FusionSession
from ..signals import ending
from ..speech import RATE
from .build import build_assistant
from .config import AssistantConfig
from .governing import Governing, governor_for
from .loudspeaker import Loudspeaker
from .record import RecordedCamera, Recorder
from .service import Manager, Signs
from .ui import Page
from .ui.feed import Feed

# Sound waits so long for a recogniser that is busy.
_BUFFER = 20.0
# Samples in a block: what the loop wakes up for.
_BLOCK = RATE * 80 // 1000


class LiveOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices, and what is kept.

    Attributes:
        microphone: as ``Microphone`` takes it; None: none, it says unasked what it sees.
        channels: of the microphone.
        array: where its channels are, as ``MicrophoneArray.load`` takes it; None: their mean.
        camera: as ``Camera`` takes it; None: none.
        speaker: as ``Loudspeaker`` takes it.
        page: the address of the page; None: no page, and no socket.
        record: a folder for a recording; None: nothing is kept.
        state: the file that keeps timers.
    """

    microphone: str | None = "default"
    channels: int = 1
    array: str | None = None
    camera: str | None = None
    speaker: str = "default"
    page: str | None = None
    record: Path | None = None
    state: Path | None = None


class Live:
    """An assistant with its devices; a context manager, so that all of them are released.

    Raises:
        CaptureError, DeviceError, DependencyError, UsageError, InputError: something of it cannot
            be opened.
    """

    def __init__(
        self, session: FusionSession, config: AssistantConfig, options: LiveOptions
    ) -> None:
        self._closing = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            device = _device(options)
            self._hanging = (lambda: 0.0) if device is None else (lambda: device.hanging)
            microphone = self._microphone = _microphone(device, options)
            camera: FrameSource | None = None
            if options.camera is not None:
                camera = Camera(options.camera)
            recorder = None if options.record is None else Recorder(options.record)
            if recorder is not None:
                opened.callback(recorder.close)
                camera = None if camera is None else RecordedCamera(camera, recorder)
            feed = Feed(camera)
            self.page = None if options.page is None else Page(feed, options.page)
            if self.page is not None:
                opened.callback(self.page.stop)
            speaker = Loudspeaker(options.speaker, config.volume, microphone.clock)
            opened.callback(speaker.close)
            self.assistant = build_assistant(
                session,
                config,
                microphone=microphone,
                speaker=speaker,
                camera=camera,
                state=options.state,
            )

            def let_go() -> None:
                if microphone.state == "lost" and not speaker.playing:
                    speaker.release()

            self.assistant.beat(let_go)
            if config.governor != "none":
                governor = governor_for(config.governor, session, config.light is not None)
                Governing(self.assistant, session, governor, camera, microphone.clock)
            if self.page is not None:
                self.assistant.listen(feed.event)
                self.assistant.tap(feed.sound)
            if recorder is not None:
                self.assistant.listen(recorder.event)
                self.assistant.tap(recorder.sound)
            self._closing = opened.pop_all()

    def run(self) -> None:
        """Run until SIGINT or SIGTERM, or :meth:`stop`; tells systemd where it runs under it."""
        if self.page is not None:
            self.page.start()
        manager = Manager()
        signs = Signs(manager, self._hanging)
        self.assistant.listen(signs.event)
        self.assistant.beat(signs.beat)
        if not isinstance(self._microphone, NoMicrophone):
            self.assistant.thinker.warm()
        try:
            with ending(self.assistant.stop):
                self.assistant.run()
        finally:
            manager.tell(STOPPING="1")
            manager.close()

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()


def _device(options: LiveOptions) -> Microphone | None:
    if options.microphone is None:
        return None
    return Microphone(
        options.microphone,
        rate=RATE,
        channels=options.channels,
        block=_BLOCK,
        buffer_seconds=_BUFFER,
    )


def _microphone(device: Microphone | None, options: LiveOptions) -> AudioSource:
    if device is None:
        return NoMicrophone(RATE)
    return device if options.array is None else Beamformed(device, options.array)
