"""The demo's assistant, asked by synthetic users: what it hears, understands and answers.

``python -m examples.show_and_ask.turns`` runs the real components on a virtual clock, in a room
where the microphone hears the assistant's own voice too, and prints figures.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_sdk.runtimes.assistant import AssistantConfig, load_config

CONFIG = Path(__file__).parents[1] / "assistant.toml"


def configured(path: Path, recogniser: str) -> AssistantConfig:
    """The configuration, with its light recogniser in the place of the usual one where asked."""
    config = load_config(path)
    if recogniser == "light" and config.light is not None:
        config = msgspec.structs.replace(config, recogniser=config.light)
    return msgspec.structs.replace(config, light=None)
