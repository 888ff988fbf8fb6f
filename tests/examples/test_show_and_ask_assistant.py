"""The configuration that the demo's assistant runs with."""

from __future__ import annotations

import json
from pathlib import Path

from edge_sdk.runtimes.assistant import load_config
from edge_sdk.runtimes.assistant.skills import skills_for
from edge_sdk.runtimes.speech import load_component
from examples.show_and_ask.data.commands import INTENTS, wordings

_DEMO = Path(__file__).parents[2] / "examples" / "show_and_ask"


def test_it_fits_the_heads_of_the_checkpoint() -> None:
    config = load_config(_DEMO / "assistant.toml")
    heads = json.loads((_DEMO / "checkpoint" / "config.json").read_text())["model"]["heads"]
    labels = {head["name"]: head["labels"] for head in heads}
    assert {config.heads.intent, config.heads.object, config.heads.kind} == set(labels)
    assert set(config.things) <= set(labels["card"])
    assert set(skills_for(labels["intent"], config.intents)) == set(INTENTS)


def test_its_light_recogniser_has_the_sentences_of_training_and_no_others() -> None:
    config = load_config(_DEMO / "assistant.toml")
    assert config.light is not None
    file = Path(str(config.light.options["sentences"]))
    trained = [text.lower() for intent in INTENTS for text in wordings(intent, "train")]
    assert file.read_text().splitlines() == trained
    load_component("recogniser", config.light.name, config.light.options).close()
