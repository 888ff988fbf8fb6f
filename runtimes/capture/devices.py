"""The microphones and cameras of this machine, as they are named to open them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .opencv import import_cv2, video_devices
from .portaudio import portaudio

_SOUND_CARDS = Path("/proc/asound/cards")
_VIDEO_CLASS = Path("/sys/class/video4linux")
#: Seconds that a sound server has to answer.
_PATIENCE = 5.0


@dataclass(frozen=True)
class MicrophoneInfo:
    """What to call it, what it calls itself, and what it gives by default."""

    device: str
    name: str
    channels: int
    rate: int
    default: bool = False


@dataclass(frozen=True)
class CameraInfo:
    """What to call it, what it calls itself, and what it gives by default."""

    device: str
    name: str
    width: int
    height: int
    fps: float


def list_microphones() -> list[MicrophoneInfo]:
    """What PyAudio can record from, and the sound server's sources.

    Raises:
        DependencyError: PyAudio is not installed.
    """
    found = []
    with portaudio() as audio:
        try:
            default = int(audio.get_default_input_device_info()["index"])
        except OSError:
            default = -1
        for index in range(audio.get_device_count()):
            info = audio.get_device_info_by_index(index)
            if info["maxInputChannels"] > 0:
                name, channels = str(info["name"]), int(info["maxInputChannels"])
                rate = round(info["defaultSampleRate"])
                found.append(MicrophoneInfo(str(index), name, channels, rate, index == default))
    if any(microphone.name == "pulse" for microphone in found):
        found += _pulse_sources()
    return found


def list_cameras() -> list[CameraInfo]:
    """The video devices that OpenCV can open; those in use elsewhere are left out.

    Raises:
        DependencyError: OpenCV is not installed.
    """
    cv2 = import_cv2()
    found = []
    for device in video_devices():
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        try:
            # A camera has further nodes, for what is no picture, which do not open.
            if capture.isOpened():
                found.append(
                    CameraInfo(
                        device.removeprefix("/dev/video"),
                        _video_name(device),
                        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
                        float(capture.get(cv2.CAP_PROP_FPS)),
                    )
                )
        finally:
            capture.release()
    return found


def sound_cards() -> list[str]:
    """The sound cards that the kernel lists."""
    if not _SOUND_CARDS.exists():
        return []
    lines = _SOUND_CARDS.read_text(errors="replace").splitlines()
    return [line.split("]: ", 1)[1] for line in lines if "]: " in line]


def _pulse_sources() -> list[MicrophoneInfo]:
    """Sources by their names: through ALSA they are all one device called pulse."""
    pactl = shutil.which("pactl")
    if pactl is None:
        return []
    try:
        done = subprocess.run(
            [pactl, "list", "short", "sources"], capture_output=True, text=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = []
    for line in done.stdout.splitlines():
        # Number, name, driver, "s16le 4ch 16000Hz", state.
        words = line.split()
        form = [word for word in words if word.endswith(("ch", "Hz"))]
        if len(words) > 2 and len(form) == 2:
            channels, rate = int(form[0][:-2]), int(form[1][:-2])
            found.append(MicrophoneInfo(f"pulse:{words[1]}", words[1], channels, rate))
    return found


def _video_name(device: str) -> str:
    path = _VIDEO_CLASS / Path(device).name / "name"
    return path.read_text(errors="replace").strip() if path.exists() else Path(device).name
