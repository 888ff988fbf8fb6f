"""Speech without a microphone: synthesisers and human recordings, 16 kHz mono, cached."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from edge_sdk.errors import DependencyError, DeviceError, storage_errors

from .fetch import tree

RATE = 16000
MAX_SECONDS = 3.4
Engine = Literal["espeak-ng", "flite", "festival"]
Wave = NDArray[np.float32]
Tick = Callable[[], None]

# What a render depends on besides its request; raise it when the code below changes the sound.
_VERSION = "1"
_FESTIVAL_BATCH = 40


@dataclass(frozen=True)
class Voice:
    """A way of speaking. ``speed`` is relative (1 is the engine's usual), ``pitch`` is 0..99 and
    has an effect with espeak-ng only."""

    engine: Engine
    name: str
    speed: float = 1.0
    pitch: int = 50


@dataclass(frozen=True)
class Spoken:
    """``text`` to be spoken by ``voice``, or a ``recording`` of a human to be read."""

    text: str
    voice: Voice | None = None
    recording: Path | None = None
    language: str = "en"

    @property
    def key(self) -> str:
        """A hash of everything the sound depends on; the machine's paths are not part of it."""
        if self.recording is not None:
            what = "/".join(self.recording.parts[self.recording.parts.index("stamps") + 1 :])
        else:
            what = f"{self.voice}|{self.text}"
        return hashlib.sha256(f"{_VERSION}|{what}".encode()).hexdigest()


class Studio:
    """Renders speech with the tools in ``cache`` and keeps the results there.

    Raises:
        DependencyError: the tools have not been fetched.
        DeviceError: a synthesiser failed.
    """

    def __init__(self, cache: Path, jobs: int = 2) -> None:
        self._root = tree(cache, "speech").resolve()
        self._store = cache / "renders"
        self._jobs = jobs
        libraries = [self._root / "usr" / "lib", self._root / "lib"]
        # One multiarch folder a tree, whatever the architecture; PulseAudio keeps a private one.
        folders = [f for base in libraries for f in sorted(base.glob("*-linux-gnu*"))]
        folders += [f / "pulseaudio" for f in folders if (f / "pulseaudio").is_dir()]
        data = sorted(self._root.glob("usr/lib/*/espeak-ng-data"))
        data += sorted(self._root.glob("usr/share/espeak-ng-data"))
        if not data:
            raise DependencyError(
                f"The speech tools in {cache} have no espeak-ng-data: remove that folder and "
                "run `python -m examples.show_and_ask.data` again."
            )
        self._espeak_home = data[0].parent
        self._env = {
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            # No settings of the user's may change a voice.
            "HOME": str(self._root),
            "LD_LIBRARY_PATH": os.pathsep.join(map(str, folders)),
        }

    def render(self, requests: Sequence[Spoken], tick: Tick = lambda: None) -> None:
        """Bring every request into the cache; ``tick`` is called once a request."""
        missing = [r for r in dict.fromkeys(requests) if not self._path(r).is_file()]
        for _ in range(len(requests) - len(missing)):
            tick()
        batches: list[list[Spoken]] = []
        # Festival takes long to load, so it speaks many sentences a start; the others do not.
        festival = [r for r in missing if r.voice is not None and r.voice.engine == "festival"]
        slow = set(festival)
        for _, same in groupby(sorted(festival, key=lambda r: r.voice.speed if r.voice else 0),
                               key=lambda r: r.voice):  # fmt: skip
            group = list(same)
            batches += [
                group[i : i + _FESTIVAL_BATCH] for i in range(0, len(group), _FESTIVAL_BATCH)
            ]
        batches += [[r] for r in missing if r not in slow]
        with (
            storage_errors(self._store),
            tempfile.TemporaryDirectory() as scratch,
            ThreadPoolExecutor(self._jobs) as pool,
        ):
            self._store.mkdir(parents=True, exist_ok=True)
            places = [Path(scratch) / str(n) for n in range(len(batches))]
            for done in pool.map(self._render_batch, batches, places):
                for _ in range(done):
                    tick()

    def load(self, request: Spoken) -> NDArray[np.int16]:
        """The rendered request as int16 ``[n]`` at 16 kHz, without silence at its ends."""
        if not self._path(request).is_file():
            self.render([request])
        samples: NDArray[np.int16] = np.load(self._path(request), allow_pickle=False)
        return samples

    def _path(self, request: Spoken) -> Path:
        return self._store / request.key[:2] / f"{request.key[2:26]}.npy"

    def _render_batch(self, batch: Sequence[Spoken], place: Path) -> int:
        place.mkdir()
        first = batch[0]
        if first.recording is not None:
            self._save(first, *_read(first.recording))
            return 1
        voice = first.voice
        assert voice is not None
        outputs = [place / f"{n}.wav" for n in range(len(batch))]
        if voice.engine == "espeak-ng":
            speed = str(round(165 * voice.speed))
            home = f"--path={self._espeak_home}"
            self._run(outputs, "espeak-ng", home, "-v", voice.name, "-s", speed,
                      "-p", str(voice.pitch), "-w", str(outputs[0]), first.text)  # fmt: skip
        elif voice.engine == "flite":
            stretch = f"duration_stretch={1 / voice.speed:.3f}"
            self._run(outputs, "flite", "-voice", voice.name, "--setf", stretch, "-t", first.text,
                      "-o", str(outputs[0]))  # fmt: skip
        else:
            script = place / "speak.scm"
            script.write_text(self._festival_script(voice, batch, outputs))
            self._run(outputs, "festival", "-b", str(script))
        for request, output in zip(batch, outputs, strict=True):
            self._save(request, *_read(output))
            output.unlink()
        return len(batch)

    def _festival_script(
        self, voice: Voice, batch: Iterable[Spoken], outputs: Iterable[Path]
    ) -> str:
        home = self._root / "usr" / "share" / "festival"
        # Debian builds festival for fixed folders; before its own start file is read, each of
        # the variables that hold one is set to the cache's copy.
        lines = [
            f'(set! datadir "{home}/")',
            "(set! libdir datadir)",
            f'(set! sysconfdir "{self._root}/etc/")',
            f'(set! load-path \'("{home}/"))',
            f'(set! lexdir "{home}/dicts/")',
            f'(set! system-voice-path \'("{home}/voices/"))',
            f'(load "{home}/init.scm")',
            f"(voice_{voice.name})",
            f"(Parameter.set 'Duration_Stretch {1 / voice.speed:.3f})",
        ]
        for request, output in zip(batch, outputs, strict=True):
            text = request.text.replace("\\", "").replace('"', "")
            lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{output}" \'riff)')
        return "\n".join(lines) + "\n"

    def _run(self, outputs: Sequence[Path], tool: str, *arguments: str) -> None:
        command = [str(self._root / "usr" / "bin" / tool), *arguments]
        done = subprocess.run(
            command, env=self._env, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode or not all(output.is_file() for output in outputs):
            why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise DeviceError(
                f"The speech synthesiser {tool} from the cache failed ({why}): remove "
                f"{self._root.parent} and run `python -m examples.show_and_ask.data` again."
            )

    def _save(self, request: Spoken, samples: Wave, rate: int) -> None:
        wave = soxr.resample(samples, rate, RATE) if rate != RATE else samples
        wave = trim(np.asarray(wave, np.float32))[: int(MAX_SECONDS * RATE)]
        peak = float(np.abs(wave).max(initial=0.0))
        scaled = np.round(wave * (0.9 * 32767 / max(peak, 1e-4))).astype(np.int16)
        path = self._path(request)
        path.parent.mkdir(exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.save(file, scaled, allow_pickle=False)
        Path(aside).replace(path)


def trim(wave: Wave, below: float = 0.01) -> Wave:
    """``wave`` float32 ``[n]`` without what is quieter than ``below`` of its peak at its ends."""
    loud = np.flatnonzero(np.abs(wave) > below * float(np.abs(wave).max(initial=0.0)))
    return wave[loud[0] : loud[-1] + 1] if loud.size else wave[:0]


def _read(path: Path) -> tuple[Wave, int]:
    try:
        samples, rate = sf.read(path, dtype="float32", always_2d=True)
    except (sf.LibsndfileError, OSError) as error:
        raise DeviceError(
            f"The recording {path.name} in the demo data cannot be read ({error}): remove the "
            "cache and run `python -m examples.show_and_ask.data` again."
        ) from error
    return samples.mean(axis=1, dtype=np.float32), int(rate)
