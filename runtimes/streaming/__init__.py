"""Audio encoded as it arrives, and live streams: a step costs what is new, not a whole window."""

from .audio import StreamingAudio
from .encoder import Mode, StreamingEncoder

__all__ = ["Mode", "StreamingAudio", "StreamingEncoder"]
