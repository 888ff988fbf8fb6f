"""The smart speaker's loop: wake, listen, look, understand, answer, speak. All on the device."""

from .build import build_assistant
from .config import AssistantConfig, load_config
from .loop import Assistant
from .turn import Answer, Turn

__all__ = ["Answer", "Assistant", "AssistantConfig", "Turn", "build_assistant", "load_config"]
