"""Microphones and cameras that this machine shows."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .finding import Finding

_SOUND_CARDS = Path("/proc/asound/cards")


def check_microphones() -> Iterator[Finding]:
    """What PyAudio can record from; without it, what the kernel lists."""
    try:
        import pyaudio
    except ImportError:
        cards = _cards()
        detail = f"PyAudio is not installed; the kernel lists {cards or 'no sound card'}"
        yield Finding(
            subject="microphones",
            state="absent",
            detail=detail,
            mend="sudo apt-get install portaudio19-dev && pip install 'edge-sdk[audio]'",
        )
        return
    names = _microphones(pyaudio)
    if names:
        yield Finding(subject="microphones", state="ok", detail="; ".join(names))
    else:
        yield Finding(
            subject="microphones",
            state="absent",
            detail=f"PyAudio finds none; the kernel lists {_cards() or 'no sound card'}",
            mend="plug one in, or start a sound server for this user",
        )


def check_cameras() -> Iterator[Finding]:
    """Video devices, and whether OpenCV is here to read them."""
    devices = sorted(Path("/dev").glob("video*"))
    try:
        import cv2

        reader = f"OpenCV {cv2.__version__}"
    except ImportError:
        reader = ""
    if devices and reader:
        shown = ", ".join(str(device) for device in devices)
        yield Finding(subject="cameras", state="ok", detail=f"{shown}; {reader}")
    elif devices:
        yield Finding(
            subject="cameras",
            state="absent",
            detail=f"{len(devices)} video devices, but OpenCV is not installed",
            mend="pip install 'edge-sdk[camera]'",
        )
    else:
        detail = f"no video device{f'; {reader}' if reader else ''}"
        mend = "plug one in" if reader else "plug one in, then pip install 'edge-sdk[camera]'"
        yield Finding(subject="cameras", state="absent", detail=detail, mend=mend)


def _microphones(pyaudio: Any) -> list[str]:
    with _quiet_stderr():
        audio = pyaudio.PyAudio()
        try:
            devices = [audio.get_device_info_by_index(i) for i in range(audio.get_device_count())]
        finally:
            audio.terminate()
    return [
        f"{d['name']} ({d['maxInputChannels']} channels, {d['defaultSampleRate']:.0f} Hz)"
        for d in devices
        if d["maxInputChannels"] > 0
    ]


def _cards() -> str:
    if not _SOUND_CARDS.exists():
        return ""
    lines = _SOUND_CARDS.read_text(errors="replace").splitlines()
    return ", ".join(line.split("]: ", 1)[1] for line in lines if "]: " in line)


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """ALSA writes about every device it lacks straight to file descriptor 2."""
    kept = os.dup(2)
    hole = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hole, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(hole)
        os.close(kept)
