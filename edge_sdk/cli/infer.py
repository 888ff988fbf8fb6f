"""``edge-sdk infer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import InputError, UsageError
from .output import emit_json, table


@click.command("infer")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--audio", type=click.Path(path_type=Path), help="A WAV, FLAC or OGG file.")
@click.option("--image", type=click.Path(path_type=Path), help="A PNG or JPEG file.")
@click.option("--video", type=click.Path(path_type=Path),
              help="An MP4 file, an animated picture, or a folder or zip of pictures with "
              "times.json.")  # fmt: skip
@click.option("--text", help="What was said, as recognised.")
@click.option("--engine", default="auto", show_default=True, help="The engine to run on.")
@click.option("--cache", type=click.Path(path_type=Path),
              help="Where 'edge-sdk build --cache' put compiled engines.")  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True,
              help="Labels to show a head.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    bundle: Path,
    audio: Path | None,
    image: Path | None,
    text: str | None,
    video: Path | None,
    engine: str,
    cache: Path | None,
    threads: int | None,
    top: int,
    as_json: bool,
) -> None:
    """Answer with BUNDLE from a recording, a picture, text and a clip, or any of them."""
    given = {"audio": audio, "image": image, "text": text, "video": video}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        raise UsageError("There is nothing to answer on: give --audio, --image, --text or --video.")

    from edge_sdk.runtimes.prediction import plain
    from edge_sdk.runtimes.session import FusionSession

    from ..frontends.clip import read_clip
    from ..frontends.image import read_picture
    from ..frontends.recording import read_recording

    with FusionSession.open(bundle, engine=engine, threads=threads, cache=cache) as session:
        config = session.frontends.config
        inputs: dict[str, Any] = {}
        for name in given:
            if name not in session.modalities:
                raise InputError(
                    f"{bundle} takes {', '.join(session.modalities)}; it takes no {name}."
                )
        if audio is not None and config.audio is not None:
            inputs["audio"] = (read_recording(audio, config.audio), config.audio.rate)
        if image is not None and config.image is not None:
            inputs["image"] = read_picture(image, background=config.image.background)
        if text is not None:
            inputs["text"] = text
        if video is not None and config.video is not None:
            inputs["video"] = read_clip(video, config.video)
        prediction = session.infer(**inputs)
    if as_json:
        emit_json(plain(prediction))
        return
    rows: list[tuple[str, ...]] = [("head", "label", "confidence", "next")]
    for name, head in prediction.heads.items():
        ranked = sorted(head.probabilities.items(), key=lambda item: -item[1])[1:top]
        following = ", ".join(f"{label} {share:.2f}" for label, share in ranked)
        rows.append((name, head.label, f"{head.confidence:.3f}", following))
    click.echo(table(rows))
    stages = ", ".join(f"{stage} {ms:.2f}" for stage, ms in prediction.timings.items())
    click.echo(f"\nused {', '.join(prediction.used)}; milliseconds: {stages}")
