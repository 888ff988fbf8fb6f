"""``edge-sdk devices`` on a sound server of our own and a network camera."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from edge_sdk.cli.main import main
from tests.mjpeg import network_camera
from tests.sound import SoundServer, sound_server


@pytest.fixture(scope="module")
def sound() -> Iterator[SoundServer]:
    with sound_server() as server:
        yield server


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_info:
        main(["devices", *words])
    out = capsys.readouterr()
    return int(exit_info.value.code or 0), out.out, out.err


def test_microphones_are_listed_by_the_names_that_open_them(
    sound: SoundServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("pulse:mic4 ")]
    assert line.split()[1:4] == ["4", "16000", "Hz"]
    code, out, _ = run(capsys, "--json")
    listed = json.loads(out)
    (stereo,) = [m for m in listed["microphones"] if m["device"] == "pulse:mic48"]
    assert (stereo["channels"], stereo["rate"]) == (2, 48000)
    assert listed["missing"] == []


def test_the_level_of_each_channel_is_shown(
    sound: SoundServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tone = np.zeros((16000 * 10, 4))
    tone[:, 2] = 0.5 * np.sign(np.sin(2 * np.pi * 200 * np.arange(len(tone)) / 16000))
    wav = tmp_path / "tone.wav"
    soundfile.write(wav, tone, 16000, subtype="PCM_16")
    player = sound.play(wav, "air4")
    try:
        words = ("--listen", "2", "--mic", "pulse:mic4", "--channels", "4")
        code, out, _ = run(capsys, *words, "--json")
        assert code == 0
        level = json.loads(out)["level"]
        assert level["rms_dbfs"][2] > -12
        assert max(level["rms_dbfs"][:2]) < -60
        assert level["peak_dbfs"] == pytest.approx(-6, abs=0.5)
        code, out, _ = run(capsys, "--listen", "0.3", "--mic", "pulse:mic4", "--channels", "4")
        assert "#" in out
        assert "dBFS" in out.splitlines()[-1]
    finally:
        player.kill()
        player.wait()
    code, out, _ = run(capsys, "--listen", "0.3", "--mic", "pulse:mic8")
    assert "digital silence" in out


def test_a_picture_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "view.png"
    with network_camera() as camera:
        code, out, _ = run(capsys, "--picture", str(path), "--camera", camera.address)
    assert code == 0
    assert "128 x 96" in out
    with Image.open(path) as image:
        assert image.size == (128, 96)
        assert image.getpixel((100, 50))[0] > 150


def test_what_is_not_there_is_a_sentence(
    sound: SoundServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "--listen", "1", "--mic", "none such")
    assert (code, "There is no microphone 'none such'" in err) == (12, True)
    code, _, err = run(capsys, "--picture", str(tmp_path / "x.png"), "--camera", "99")
    assert (code, "camera 99 cannot be opened" in err) == (12, True)
    assert not list(tmp_path.iterdir())


def test_without_the_extras_the_commands_that_install_them_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    monkeypatch.setitem(sys.modules, "cv2", None)
    code, _, err = run(capsys)
    assert code == 0
    assert "pip install 'edge-sdk[audio]'" in err
    assert "pip install 'edge-sdk[camera]'" in err
    code, _, err = run(capsys, "--listen", "1")
    assert code == 11
