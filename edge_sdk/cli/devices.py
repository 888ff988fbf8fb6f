"""``edge-sdk devices``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CaptureError, DependencyError, storage_errors
from ..files import replacing
from .output import emit_json, table

if TYPE_CHECKING:
    from edge_sdk.runtimes.capture import Frame

#: Level meter: decibels of its left end, and characters of its bar.
_QUIET, _WIDTH = -60.0, 40
#: Seconds that a camera has to give a picture.
_PATIENCE = 10.0


@click.command("devices")
@click.option(
    "--listen", metavar="SECONDS", type=click.FloatRange(0.1), help="Show the level of --mic."
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Save a PNG picture of --camera.",
)
@click.option(
    "--mic",
    default="default",
    show_default=True,
    help="Number, part of a name, pulse:NAME or alsa:NAME.",
)
@click.option(
    "--channels", type=click.IntRange(1, 8), default=1, show_default=True, help="Channels of --mic."
)
@click.option("--camera", default="0", show_default=True, help="Number, address, or file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    listen: float | None, picture: Path | None, mic: str, channels: int, camera: str, as_json: bool
) -> None:
    """List microphones and cameras; show a microphone's level, or take a camera's picture."""
    result: dict[str, Any] = {}
    if listen is None and picture is None:
        result = _list(as_json)
    if listen is not None:
        result["level"] = _listen(mic, channels, listen, show=not as_json)
    if picture is not None:
        result["picture"] = _picture(camera, picture)
        if not as_json:
            click.echo(f"{picture}: {result['picture']['width']} x {result['picture']['height']}")
    if as_json:
        emit_json(result)


def _list(as_json: bool) -> dict[str, Any]:
    from edge_sdk.runtimes.capture.devices import list_cameras, list_microphones

    result: dict[str, Any] = {"microphones": [], "cameras": [], "missing": []}
    for kind, find in (("microphones", list_microphones), ("cameras", list_cameras)):
        try:
            result[kind] = find()
        except DependencyError as error:
            result["missing"].append(str(error))
    if as_json:
        return result
    rows = [("--mic", "channels", "rate", "name")]
    for m in result["microphones"]:
        name = f"{m.name} (default)" if m.default else m.name
        rows.append((m.device, str(m.channels), f"{m.rate} Hz", name))
    nothing = "no microphone: plug one in, or start a sound server for this user"
    click.echo(table(rows) if len(rows) > 1 else nothing)
    click.echo()
    rows = [("--camera", "size", "rate", "name")]
    for c in result["cameras"]:
        rows.append((c.device, f"{c.width} x {c.height}", f"{c.fps:g} fps", c.name))
    nothing = "no camera: plug one in, or give the address of one to --camera"
    click.echo(table(rows) if len(rows) > 1 else nothing)
    for sentence in result["missing"]:
        click.echo(sentence, err=True)
    return result


def _listen(mic: str, channels: int, seconds: float, *, show: bool) -> dict[str, Any]:
    """Meter lines on the way; the level of the whole."""
    import numpy as np

    from edge_sdk.runtimes.capture import Microphone

    peak = 0.0
    squares: list[float] = [0.0] * channels
    count = 0
    rate = 16000
    with Microphone(mic, rate=rate, channels=channels, block=rate // 10) as microphone:
        until = microphone.clock.now() + seconds
        while microphone.clock.now() < until:
            block = microphone.read(timeout=0.5)
            if block is None:
                continue
            n = len(block.samples)
            power = [float(np.dot(c, c)) for c in np.ascontiguousarray(block.samples.T)]
            peak = max(peak, float(np.abs(block.samples).max()))
            squares = [a + b for a, b in zip(squares, power, strict=True)]
            count += n
            if show:
                click.echo("  ".join(_bar(_decibels((p / n) ** 0.5), channels) for p in power))
        counters = microphone.counters()
    if not count:
        raise CaptureError(f"No sound came from the {microphone.name} in {seconds:g} s.")
    rms = [_decibels((value / count) ** 0.5) for value in squares]
    if show:
        levels = ", ".join(f"{value:.1f}" for value in rms)
        click.echo(f"level {levels} dBFS, peak {_decibels(peak):.1f} dBFS, lost {counters.lost}")
        if peak == 0.0:
            click.echo("That is digital silence: the microphone is muted, or nobody feeds it.")
    return {
        "device": mic, "channels": channels, "rate": rate, "seconds": count / rate,
        "rms_dbfs": rms, "peak_dbfs": _decibels(peak), "lost_samples": counters.lost,
    }  # fmt: skip


def _decibels(amplitude: float) -> float:
    """Of full scale; silence is the quietest that 24 bits can hold."""
    import math

    return 20 * math.log10(max(amplitude, 2.0**-24))


def _bar(level: float, channels: int) -> str:
    """One channel's meter; all of them fit into a line of a terminal."""
    width = _WIDTH // channels
    filled = round(width * min(1.0, max(0.0, 1 - level / _QUIET)))
    return f"[{'#' * filled}{' ' * (width - filled)}] {level:4.0f} dB"


def _picture(camera: str, path: Path) -> dict[str, Any]:
    from PIL import Image

    from edge_sdk.runtimes.capture import Camera, StreamEnded

    frame: Frame | None = None
    with Camera(camera) as source:
        # The first picture of many cameras is dark: their exposure has not settled.
        until = source.clock.now() + 1.0
        last = source.clock.now() + _PATIENCE
        while (now := source.clock.now()) < last and (frame is None or now < until):
            try:
                newer = source.newest(None if frame is None else frame.number, timeout=0.2)
            except StreamEnded:
                break
            frame = newer or frame
    if frame is None:
        raise CaptureError(f"The camera {camera} gave no picture in {_PATIENCE:g} s.")
    with storage_errors(path), replacing(path) as aside:
        Image.fromarray(frame.image).save(aside, "PNG")
    height, width = frame.image.shape[:2]
    return {"camera": camera, "file": str(path), "width": width, "height": height}
