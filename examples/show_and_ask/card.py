"""The model card: written from what was measured, so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from torch import nn

from edge_sdk.converters.fusion.batch import IGNORE, Batch
from edge_sdk.converters.fusion.evaluate import evaluate, predict
from edge_sdk.converters.fusion.metrics import HeadMetrics
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.samples import SampleSet

Measured = Mapping[str, Mapping[str, HeadMetrics]]


class InNoise(msgspec.Struct, frozen=True, kw_only=True):
    """The second phase: how many utterances were ``heard``, how many of them written down by the
    usual and the light recogniser."""

    command: str
    seconds: float
    cpu_seconds: float
    machine: str
    heard: int
    usual: int
    light: int
    steps: int
    epochs: int
    best_epoch: int
    former: float


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a checkpoint comes from; ``seconds`` is wall time from start to trained weights, and
    ``cpu_seconds`` what all processes computed in that time."""

    command: str
    seconds: float
    cpu_seconds: float
    machine: str
    pool: int
    steps: int
    examples: int
    held_out_digest: str
    held_out_samples: int
    epochs: int
    best_epoch: int
    sizes: Mapping[str, Mapping[str, tuple[int, int]]]
    in_noise: InNoise | None = None


def ablations(model: FusionModel, batches: Sequence[Batch]) -> dict[str, dict[str, HeadMetrics]]:
    """The metrics with everything (``all``), without each modality, and with only one."""
    out = {"all": evaluate(model, batches)}
    for name in model.modalities:
        out[f"without {name}"] = evaluate(model, batches, hide=(name,))
    for name in model.modalities:
        others = tuple(other for other in model.modalities if other != name)
        out[f"only {name}"] = evaluate(model, batches, hide=others)
    return out


def by_condition(
    model: FusionModel, batches: Sequence[Batch], samples: SampleSet
) -> dict[str, tuple[int, float]]:
    """Samples and ``intent`` accuracy by what is new about the speech (see ``utterances``)."""
    right = predict(model, batches)["intent"].argmax(axis=1)
    true = np.concatenate([batch.labels["intent"].numpy() for batch in batches])
    found: dict[str, list[bool]] = {}
    for sample, wanted, given in zip(samples, true, right, strict=True):
        if wanted != IGNORE:
            found.setdefault(str(sample.meta["condition"]), []).append(bool(wanted == given))
    return {name: (len(hits), sum(hits) / len(hits)) for name, hits in sorted(found.items())}


def model_card(
    model: FusionModel,
    measured: Measured,
    conditions: Mapping[str, tuple[int, float]],
    provenance: Provenance,
) -> str:
    """The card as Markdown."""
    sections = (
        _INTRODUCTION,
        "## Architecture\n\n" + _architecture(model),
        _DATA + "\n" + _split(provenance),
        "## Results on the held-out set\n\n" + _results(measured, provenance),
        "### What each modality contributes\n\n" + _contributions(measured),
        "### Speech that is new in different ways\n\n" + _conditions(conditions),
        "### Confused most often\n\n" + _confusions(measured),
        "## Training\n\n" + _training(provenance),
        _LIMITS,
    )
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _architecture(model: FusionModel) -> str:
    rows = [(name, f"{_count(part):,}") for name, part in model.parts().items()]
    total = _count(model)
    recurrent = sum(_count(m) for m in model.modules() if isinstance(m, nn.GRU))
    return (
        _table(("part", "parameters"), [*rows, ("**total**", f"**{total:,}**")])
        + f"\n\nRecurrent weights, which int8 conversion leaves in float: {recurrent / total:.1%}."
    )


def _results(measured: Measured, provenance: Provenance) -> str:
    rows = [
        (
            name,
            str(m.samples),
            f"{m.accuracy:.3f}",
            f"{m.precision:.3f}",
            f"{m.recall:.3f}",
            f"**{m.f1:.3f}**",
            f"{m.majority:.3f}",
        )
        for name, m in measured["all"].items()
    ]
    header = ("head", "samples", "accuracy", "precision", "recall", "macro-F1", "majority baseline")
    return (
        f"{provenance.held_out_samples} samples; precision and recall are macro means. "
        "The majority baseline is the accuracy of always giving the most frequent class. "
        f"SHA-256 of the set: `{provenance.held_out_digest}`.\n\n" + _table(header, rows)
    )


def _contributions(measured: Measured) -> str:
    heads = list(measured["all"])
    rows = [
        (
            setting,
            *(
                f"{metrics[h].accuracy:.3f} / {metrics[h].f1:.3f}" if h in metrics else "-"
                for h in heads
            ),
        )
        for setting, metrics in measured.items()
    ]
    return (
        "Accuracy / macro-F1 of the same weights, with modalities masked as missing:\n\n"
        + _table(("modalities", *heads), rows)
        + "\n\n"
        + _verdict(measured)
    )


def _verdict(measured: Measured) -> str:
    whole = measured["all"]["intent"].f1
    single = {s: m["intent"].f1 for s, m in measured.items() if s.startswith("only ")}
    best = max(single, key=lambda setting: single[setting])
    return (
        f"For `intent`, fusion gives {whole:.3f} and the best single modality ({best}) "
        f"{single[best]:.3f}. `card` and `category` are told by the picture alone: what is said "
        "carries no information about them here."
    )


def _conditions(conditions: Mapping[str, tuple[int, float]]) -> str:
    meaning = {
        "new-voice": "sentence known from training, voice not",
        "new-wording": "neither sentence nor voice known",
        "new-engine": "a synthesiser never heard in training",
        "human": "people describing pictures in several languages (`not-for-me`)",
    }
    rows = [
        (name, meaning.get(name, ""), str(count), f"{accuracy:.3f}")
        for name, (count, accuracy) in conditions.items()
    ]
    return _table(("condition", "meaning", "samples", "intent accuracy"), rows)


