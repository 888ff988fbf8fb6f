"""An assistant in a room, for the figures."""

from __future__ import annotations

import time

from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.assistant.build import build_assistant
from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.capture import StreamEnded, VirtualClock
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech.protocol import Samples

from .room import Director, Room


class Run:
    """An assistant in a room, its events, and what it cost."""

    def __init__(
        self,
        session: FusionSession,
        config: AssistantConfig,
        direct: Director | None = None,
        echo_db: float | None = 0.0,
    ) -> None:
        clock = VirtualClock()
        self.speaker = MemorySpeaker(clock, config.volume)
        self.events: list[happened.AssistantEvent] = []
        self.direct: Director = direct or self.silence
        room = Room(clock, self.speaker, lambda now: self.direct(now), echo_db=echo_db)
        self.assistant = build_assistant(
            session, config, microphone=room, speaker=self.speaker, wall=lambda: 1.7e9
        )
        self.assistant.listen(self.events.append)
        self.clock = clock

    def silence(self, now: float) -> Samples | None:
        """A minute of nothing."""
        if now > 60:
            raise StreamEnded
        return None

    def run(self) -> float:
        """Run to the end; the share of a core that a second of sound took."""
        began = time.process_time()
        self.assistant.run()
        return (time.process_time() - began) / self.clock.now()

    def count(self, kind: type[happened.AssistantEvent]) -> int:
        """How many events of a kind there were."""
        return sum(isinstance(event, kind) for event in self.events)
