"""Microphones and cameras that this machine shows."""

from __future__ import annotations

from collections.abc import Iterator

from edge_sdk.errors import DependencyError

from ..capture.devices import list_microphones, sound_cards
from ..capture.opencv import import_cv2, video_devices
from .finding import Finding


def check_microphones() -> Iterator[Finding]:
    """What PyAudio can record from; without it, what the kernel lists."""
    cards = ", ".join(sound_cards()) or "no sound card"
    try:
        names = [f"{m.name} ({m.channels} channels, {m.rate} Hz)" for m in list_microphones()]
    except DependencyError:
        yield Finding(
            subject="microphones",
            state="absent",
            detail=f"PyAudio is not installed; the kernel lists {cards}",
            mend="sudo apt-get install portaudio19-dev && pip install 'edge-sdk[audio]'",
        )
        return
    if names:
        yield Finding(subject="microphones", state="ok", detail="; ".join(names))
    else:
        yield Finding(
            subject="microphones",
            state="absent",
            detail=f"PyAudio finds none; the kernel lists {cards}",
            mend="plug one in, or start a sound server for this user",
        )


def check_cameras() -> Iterator[Finding]:
    """Video devices, and whether OpenCV is here to read them."""
    devices = video_devices()
    try:
        reader = f"OpenCV {import_cv2().__version__}"
    except DependencyError:
        reader = ""
    if devices and reader:
        yield Finding(subject="cameras", state="ok", detail=f"{', '.join(devices)}; {reader}")
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
