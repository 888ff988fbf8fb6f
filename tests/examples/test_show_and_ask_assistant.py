"""The configuration that the demo's assistant runs with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.runtimes.assistant import load_config
from edge_sdk.runtimes.assistant.skills import skills_for
from edge_sdk.runtimes.speech import load_component
from examples.show_and_ask.data.commands import INTENTS, wordings
from examples.show_and_ask.turns import CONFIG
from examples.show_and_ask.turns.voices import quiet
from examples.show_and_ask.turns.waking import calls, heard, spotters

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


def test_its_usual_recogniser_is_told_no_wording_of_the_test() -> None:
    prompt = load_config(_DEMO / "assistant.toml").recogniser.options["prompt"]
    told = {part.strip().lower().replace(",", "") for part in re.split(r"[.?]", prompt)}
    assert "what is this" in told
    assert not told & {text.lower() for i in INTENTS for text in wordings(i, "test")}


def test_the_detectors_alone_are_counted_as_configured_and_at_thresholds() -> None:
    ways = spotters(load_config(CONFIG), (0.8, 0.9999))
    call = next(calls("brown", 20.0, [0]))
    count, hours = heard(iter([quiet(2.0), call, quiet(1.0)]), ways)
    assert count == {"as configured": 1, "alone at 0.8": 1, "alone at 0.9999": 0}
    assert 3600 * hours == pytest.approx(3.0 + len(call) / 16000, abs=0.3)
    assert np.abs(call).max() < 1
