"""``python -m examples.show_and_ask.turns.peer``: what waiting costs, beside another assistant.

The peer is Home Assistant's Wyoming satellite with its openWakeWord service, each in an environment
of its own. Both listen to the same microphone at the same time, for "okay nabu".
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import numpy as np
import psutil
import soundfile

from edge_sdk.benchmarks.peers.environment import python_of
from edge_sdk.benchmarks.sound import SoundServer, sound_server
from edge_sdk.runtimes.speech import RATE

from ..data.fetch import default_cache
from . import CONFIG
from .people import people
from .voices import quiet, say

_PATIENCE = 60.0
_RECORD = "parec --device=mic --rate=16000 --channels=1 --format=s16le --raw --latency-msec=64"


class _Party:
    """Processes that wait together, and whether they were woken."""

    def __init__(self, name: str, roots: Sequence[subprocess.Popen[bytes]]) -> None:
        self.name, self.woken = name, threading.Event()
        self._roots = [psutil.Process(process.pid) for process in roots]

    def seconds(self) -> float:
        """Processor time so far, of those that they started too."""
        times = [process.cpu_times() for process in self._all()]
        return sum(found.user + found.system for found in times)

    def megabytes(self) -> float:
        """Their memory, where they share some each with its share."""
        return sum(p.memory_full_info().pss for p in self._all()) / 1e6

    def _all(self) -> Iterator[psutil.Process]:
        for root in self._roots:
            yield root
            yield from root.children(recursive=True)


@contextmanager
def _running(words: Sequence[str], **more: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, **more)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ours(stack: ExitStack, server: SoundServer, bundle: Path, config: Path) -> _Party:
    words = [str(Path(sys.executable).parent / "edge-sdk"), "assist", str(bundle), "--json"]
    words += ["--config", str(config), "--mic", "pulse:mic", "--speaker", "pulse:spk"]
    words += ["--state", str(server.folder / "timers.json")]
    process = stack.enter_context(_running(words, stdout=subprocess.PIPE))
    party = _Party("edge-sdk assist", [process])

    def follow() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if b'"Woken"' in line:
                party.woken.set()

    threading.Thread(target=follow, daemon=True).start()
    return party


def _theirs(stack: ExitStack, environments: Path) -> _Party:
    pythons = [
        python_of(f"assistants/{name}", environments)
        for name in ("wyoming-openwakeword", "wyoming-satellite")
    ]
    wake, satellite = _free_port(), _free_port()
    serve = [pythons[0], "-m", "wyoming_openwakeword", "--preload-model", "ok_nabu"]
    serve += ["--uri", f"tcp://127.0.0.1:{wake}"]
    service = stack.enter_context(_running(serve, stdout=subprocess.DEVNULL))
    _connected(wake).close()
    satellites = [pythons[1], "-m", "wyoming_satellite", "--no-zeroconf"]
    satellites += ["--uri", f"tcp://127.0.0.1:{satellite}", "--mic-command", _RECORD]
    satellites += ["--wake-uri", f"tcp://127.0.0.1:{wake}", "--wake-word-name", "ok_nabu"]
    loop = stack.enter_context(_running(satellites, stdout=subprocess.DEVNULL))
    party = _Party("wyoming-satellite with wyoming-openwakeword", [service, loop])
    # It listens only for a server that has asked it to.
    home = stack.enter_context(_connected(satellite))
    home.sendall(b'{"type": "run-satellite"}\n')

    def follow() -> None:
        while data := home.recv(1 << 16):
            if b"run-pipeline" in data:
                party.woken.set()

    threading.Thread(target=follow, daemon=True).start()
    return party


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=None)
        except OSError:
            if time.monotonic() > deadline:
                sys.exit("The peer does not answer.")
            time.sleep(0.2)


def _shares(parties: Sequence[_Party], seconds: float) -> list[float]:
    before, began = [party.seconds() for party in parties], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    after = [party.seconds() for party in parties]
    return [(b - a) / passed for a, b in zip(before, after, strict=True)]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--environments", type=click.Path(path_type=Path), default=Path("build/peers"))
@click.option("--seconds", default=20.0, show_default=True, help="Of quiet, and of talk.")
def main(bundle: Path, config: Path, environments: Path, seconds: float) -> None:
    """Run the assistant on BUNDLE and the peer side by side: quiet, people who talk, the word."""
    talk = np.concatenate(list(people(default_cache(), "descriptions", seconds / 60 + 0.2)))
    call = np.concatenate([quiet(0.5), say("piper", "joe", "okay nabu"), quiet(0.5)])
    with ExitStack() as stack:
        server = stack.enter_context(sound_server())
        for name, samples in (("talk", talk), ("call", call)):
            soundfile.write(server.folder / f"{name}.wav", samples, RATE)
        parties = [
            _ours(stack, server, bundle, config),
            _theirs(stack, environments.resolve()),
        ]
        deadline = time.monotonic() + _PATIENCE
        while server.source_outputs().count("protocol-native") < len(parties):
            if time.monotonic() > deadline:
                sys.exit("Not both of them listen.")
            time.sleep(0.2)
        time.sleep(3)
        silent = _shares(parties, seconds)
        playing = server.play(server.folder / "talk.wav")
        talking = _shares(parties, seconds)
        playing.wait()
        early = [party.woken.is_set() for party in parties]
        server.play(server.folder / "call.wav").wait()
        time.sleep(2)
        for party, still, loud, false in zip(parties, silent, talking, early, strict=True):
            heard = "woken by people who talk" if false else "not woken by people who talk"
            word = "woken by the wake word" if party.woken.is_set() else "NOT woken by the word"
            click.echo(
                f"{party.name}: {still:.1%} of a core in quiet, {loud:.1%} while people talk; "
                f"{party.megabytes():.0f} MB; {heard}, {word}"
            )
    click.echo(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
