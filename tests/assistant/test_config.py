from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.assistant import AssistantConfig, load_config
from edge_sdk.runtimes.assistant.skills import skill_names, skills_for


def test_without_a_file_everything_has_a_default() -> None:
    assert load_config(None) == AssistantConfig()


def test_reads_what_the_file_says_and_finds_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "words.gram").touch()
    file = tmp_path / "assistant.toml"
    file.write_text(
        'follow_up = 0\n[recogniser]\nname = "pocketsphinx"\noptions = { grammar = "words.gram" }\n'
        '[things.frog]\nsound = "ribbit"\n[heads]\nobject = "animal"\n'
    )
    config = load_config(file)
    assert config.follow_up == 0
    assert config.recogniser.options == {"grammar": str(tmp_path / "words.gram")}
    assert config.things["frog"].sound == "ribbit"
    assert config.heads.object == "animal"
    assert config.voice == AssistantConfig().voice


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("volume = 300", "300"),
        ("colour = 1", "colour"),
        ("volume = [", "no assistant configuration"),
        ("[segmenter]\nspeech = 0.1", "thresholds"),
        ("[wake]\nphrase = 1", "name|phrase"),
        ('[confirm]\nname = "open"\ncandidate = 2.0', "candidate"),
    ],
)
def test_mistakes_are_sentences(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "assistant.toml"
    file.write_text(content)
    with pytest.raises(UsageError, match=words):
        load_config(file)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.toml"):
        load_config(tmp_path / "nothing.toml")


def test_an_intent_without_a_skill_is_refused_and_can_be_mapped() -> None:
    with pytest.raises(UsageError, match="dance"):
        skills_for(["time", "dance"], {})
    found = skills_for(["time", "dance"], {"dance": "not-for-me"})
    assert found["dance"][0] == "not-for-me"
    assert found["time"][0] == "time"
    assert "time" in skill_names()
