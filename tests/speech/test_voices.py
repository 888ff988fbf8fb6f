from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.errors import DependencyError, DeviceError, InputError, UsageError
from edge_sdk.runtimes.speech import load_component
from edge_sdk.runtimes.speech.packages import packaged, require


@pytest.mark.parametrize("name", ["espeak", "flite", "piper"])
def test_speaks(name: str) -> None:
    voice = load_component("voice", name)
    short, long = voice.speak("stop"), voice.speak("this is a longer sentence than that one was")
    for speech in (short, long):
        assert speech.samples.dtype == np.float32
        assert speech.samples.ndim == 1
        assert 0.05 < np.abs(speech.samples).max() <= 1.0
        assert speech.rate >= 8000
    assert len(long.samples) / long.rate > 2 * len(short.samples) / short.rate
    voice.close()


def test_text_is_never_taken_for_options() -> None:
    voice = load_component("voice", "espeak")
    assert len(voice.speak("--version; touch /tmp/x").samples) > 0


def test_a_voice_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(DeviceError, match="failed"):
        load_component("voice", "espeak", {"voice": "martian"}).speak("hello")


def test_a_missing_program_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DependencyError, match="apt-get install flite"):
        load_component("voice", "flite")


def test_a_missing_package_is_a_sentence() -> None:
    with pytest.raises(DependencyError, match="pip install it"):
        require("no_such_package_anywhere", "pip install it")


def test_weights_that_were_changed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights_of_mine").mkdir()
    (tmp_path / "weights_of_mine" / "__init__.py").touch()
    file = tmp_path / "weights_of_mine" / "model.bin"
    file.write_bytes(b"good")
    monkeypatch.syspath_prepend(tmp_path)
    right = hashlib.sha256(b"good").hexdigest()
    assert packaged("weights_of_mine", "model.bin", right, "pip") == file
    file.write_bytes(b"evil")
    with pytest.raises(DependencyError, match="not the file"):
        packaged("weights_of_mine", "model.bin", right, "pip")


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("espeak", {"speed": 9000}, UsageError),
        ("piper", {"model": "/nowhere.onnx"}, InputError),
        ("espeak", {"pitch": 3}, UsageError),
    ],
)
def test_refuses_options_that_mean_nothing(
    name: str, options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        load_component("voice", name, options)
