"""``edge-sdk stream``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from ..errors import CaptureError, EngineError, UsageError
from .durations import duration

if TYPE_CHECKING:
    from edge_sdk.runtimes.capture import AudioSource, Clock, FrameSource
    from edge_sdk.runtimes.governor import Governor
    from edge_sdk.runtimes.session import FusionSession


class Sources(NamedTuple):
    """What is listened to and looked at."""

    mic: str | None
    channels: int
    array: str | None
    camera: str | None
    audio: Path | None
    video: Path | None
    fast: bool


@click.command("stream")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--mic",
    metavar="DEVICE",
    help="A microphone of 'edge-sdk devices'; without any source, the default one.",
)
@click.option(
    "--channels",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="Channels of --mic or --audio; their mean is heard, or what --array makes.",
)
@click.option(
    "--array",
    metavar="ARRAY",
    help="Where the microphones are: listen in one direction with all of them.",
)
@click.option("--camera", metavar="DEVICE", help="A camera: a number, an address, a pipeline.")
@click.option(
    "--audio", type=click.Path(path_type=Path), help="A recording in place of a microphone."
)
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    help="A video, or a folder of pictures, in place of a camera.",
)
@click.option("--fast", is_flag=True, help="Replay as fast as the machine can; the same each time.")
@click.option("--text", help="What was said, as recognised.")
@click.option(
    "--deadline",
    type=duration,
    default="250ms",
    show_default=True,
    help="How old data may be at a decision.",
)
@click.option(
    "--policy",
    metavar="FILE",
    help="A governor's policy (TOML); 'none': no governor. Default: one for the bundle.",
)
@click.option(
    "--hop", type=duration, default="80ms", show_default=True, help="How often sound is encoded."
)
@click.option(
    "--utterances",
    metavar="DETECTOR",
    help="Answer each utterance once, when it is over, instead of every hop; the voice detector "
    "'silero' or 'webrtc' tells them apart.",
)
@click.option(
    "--camera-fps",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="The most pictures a second that are encoded.",
)
@click.option("--seconds", type=duration, help="End after so long.")
@click.option("--engine", default="auto", show_default=True, help="The engine to run on.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Where 'edge-sdk build --cache' put compiled engines.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event, one a line.")
def command(
    bundle: Path, mic: str | None, channels: int, array: str | None, camera: str | None,
    audio: Path | None, video: Path | None, fast: bool, text: str | None, deadline: float,
    policy: str | None, hop: float, utterances: str | None, camera_fps: float,
    seconds: float | None, engine: str, cache: Path | None, threads: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Answer live from a microphone and a camera: labels, data age, drops, load, variant.

    Recordings (--audio, --video) take their place. Ends with Ctrl-C, SIGTERM, the recording, or
    after --seconds.
    """
    sources = Sources(mic, channels, array, camera, audio, video, fast)
    _check(sources)

    from edge_sdk.runtimes.session import FusionSession
    from edge_sdk.runtimes.signals import ending
    from edge_sdk.runtimes.speech import load_component
    from edge_sdk.runtimes.streaming.events import Ended
    from edge_sdk.runtimes.streaming.options import StreamOptions

    from .stream_lines import Lines, Objects

    with FusionSession.open(bundle, engine=engine, threads=threads, cache=cache) as session:
        microphone, pictures = _open(session, sources, hop)
        stream = session.stream(
            microphone=microphone,
            camera=pictures,
            text=text,
            governor=_governor(session, policy, fast),
            deadline=deadline,
            options=StreamOptions(hop_seconds=hop, camera_fps=camera_fps),
            utterances=None if utterances is None else load_component("vad", utterances),
        )
        shown = Objects() if as_json else Lines(stream)
        begin: float | None = None
        end: Ended | None = None
        with ending(stream.stop), stream:
            for event in stream:
                shown.show(event)
                begin = event.time if begin is None else begin
                if seconds is not None and event.time - begin >= seconds:
                    stream.stop()
                end = event if isinstance(event, Ended) else None
    if end is not None and end.reason == "failed":
        raise (CaptureError if end.fault == "device" else EngineError)(end.sentence)


def _check(sources: Sources) -> None:
    if sources.mic is not None and sources.audio is not None:
        raise UsageError("Give --mic or --audio, not both.")
    if sources.camera is not None and sources.video is not None:
        raise UsageError("Give --camera or --video, not both.")
    recorded = sources.audio is not None or sources.video is not None
    if sources.fast and not (recorded and sources.mic is None and sources.camera is None):
        raise UsageError("Only recordings can be replayed --fast: give --audio, --video or both.")


def _open(
    session: FusionSession, sources: Sources, hop: float
) -> tuple[AudioSource | None, FrameSource | None]:
    """The microphone and the camera, or what takes their places; nothing is started."""
    from edge_sdk.runtimes.capture import (
        Camera,
        Microphone,
        MonotonicClock,
        ReplayAudio,
        ReplayVideo,
        VirtualClock,
    )

    clock: Clock = VirtualClock() if sources.fast else MonotonicClock()
    given = (sources.mic, sources.audio, sources.camera, sources.video)
    mic = "default" if all(source is None for source in given) else sources.mic
    microphone: AudioSource | None = None
    takes = session.bundle.manifest.frontends.modalities
    if (mic is not None or sources.audio is not None) and "audio" not in takes:
        raise UsageError(f"This model takes {', '.join(takes)}; it takes no audio.")
    if mic is not None or sources.audio is not None:
        rate = session.frontends.audio.config.rate
        # Half a hop: a hop of features ends between two blocks, and waits for the next one.
        block = max(1, round(rate * hop / 2))
    if sources.audio is not None:
        microphone = ReplayAudio(
            sources.audio, rate=rate, channels=sources.channels, block=block, clock=clock
        )
    elif mic is not None:
        device = int(mic) if mic.isdigit() else mic
        microphone = Microphone(device, rate=rate, channels=sources.channels, block=block)
    if microphone is not None and sources.array is not None:
        from edge_sdk.runtimes.capture.beamformed import Beamformed

        microphone = Beamformed(microphone, sources.array)
    pictures: FrameSource | None = None
    if sources.video is not None:
        pictures = ReplayVideo(sources.video, clock=clock)
    elif sources.camera is not None:
        pictures = Camera(int(sources.camera) if sources.camera.isdigit() else sources.camera)
    return microphone, pictures


def _governor(session: FusionSession, policy: str | None, fast: bool) -> Governor | None:
    """The governor that was asked for; a replay off the machine's clock has none by itself."""
    from edge_sdk.runtimes.governor import LadderGovernor, default_policy, load_policy

    if policy == "none" or (policy is None and fast):
        return None
    manifest = session.bundle.manifest
    names = manifest.rungs(session.parts.edition.partition(".")[0])
    blind = [rung for rung, name in names.items() if "image" not in manifest.modalities_of(name)]
    if policy is None:
        return LadderGovernor(default_policy(session.rungs, blind))
    return LadderGovernor(load_policy(policy, session.rungs, blind))
