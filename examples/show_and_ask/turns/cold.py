"""``python -m examples.show_and_ask.turns.cold``: from its start to ready, and its first turns."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import msgspec
import numpy as np
import soundfile

from edge_sdk.benchmarks.sound import SoundServer, sound_server
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.speech import RATE

from . import CONFIG, configured
from .voices import PAUSE, quiet, say

_VOICE = ("piper", "joe")
# Seconds after which a start or a turn that has not come is given up.
_PATIENCE = 60.0


class _Stuck(Exception):
    """It did not get ready, or did not answer."""


def _written(config: AssistantConfig, folder: Path) -> Path:
    """The configuration as a file, without what TOML has no word for."""
    plain = {k: v for k, v in msgspec.to_builtins(config).items() if v is not None}
    plain["things"] = {name: {k: v for k, v in thing.items() if v is not None}
                       for name, thing in plain["things"].items()}  # fmt: skip
    plain["heads"] = {k: v for k, v in plain["heads"].items() if v is not None}
    plain["governor"] = "none"
    path = folder / f"{config.recogniser.name}.toml"
    path.write_bytes(msgspec.toml.encode(plain))
    return path


def start(bundle: Path, config: Path, server: SoundServer, turns: int) -> tuple[float, list[float]]:
    """Seconds from the start of the process to its word that it is ready, and from the end of each
    question to the first sound of its answer."""
    question = np.concatenate(
        [quiet(0.5), say(*_VOICE, "okay nabu"), quiet(PAUSE), say(*_VOICE, "what time is it")]
    )
    sound = server.folder / "question.wav"
    soundfile.write(sound, np.concatenate([question, quiet(1.0)]), RATE)
    address = server.folder / "notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(_PATIENCE)
        words = [str(Path(sys.executable).parent / "edge-sdk"), "assist", str(bundle), "--json"]
        words += ["--config", str(config), "--mic", "pulse:mic", "--speaker", "pulse:spk"]
        words += ["--state", str(server.folder / "timers.json")]
        began = time.monotonic()
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": str(address)},
        )
        try:
            while b"READY=1" not in manager.recv(4096):
                pass
            ready = time.monotonic() - began
            while "protocol-native" not in server.source_outputs():
                time.sleep(0.1)
            time.sleep(1.0)
            return ready, [_latency(process, server, sound) for _ in range(turns)]
        except TimeoutError:
            raise _Stuck("The assistant did not get ready.") from None
        finally:
            process.terminate()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _latency(process: subprocess.Popen[str], server: SoundServer, sound: Path) -> float:
    watch = threading.Timer(_PATIENCE, process.kill)
    watch.start()
    try:
        return _answered(process, server, sound)
    finally:
        watch.cancel()


def _answered(process: subprocess.Popen[str], server: SoundServer, sound: Path) -> float:
    playing = server.play(sound)
    found = None
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "SpeechStarted":
            found = event["latency"]
        if event["event"] == "StateChanged" and event["after"] == "idle":
            if found is None:
                raise _Stuck(f"The assistant did not answer: {event['reason']}.")
            playing.wait()
            return float(found)
    raise _Stuck("The assistant did not answer in time, or ended.")


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--turns", default=5, show_default=True)
@click.option("--starts", default=3, show_default=True)
def main(bundle: Path, config: Path, turns: int, starts: int) -> None:
    """Start the assistant on BUNDLE anew, ask it, and tell its first answer from the later ones.

    The files have been read before: what is cold is the process, not the disk.
    """
    for recogniser in ("usual", "light"):
        own = msgspec.structs.replace(configured(config, recogniser), follow_up=0.0)
        ready, first, later = [], [], []
        try:
            with sound_server() as server:
                path = _written(own, server.folder)
                for _ in range(starts):
                    seconds, answers = start(bundle, path, server, turns)
                    ready.append(seconds)
                    first.append(answers[0])
                    later += answers[1:]
        except _Stuck as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)
        click.echo(
            f"{own.recogniser.name}: ready {median(ready):.2f} s after the start of the process; "
            f"end of question to first sound: first answer {median(first):.2f} s, later ones "
            f"{median(later):.2f} s (medians of {starts} starts, {turns} turns each, load "
            f"{os.getloadavg()[0]:.1f})"
        )


if __name__ == "__main__":
    main()
