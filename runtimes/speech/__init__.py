"""Speech components of the assistant: wake word, voice detector, recogniser, echo
canceller, voice.

Each kind is a protocol in :mod:`.protocol`; each back end is one module, found by entry point.
"""

from .protocol import (
    RATE,
    EchoCanceller,
    Recogniser,
    Speech,
    Transcript,
    Voice,
    VoiceDetector,
    WakeWord,
)
from .registry import KINDS, component_names, load_component

__all__ = [
    "KINDS",
    "RATE",
    "EchoCanceller",
    "Recogniser",
    "Speech",
    "Transcript",
    "Voice",
    "VoiceDetector",
    "WakeWord",
    "component_names",
    "load_component",
]
