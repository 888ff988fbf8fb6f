"""A recorded session of the demo: two questions in front of one card, for boards without devices.

``python -m examples.show_and_ask.session --out DIR`` writes ``audio.wav``, ``image.png``,
``assistant.toml`` (the light components alone) and ``expected.txt``, for ``edge-sdk assist
--replay`` and the suite for boards.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import numpy as np
import soundfile

from edge_sdk.files import replacing
from edge_sdk.runtimes.speech import RATE
from edge_sdk.samples import SampleSet

from .turns.voices import quiet, say

HERE = Path(__file__).parent
CARD = "elephant"
#: What is asked, and a word of the answer.
TURNS = (("what is this", "elephant"), ("spell it please", "E, L, E, P, H, A, N, T"))
_CONFIG = """\
# The light components alone: small wheels, and quick on small boards.
vad = { name = "webrtc" }
recogniser = { name = "pocketsphinx", options = { sentences = "sentences.txt" } }
voice = { name = "espeak", options = { voice = "en-us", speed = 165 } }
follow_up = 0
wake = { name = "micro", options = { model = "okay_nabu", threshold = 0.7 } }
"""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("build/demo/data/held-out"))
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(data: Path, out: Path) -> None:
    """Write the session to a folder."""
    samples = SampleSet.open(data)
    picture = next(s.image for s in samples if s.image and s.labels.get("card") == CARD)
    sound = [quiet(1.0)]
    for text, _ in TURNS:
        sound += [say("espeak", "en-us", "okay nabu"), quiet(0.4)]
        sound += [say("flite", "rms", text), quiet(6.0)]
    floor = np.random.default_rng(0).normal(0, 3e-4, sum(map(len, sound)))
    with replacing(out) as aside:
        aside.mkdir(parents=True)
        soundfile.write(aside / "audio.wav", np.concatenate(sound) + floor, RATE)
        shutil.copyfile(samples.path(picture), aside / "image.png")
        shutil.copyfile(HERE / "sentences.txt", aside / "sentences.txt")
        (aside / "assistant.toml").write_text(_CONFIG)
        (aside / "expected.txt").write_text("".join(f"{words}\n" for _, words in TURNS))


if __name__ == "__main__":
    main()
