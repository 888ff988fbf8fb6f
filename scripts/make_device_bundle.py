"""What tests/device needs, made in the development environment: a bundle, inputs, answers.

The shipped checkpoint is used where it and the demo's data are there; else an untrained one of
a few thousand weights on synthetic samples: the device tests compare answers, not accuracy.
"""

from __future__ import annotations

import shutil
import sys
from itertools import combinations
from pathlib import Path

import msgspec

from edge_sdk.converters import convert
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.recording import read_recording
from edge_sdk.runtimes.prediction import plain
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.samples import Sample, SampleSet

CHECKPOINT = Path("examples/show_and_ask/checkpoint")
DATA = Path("build/demo/data/calibration")
INPUTS = 3


def main() -> None:
    """Write ``bundle.edge``, ``inputs/`` and ``answers.json`` below the folder given."""
    out = Path(sys.argv[1])
    if (CHECKPOINT / "config.json").is_file() and (DATA / "samples.jsonl").is_file():
        checkpoint, samples = CHECKPOINT, SampleSet.open(DATA)
        print(f"from the shipped checkpoint ({CHECKPOINT})")
    else:
        checkpoint, samples = _untrained(out / "untrained")
        print("from an untrained checkpoint: the shipped one or its data is not here")
    bundle = out / "bundle.edge"
    convert(
        checkpoint,
        calibration=samples.root,
        output=bundle,
        max_drop=100,
        precision="int8",
        cache=out / "cache",
    )
    inputs = out / "inputs"
    shutil.rmtree(inputs, ignore_errors=True)
    inputs.mkdir()
    answers = []
    with FusionSession.open(bundle) as session:
        whole = [s for s in samples if set(session.modalities) <= set(s.modalities)]
        for sample in whole[:INPUTS]:
            answers += _answers(session, samples, sample, inputs)
    (out / "answers.json").write_bytes(msgspec.json.format(msgspec.json.encode(answers)))
    print(f"{len(answers)} answers on {min(INPUTS, len(whole))} samples")


def _untrained(folder: Path) -> tuple[Path, SampleSet]:
    from edge_sdk.converters.fusion.checkpointing import save_checkpoint
    from edge_sdk.converters.fusion.model import FusionModel
    from tests.converters.fusion.conftest import tiny
    from tests.synthetic import make_sample_set

    shutil.rmtree(folder, ignore_errors=True)
    config = tiny()
    checkpoint = save_checkpoint(folder / "checkpoint", FusionModel(config), config)
    return checkpoint, make_sample_set(folder / "samples")


def _answers(
    session: FusionSession, samples: SampleSet, sample: Sample, inputs: Path
) -> list[dict[str, object]]:
    """The answers for every subset of the modalities; the files go below ``inputs``."""
    config = session.frontends.config
    given: dict[str, str] = {}
    values: dict[str, object] = {}
    for name in session.modalities:
        value = getattr(sample, name)
        if name != "text":
            source = samples.path(value)
            value = f"{sample.id}{source.suffix}"
            shutil.copyfile(source, inputs / value)
        given[name] = value
    if config.audio is not None:
        recording = read_recording(inputs / given["audio"], config.audio)
        values["audio"] = (recording, config.audio.rate)
    if config.image is not None:
        path = inputs / given["image"]
        values["image"] = read_picture(path, background=config.image.background)
    if config.text is not None:
        values["text"] = given["text"]
    found: list[dict[str, object]] = []
    for count in range(1, len(values) + 1):
        for names in combinations(values, count):
            answer = session.infer(**{name: values[name] for name in names})
            inputs_given = {name: given[name] for name in names}
            found.append({"inputs": inputs_given, "heads": plain(answer)["heads"]})
    return found


if __name__ == "__main__":
    main()
