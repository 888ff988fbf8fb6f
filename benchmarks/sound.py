"""A private PulseAudio server without hardware: what is played into a sink, a microphone hears.

For tests and figures of capture. The sinks are called ``air`` (one
channel), ``air4``, ``air8`` and ``air48`` (two channels at 48 kHz; the others are at 16 kHz), and
the microphones that hear them ``mic``, ``mic4``, ``mic8`` and ``mic48``. ``spk`` is heard by none.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_sdk.errors import DependencyError, DeviceError, UsageError

_MAPS = {
    "air": (16000, "mono"),
    "air4": (16000, "front-left,front-right,rear-left,rear-right"),
    "air8": (
        16000,
        "front-left,front-right,rear-left,rear-right,front-center,lfe,side-left,side-right",
    ),
    "air48": (48000, "front-left,front-right"),
}
#: Longest wait for the server, in seconds; only a machine that is stuck takes so long.
_PATIENCE = 60.0


class SoundServer:
    """The server: start, stop, freeze, play, and take microphones away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix:{folder}/native"
        self._process: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []

    def environment(self) -> dict[str, str]:
        """What a process needs to use this server and no other."""
        folder = str(self.folder)
        return {
            "HOME": folder,
            "PULSE_COOKIE": f"{folder}/cookie",
            "PULSE_RUNTIME_PATH": folder,
            "PULSE_SERVER": self.address,
            "PULSE_STATE_PATH": folder,
            "XDG_RUNTIME_DIR": folder,
        }

    def start(self) -> None:
        """Start, and wait until it answers."""
        script = self.folder / "default.pa"
        script.write_text("\n".join(_script(self.folder)))
        environment = {**os.environ, **self.environment()}
        # The server itself must not look for a server.
        del environment["PULSE_SERVER"]
        options = ["--exit-idle-time=-1", "--daemonize=no", "--disable-shm=yes"]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["pulseaudio", "-n", "-F", str(script), *options, "--use-pid-file=no"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _PATIENCE
        while self._pactl("info", check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise DeviceError(f"PulseAudio: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill the server, as a crash would."""
        for player in self._players:
            player.kill()
            player.wait()
        self._players.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        (self.folder / "native").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop the server's clock: it neither serves nor hangs up."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def play(self, recording: Path, sink: str = "air") -> subprocess.Popen[bytes]:
        """Begin to play a WAV file into a sink; ``wait()`` on what is returned for its end."""
        player = subprocess.Popen(
            [
                "paplay",
                f"--device={sink}",
                f"--channel-map={_MAPS.get(sink, (16000, 'mono'))[1]}",
                "--latency-msec=200",
                str(recording),
            ],
            env={**os.environ, **self.environment()},
        )
        self._players = [known for known in self._players if known.poll() is None]
        self._players.append(player)
        return player

    def unload(self, module: str) -> None:
        """Take away all that a kind of module made, such as ``module-remap-source``."""
        self._pactl("unload-module", module)

    def load(self, *words: str) -> None:
        """Load a module with its arguments."""
        self._pactl("load-module", *words)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise UsageError("The sound server has not been started.")
        return self._process

    def source_outputs(self) -> str:
        """Who records: a line each."""
        return self._pactl("list", "short", "source-outputs").stdout

    def _pactl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pactl", *words],
            env={**os.environ, **self.environment()},
            capture_output=True,
            text=True,
            check=check,
            timeout=_PATIENCE,
        )


@contextmanager
def sound_server() -> Iterator[SoundServer]:
    """A running server, with this process' environment pointing to it.

    Raises:
        DependencyError: PulseAudio is not installed.
        DeviceError: it does not start.
    """
    if shutil.which("pulseaudio") is None or shutil.which("pactl") is None:
        raise DependencyError(
            "A sound server without hardware needs PulseAudio: "
            "sudo apt-get install pulseaudio pulseaudio-utils libasound2-plugins."
        )
    # Not below pytest's folder: the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pulse-"))
    server = SoundServer(folder)
    kept = {name: os.environ.get(name) for name in server.environment()}
    try:
        server.start()
        os.environ.update(server.environment())
        yield server
    finally:
        server.stop()
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def _script(folder: Path) -> Iterator[str]:
    yield f"load-module module-native-protocol-unix auth-anonymous=1 socket={folder}/native"
    for sink, (rate, channel_map) in _MAPS.items():
        channels = channel_map.count(",") + 1
        # Without norewinds the first samples come up to seconds late, with no flag raised.
        yield (
            f"load-module module-null-sink sink_name={sink} rate={rate} channels={channels} "
            f"channel_map={channel_map} format=s16le norewinds=1 "
            f"sink_properties=device.description={sink}"
        )
        yield (
            f"load-module module-remap-source source_name={sink.replace('air', 'mic')} "
            f"master={sink}.monitor channels={channels} master_channel_map={channel_map} "
            f"channel_map={channel_map} remix=no"
        )
    yield (
        "load-module module-null-sink sink_name=spk rate=16000 channels=1 format=s16le norewinds=1"
    )
    yield "set-default-source mic"
    yield "set-default-sink spk"