def _confusions(measured: Measured, most: int = 5) -> str:
    lines = []
    for name, m in measured["all"].items():
        labels = [entry.label for entry in m.classes]
        wrong = sorted(
            (
                (count, labels[t], labels[p])
                for t, row in enumerate(m.confusion)
                for p, count in enumerate(row)
                if t != p and count
            ),
            key=lambda item: (-item[0], item[1], item[2]),
        )
        listed = "; ".join(f"{t} taken for {p} ({count})" for count, t, p in wrong[:most])
        lines.append(f"- `{name}`: {listed or 'none'}")
    return "\n".join(lines)


def _training(provenance: Provenance) -> str:
    p = provenance
    return (
        f"    {p.command}\n\n"
        f"{p.cpu_seconds / 60:.0f} CPU-minutes on {p.machine}, rendering included; "
        f"{p.seconds / 60:.0f} minutes by the clock, in which the machine may have had other work. "
        f"{p.pool:,} examples rendered, {p.epochs} epochs, {p.steps:,} steps, "
        f"{p.examples:,} recombined examples; the weights are those of epoch {p.best_epoch}, the "
        "best by mean macro-F1 on validation material (held-back voices, wordings and pictures; "
        "not the held-out set). AdamW, warm-up and cosine rate, averaged weights, label smoothing, "
        "modality dropout, hidden bands and time of the features, zoomed, turned, recoloured and "
        "partly covered pictures. Where the time bound shortens the run, the same seed does not "
        "give the same weights." + (_in_noise(p.in_noise) if p.in_noise is not None else "")
    )


def _in_noise(p: InNoise) -> str:
    return (
        "\n\nThen, from the weights of that run, the second phase, in noise:\n\n"
        f"    {p.command}\n\n"
        f"{p.cpu_seconds / 60:.0f} CPU-minutes on {p.machine}, {p.seconds / 60:.0f} minutes by the "
        f"clock (less what was heard before and kept). {p.heard:,} sounds in rooms with noise "
        "at 0 to 30 dB, noise alone among them, cut as the assistant cuts them; Whisper wrote "
        f"{p.usual:,} of them down, PocketSphinx {p.light:,}; the error model stands in for the "
        f"others. {p.epochs} epochs, {p.steps:,} steps; the weights are those of epoch "
        f"{p.best_epoch}, the best by validation material, much of it in noise of kinds that "
        "neither training nor test has. The encoders "
        f"of sound and words are {p.former:.0%} of the way back to the first run's; the image "
        "encoder and the head are its own, bit by bit."
    )


def _split(provenance: Provenance) -> str:
    rows = [
        (
            category,
            *(
                f"{by[s][1]} ({by[s][0]})" if s in by else "-"
                for s in ("train", "validation", "test")
            ),
        )
        for category, by in provenance.sizes.items()
    ]
    return "Pictures (look-alike groups) of each category:\n\n" + _table(
        ("category", "training", "validation", "held-out"), rows
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


_INTRODUCTION = """
# Model card: show-and-ask

The demo model of Edge SDK. A speaker with a camera: somebody holds a picture card up and says
something. From log-mel features, a 96x96 frame and a recogniser's transcript it tells

- `intent`: which of 12 commands and questions was meant, or `not-for-me`;
- `card`: which of 60 known cards is held up, or `nothing`;
- `category`: which of 8 kinds of thing the picture shows, also for pictures never seen.

Any of the three inputs may be missing. It exists to exercise the SDK on a real task, not to be a
product.
"""

_DATA = """
## Data

- **Pictures and human speech**: Debian package `tuxpaint-stamps-default` (GPL-2, by the Tux Paint
  project and its contributors), fetched by `python -m examples.show_and_ask.data`. Frames are
  composed: a card with a picture, procedural background, pose, light, hand, blur, sensor noise.
  The descriptions spoken by people are the `not-for-me` examples besides talk.
- **Commands and talk**: our own sentences, synthesised by espeak-ng (GPL-3), flite (BSD-like) and
  festival with kal_diphone (BSD-like), in simulated rooms with noise at 5 to 30 dB.
  In the second phase also 379 further sentences, 29 further voices of espeak-ng, and rooms at 0 to
  30 dB (white, pink, hum, babble of the training voices, bands, swelling noise, clicks).
- **Transcripts**: the sentence with simulated recognition errors (about 28 % of words), absent at
  times; in the second phase also what Whisper tiny.en and PocketSphinx wrote of such speech.

No picture or sound is part of this repository; the weights were trained on them.

The held-out set shares no look-alike group of category pictures, no espeak-ng variant, no human
recording and no background family with training; festival is heard there only, and so are all kinds
of noise but babble, which is made of the test's own voices. About half of its commands use
sentences never trained on. Card pictures are the deck's own (a closed set) in new backgrounds,
poses, light, blur, occlusion and noise.
"""

_LIMITS = """
## Limits

- The voices are synthetic but for `not-for-me`: real people giving commands, children, accents,
  far-field rooms and other languages were not tested. Much of what makes human speech `not-for-me`
  here is that it is human; a person giving a command may be refused.
- espeak-ng ignores a variant after `en-gb`: 79 of the 600 held-out samples are said by its plain
  British voice, which training has too.
- The frames are composed, not photographed. Other cameras, print and glare will differ.
- `category` is learned from some hundred drawings and photographs: see the numbers above before
  relying on it for anything.
- Whoever prints other cards has to train again; `card` is a closed set.
- The held-out set's transcripts come from an error model, not from a recogniser.
- 640 by 480 and other 4:3 frames are stretched to 96x96; frames of other shapes are stretched
  differently from what was trained on.
"""
