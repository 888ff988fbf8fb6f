"""Video and audio, from sample set to answer: our own architecture and a module of somebody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from torch import Tensor, nn

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.converters import convert
from edge_sdk.converters.fusion.checkpointing import save_checkpoint
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.frontends.clip import read_clip
from edge_sdk.frontends.recording import read_recording
from edge_sdk.runtimes.capture import SimulatedCamera, VirtualClock
from edge_sdk.runtimes.streaming.events import Decision
from edge_sdk.runtimes.streaming.options import StreamOptions
from edge_sdk.samples import Sample, SampleSet, write_index

from ..cli.conftest import Run, run  # noqa: F401 - a fixture
from ..converters.fusion.conftest import tiny
from .conftest import RATE, SAMPLES, Held, picture, tone
from .test_engines import FRAMES, frames


def moving(number: int) -> np.ndarray:
    """A frame of a camera, each another one."""
    return picture(np.random.default_rng(number))


SPEC = """
name = "watcher"
[[inputs]]
name = "clip"
modality = "video"
frontend = { frames = 4, fps = 5, frame = { height = 24, width = 24 } }
layout = "NCTHW"
[[inputs]]
name = "speech"
modality = "audio"
frontend = { bands = 20, max_seconds = 3 }
[[outputs]]
name = "mood"
labels = ["low", "middle", "high"]
"""


class Watcher(nn.Module):
    """Convolutions over space and time beside a pooled trunk over the frames of the audio."""

    def __init__(self) -> None:
        super().__init__()
        self.clip = nn.Sequential(
            nn.Conv3d(3, 8, 3, (1, 2, 2), 1), nn.BatchNorm3d(8), nn.ReLU(),
            nn.Conv3d(8, 12, 3, (2, 2, 2), 1), nn.ReLU(),
        )  # fmt: skip
        self.frames = nn.Conv1d(20, 12, 3, padding=1)
        self.head = nn.Linear(24, 3)

    def forward(self, clip: Tensor, speech: Tensor) -> Tensor:
        heard = torch.relu(self.frames(speech.transpose(1, 2))).mean(2)
        return self.head(torch.cat([self.clip(clip).mean((2, 3, 4)), heard], 1))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """Tones with clips of 0.6 to 1.5 seconds: folders of stills, and animated pictures."""
    root = tmp_path_factory.mktemp("watched")
    rng = np.random.default_rng(4)
    made = []
    for i in range(SAMPLES):
        soundfile.write(root / f"{i}.wav", tone(rng, float(rng.uniform(0.3, 0.8))), RATE)
        frames = [Image.fromarray(picture(rng)) for _ in range(int(rng.integers(6, 15)))]
        name = f"{i}.webp" if i % 8 == 0 else f"clip-{i}"
        if i % 8 == 0:
            frames[0].save(root / name, save_all=True, append_images=frames[1:], duration=100,
                           lossless=True)  # fmt: skip
        else:
            (root / name).mkdir()
            for number, frame in enumerate(frames):
                frame.save(root / name / f"{number:02}.png")
            times = [number / 10 for number in range(len(frames))]
            (root / name / "times.json").write_text(json.dumps(times))
        made.append(Sample(id=str(i), audio=f"{i}.wav", video=name))
    write_index(root, made)
    return SampleSet.open(root)


def converted(model: object, watched: SampleSet, output: Path, **options: object) -> Path:
    torch.set_num_threads(1)
    convert(
        model, target="local", calibration=watched.root, output=output, max_drop=100,
        cache=None, **options,
    )  # type: ignore[arg-type]  # fmt: skip
    return output


def answers(bundle: Path, watched: SampleSet) -> dict[str, np.ndarray]:
    """The probabilities of the first head by sample, inputs read as the command line reads them."""
    found = {}
    with FusionSession.open(bundle) as session:
        audio, video = session.frontends.config.audio, session.frontends.config.video
        assert audio is not None
        assert video is not None
        for sample in watched[:4]:
            heard = read_recording(watched.path(sample.audio), audio)
            clip = read_clip(watched.path(sample.video), video)
            answer = session.infer(audio=(heard, audio.rate), video=clip)
            assert answer.used == ("audio", "video")
            first = next(iter(answer.heads.values()))
            found[sample.id] = np.array(list(first.probabilities.values()))
    return found


def goes_all_the_way(bundle: Path, watched: SampleSet, run: Run) -> None:  # noqa: F811
    """Verified with its golden clips, and answering from files as from memory."""
    opened = Bundle.open(bundle)
    assert all(sample.video == f"golden/{i:02}/video.zip"
               for i, sample in enumerate(opened.manifest.golden))  # fmt: skip
    told = run("verify", bundle, "--json")
    assert told.code == 0, told.err
    (edition,) = told.json["editions"].values()
    assert "features.video" in {stage["stage"] for stage in edition["stages"]}
    wanted = answers(bundle, watched)
    for sample in watched[:4]:
        got = run("infer", bundle, "--audio", watched.path(sample.audio),
                  "--video", watched.path(sample.video), "--json")  # fmt: skip
        assert got.code == 0, got.err
        head = next(iter(got.json["heads"].values()))
        assert list(head["probabilities"].values()) == pytest.approx(wanted[sample.id].tolist())
        assert got.json["used"] == ["audio", "video"]
    assert np.ptp(list(wanted.values()), axis=0).max() > 1e-4


def test_the_reference_model(
    watched: SampleSet,
    tmp_path: Path,
    run: Run,  # noqa: F811
) -> None:
    config = tiny(audio="gru", image=False, text=None, video="gru")
    checkpoint = save_checkpoint(tmp_path / "net", FusionModel(config, seed=3).eval(), config)
    bundle = converted(checkpoint, watched, tmp_path / "net.edge", precision="int8")
    goes_all_the_way(bundle, watched, run)
    # Either is enough for a model whose head takes a mask.
    clip = watched.path(watched[0].video)
    assert run("infer", bundle, "--video", clip, "--json").json["used"] == ["video"]
    streams_as_it_answers(bundle, watched, run)
    # Measured on its golden clips, and on clips of a set, which are also what it is judged by.
    words = ("--rounds", "1", "--calls", "10", "--json", "-")
    for samples in ((), ("--samples", watched.root)):
        told = run("profile", bundle, *samples, *words)
        assert told.code == 0, told.err
        assert {"frontend.video", "encoder.video"} <= set(told.json["stages"])
        assert told.json["inputs"]["modalities"]["video"] > 0
        assert set(told.json["capture"]) == {"audio"}


def streams_as_it_answers(bundle: Path, watched: SampleSet, run: Run) -> None:  # noqa: F811
    """A camera is a clip that goes on: each frame ends one, and is answered as that clip is."""
    clock = VirtualClock(100.0)
    camera = SimulatedCamera(clock, moving, fps=10.0)
    with FusionSession.open(bundle) as session:
        with session.stream(camera=camera, options=StreamOptions(camera_fps=None)) as stream:
            made = [event for event, _ in zip(stream, range(30), strict=False)]
        decisions = [event for event in made if isinstance(event, Decision)]
        assert len(decisions) > 20
        for number in (0, 5, len(decisions) - 1):
            decided = decisions[number]
            assert decided.prediction.used == ("video",)
            last = round((decided.time - decided.data_age - 100.0) * 10)
            frames, times = [], []
            for frame in range(last + 1):
                frames.append(moving(frame))
                times.append(100.0 + frame / 10)
            wanted = session.infer(video=(frames, times))
            for name, head in wanted.heads.items():
                got = decided.prediction.heads[name].probabilities
                assert got == pytest.approx(head.probabilities, abs=1e-6)
    clip, sound = (watched.path(name) for name in (watched[1].video, watched[1].audio))
    shown = run("stream", bundle, "--audio", sound, "--video", clip, "--fast", "--json")
    assert shown.code == 0, shown.err
    used = [json.loads(line)["prediction"]["used"] for line in shown.out.splitlines()
            if json.loads(line)["event"] == "Decision"]  # fmt: skip
    assert ["audio", "video"] in used


def test_a_module_of_somebody(watched: SampleSet, tmp_path: Path, run: Run) -> None:  # noqa: F811
    torch.manual_seed(2)
    net = Watcher().eval()
    (tmp_path / "model.toml").write_text(SPEC)
    bundle = converted(
        net, watched, tmp_path / "net.edge", spec=tmp_path / "model.toml", precision="fp32"
    )
    goes_all_the_way(bundle, watched, run)
    got = answers(bundle, watched)
    with FusionSession.open(bundle) as session, torch.no_grad():
        config = session.frontends.config
        assert config.audio is not None
        for sample in watched[:4]:
            heard = read_recording(watched.path(sample.audio), config.audio)
            features = session.frontends.audio.batch(heard)[None]
            clip = session.frontends.video(*read_clip(watched.path(sample.video), config.video))
            output = net(torch.from_numpy(clip).transpose(1, 2), torch.from_numpy(features))
            np.testing.assert_allclose(got[sample.id], output.softmax(1).numpy()[0], atol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_module_of_somebody_on_every_engine(watched: SampleSet, tmp_path: Path) -> None:
    torch.manual_seed(2)
    net = Watcher().eval()
    # Of the usual first weights, every clip gives all but the same.
    nn.init.normal_(net.head.weight)
    spec = SPEC.replace("max_seconds = 3 }\n", "max_seconds = 3 }\n" + FRAMES)

    def wanted(x: Mapping[str, Tensor]) -> Tensor:
        return net(x["video"].transpose(1, 2), frames(x["audio"]))  # type: ignore[no-any-return]

    Held(watched.root, tmp_path).everywhere(net, spec, wanted)
