"""``python -m examples.show_and_ask.turns.cold``: from its start to ready, and its first turns."""

from __future__ import annotations

import json
import os
import queue
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
_PATIENCE = 300.0
# Seconds after which a call was not heard, and how often it is repeated.
_HEARD, _TRIES = 15.0, 5


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


def start(
    bundle: Path, config: Path, server: SoundServer, turns: int
) -> tuple[float, list[float], float]:
    """Seconds from the start of the process to its word that it is ready, seconds from the end of
    each question to the first sound of its answer, and its resident megabytes after them."""
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
        events: _Events | None = None
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
            events = _Events(process)
            answered = [_latency(events, server, sound) for _ in range(turns)]
            return ready, answered, _resident(process.pid)
        except TimeoutError:
            raise _Stuck("The assistant did not get ready.") from None
        finally:
            process.terminate()
            process.wait()
            if events is not None:
                events.join()
            if process.stdout is not None:
                process.stdout.close()


def _resident(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(x for x in lines if x.startswith("VmRSS")).split()[1]) / 1024


class _Events:
    """What a process prints, as it comes; waiting for it has an end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._found: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._lines = process.stdout
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait(self, seconds: float, *kinds: str) -> dict[str, Any] | None:
        """The next event of ``kinds``; None: there was none for so long."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self._found.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if event is None:
                raise _Stuck("The assistant ended.")
            if event["event"] in kinds:
                return event

    def join(self) -> None:
        """Read to the end."""
        self._thread.join()

    def _read(self) -> None:
        for line in self._lines or ():
            self._found.put(json.loads(line))
        self._found.put(None)


def _latency(events: _Events, server: SoundServer, sound: Path) -> float:
    """Ask until it is answered, as people do: on a busy machine a call may get lost."""
    for _ in range(_TRIES):
        playing = server.play(sound)
        try:
            if events.wait(_HEARD, "Woken") is None:
                continue
            started = events.wait(_PATIENCE, "SpeechStarted", "NothingSaid")
            if started is None:
                raise _Stuck("The assistant woke, and never answered.")
            if started["event"] == "NothingSaid":
                continue
            events.wait(_PATIENCE, "SpeechEnded")
            return float(started["latency"])
        finally:
            playing.wait()
    raise _Stuck(f"The assistant was asked {_TRIES} times and did not answer.")


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
        ready, first, later, resident = [], [], [], []
        try:
            with sound_server() as server:
                path = _written(own, server.folder)
                for _ in range(starts):
                    seconds, answers, megabytes = start(bundle, path, server, turns)
                    ready.append(seconds)
                    first.append(answers[0])
                    later += answers[1:]
                    resident.append(megabytes)
        except _Stuck as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)
        click.echo(
            f"{own.recogniser.name}: ready {median(ready):.2f} s after the start of the process; "
            f"end of question to first sound: first answer {median(first):.2f} s, later ones "
            f"{median(later):.2f} s; {max(resident):.0f} MB resident after them, at most "
            f"(medians of {starts} starts, {turns} turns each, load "
            f"{os.getloadavg()[0]:.1f})"
        )


if __name__ == "__main__":
    main()
