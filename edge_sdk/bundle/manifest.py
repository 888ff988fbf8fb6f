"""The manifest: everything a bundle says about itself, typed, in one JSON file.

Readers refuse a newer ``schema`` and unknown fields; a field that readers may ignore is added
with a default, anything else raises :data:`SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from ..digest import sha256_hex
from ..errors import BundleError
from ..frontends import REVISIONS, FrontendsConfig, frontends_hash
from ..targets import Precision, TargetProfile

SCHEMA = 1
MANIFEST = "manifest.json"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TensorSpec(_Entry, frozen=True, kw_only=True):
    """One input or output of a graph; a string in ``shape`` names an axis of any length."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


class FloatShare(_Entry, frozen=True, kw_only=True):
    """What stayed floating point in an int8 graph: nodes by operator, shares from 0 to 1."""

    nodes: dict[str, int]
    weights: float
    macs: float


class ShapeRange(_Entry, frozen=True, kw_only=True):
    """The shapes of an input that an engine compiled from a graph is to accept and to prefer."""

    input: str
    smallest: tuple[int, ...]
    usual: tuple[int, ...]
    largest: tuple[int, ...]


class StateSpec(_Entry, frozen=True, kw_only=True):
    """What a graph carries from one step of a stream to the next: zeros before the first."""

    input: str
    output: str
    shape: tuple[int, ...]
    dtype: Literal["float32"] = "float32"


class Streaming(_Entry, frozen=True, kw_only=True):
    """How an encoder is run step by step along a stream.

    Attributes:
        file: the graph, which may be the variant's own: then its states may be left out, and it
            answers for a whole sequence.
        frames: how many frames a step takes.
        multiples: whether a step may take any multiple of that.
        states: what is given with a step and handed on to the next, by name; each state is one
            more input and one more output than the part has.
    """

    file: str
    frames: int
    multiples: bool
    states: tuple[StateSpec, ...]


class Variant(_Entry, frozen=True, kw_only=True):
    """One graph of a part, for one engine at one precision.

    ``shapes`` says what an engine that is compiled on the device is to accept; ``parameters``
    is how many weights a graph has that was pruned; ``streaming`` is how an encoder runs along a
    stream, where it can.
    """

    engine: str
    precision: Precision
    file: str
    parameters: int | None = None
    stayed_float: FloatShare | None = None
    shapes: tuple[ShapeRange, ...] = ()
    streaming: Streaming | None = None


class Part(_Entry, frozen=True, kw_only=True):
    """An encoder of one modality (features to embedding) or the head.

    The head takes one input a modality, called by its name: the embedding, or the features
    where the modality has no encoder. If it also takes ``mask``, float32 ``[1, modalities]``,
    a modality may be missing: its embedding is zeros then. ``shortest`` is, for an input that
    needs some, the fewest steps along its axis of any length.
    """

    name: str
    role: Literal["encoder", "head"]
    parameters: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    variants: tuple[Variant, ...]
    shortest: dict[str, int] = {}


class Head(_Entry, frozen=True, kw_only=True):
    """One question the model answers: the output of this name of the part ``head``.

    A ``classification`` has a value for each label; a ``binary`` head one value, for its second
    label. ``output`` says whether the graph gives logits, or probabilities already.
    """

    name: str
    labels: tuple[str, ...]
    task: Literal["classification", "binary"] = "classification"
    output: Literal["logits", "probabilities"] = "logits"


class Score(_Entry, frozen=True, kw_only=True):
    """Quality of one head on the evaluation samples that carry its label; all from 0 to 1."""

    accuracy: float
    macro_f1: float


class HeadQuality(_Entry, frozen=True, kw_only=True):
    """fp32 against what is shipped; ``agreement`` is the share of equal labels."""

    samples: int
    fp32: Score
    shipped: Score
    agreement: float

    @property
    def drop(self) -> float:
        """Points lost: of macro-F1, or without labels the share of other answers."""
        if not self.samples:
            return 100 * (1 - self.agreement)
        return 100 * (self.fp32.macro_f1 - self.shipped.macro_f1)


class Quality(_Entry, frozen=True, kw_only=True):
    """The gate's result. Without labels in the evaluation data only agreement is known."""

    source: Literal["evaluation set", "held-out share of the calibration set", "calibration set"]
    samples: int
    max_drop: float
    heads: dict[str, HeadQuality]


# The rung of the editions that a target's engines are chosen by.
FULL = "full"


class Edition(_Entry, frozen=True, kw_only=True):
    """The model as one engine runs it: the variant of each part, and what it lost.

    ``parts`` maps a part to the file of its variant. A part that the engine cannot express
    names another engine's variant here; ``fallbacks`` says why, by part.

    ``rung`` is its place on the manifest's ladder; ``engine`` is whose edition it is (empty: its
    name in the manifest). ``modalities`` are those it answers on (empty: all); it then has the
    encoders of these alone, and its quality was measured on these alone.
    """

    parts: dict[str, str]
    quality: Quality
    fallbacks: dict[str, str] = {}
    rung: str = FULL
    engine: str = ""
    modalities: tuple[str, ...] = ()


class Tolerance(_Entry, frozen=True, kw_only=True):
    """How far a result may be from its golden value and still be right.

    A stage passes if its largest absolute error is at most ``max_abs`` or its signal-to-error
    ratio is at least ``min_snr_db``.
    """

    max_abs: float
    min_snr_db: float


class Tolerances(_Entry, frozen=True, kw_only=True):
    """Per kind of stage: front-end features, and graphs by precision; probabilities at the end.

    ``cancelled_int8`` is for the probabilities of an int8 head whose outputs nearly cancel; see
    :mod:`edge_sdk.bundle.golden_output`.
    """

    features: Tolerance = Tolerance(max_abs=1e-3, min_snr_db=60.0)
    fp32: Tolerance = Tolerance(max_abs=1e-4, min_snr_db=60.0)
    fp16: Tolerance = Tolerance(max_abs=1e-3, min_snr_db=40.0)
    int8: Tolerance = Tolerance(max_abs=1e-3, min_snr_db=20.0)
    probability_fp32: float = 1e-3
    probability_fp16: float = 0.02
    probability_int8: float = 0.1
    # What 20 dB, an error of 0.1 at a logit of 1, does to a probability at most.
    cancelled_int8: float = 0.025

    def stage(self, precision: Precision) -> Tolerance:
        """For a graph of this precision."""
        if precision == "fp32":
            return self.fp32
        return self.fp16 if precision == "fp16" else self.int8

    def probability(self, precisions: Iterable[Precision]) -> float:
        """For the probabilities at the end of parts of these precisions."""
        kinds = set(precisions)
        if kinds <= {"fp32"}:
            return self.probability_fp32
        return self.probability_fp16 if kinds <= {"fp32", "fp16"} else self.probability_int8


class GoldenSample(_Entry, frozen=True, kw_only=True):
    """Inputs as a device meets them, and the files with the expected value of every stage.

    ``features`` holds what the front-ends give, ``expected`` by edition what the graphs give.
    """

    id: str
    audio: str | None = None
    image: str | None = None
    text: str | None = None
    video: str | None = None
    features: str
    expected: dict[str, str]

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities the sample has."""
        names = ("audio", "image", "text", "video")
        return tuple(name for name in names if getattr(self, name) is not None)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the bundle that the sample names."""
        sources = (name for name in (self.audio, self.image, self.video) if name is not None)
        return (*sources, self.features, *self.expected.values())


class Provenance(_Entry, frozen=True, kw_only=True, omit_defaults=True):
    """Where the bundle comes from: digests (SHA-256), sample counts, tool versions.

    ``recovery`` is the set that its weights were trained on in the conversion, empty where they
    are the checkpoint's.
    """

    checkpoint: str
    calibration: str
    calibration_samples: int
    evaluation: str
    evaluation_samples: int
    tools: dict[str, str]
    recovery: str = ""
    recovery_samples: int = 0


class File(_Entry, frozen=True, kw_only=True):
    """SHA-256 (hex) and size in bytes of one file of the bundle."""

    sha256: str
    size: int


class Manifest(_Entry, frozen=True, kw_only=True):
    """The content of ``manifest.json``; ``digest`` is the SHA-256 of all the rest of it.

    ``ladder`` names the rungs that editions stand on, from the costliest, which is ``full``, to
    the cheapest. The edition of an engine on the rung ``full`` has the engine's name, on any other
    rung ``<engine>.<rung>``.
    """

    schema: int
    name: str
    target: TargetProfile
    frontends: FrontendsConfig
    frontends_hash: str
    parts: tuple[Part, ...]
    heads: tuple[Head, ...]
    editions: dict[str, Edition]
    tolerances: Tolerances
    golden: tuple[GoldenSample, ...]
    provenance: Provenance
    files: dict[str, File]
    ladder: tuple[str, ...] = (FULL,)
    digest: str = ""

    @property
    def preferred(self) -> str:
        """The edition that the target prefers."""
        return next(iter(self.ordered_editions()))

    @property
    def quality(self) -> Quality:
        """What the preferred edition lost."""
        return self.editions[self.preferred].quality

    def ordered_editions(self) -> tuple[str, ...]:
        """The editions on the rung ``full``, in the target's order of preference."""
        full = {name for name, edition in self.editions.items() if edition.rung == FULL}
        known = [name for name in self.target.engines if name in full]
        return (*known, *sorted(full - set(known)))

    def rungs(self, engine: str) -> dict[str, str]:
        """The names of an engine's editions by rung, from the costliest to the cheapest."""
        names = {rung: engine if rung == FULL else f"{engine}.{rung}" for rung in self.ladder}
        return {rung: name for rung, name in names.items() if name in self.editions}

    def all_editions(self) -> tuple[str, ...]:
        """The names of all editions: by engine in order of preference, then by rung."""
        return tuple(n for engine in self.ordered_editions() for n in self.rungs(engine).values())

    def modalities_of(self, edition: str) -> tuple[str, ...]:
        """The modalities that an edition answers on, in the order of the front-ends."""
        return self.editions[edition].modalities or self.frontends.modalities

    def parts_of(self, edition: str) -> tuple[Part, ...]:
        """The parts that an edition has."""
        return tuple(part for part in self.parts if part.name in self.editions[edition].parts)

    def variant(self, part: Part, edition: str) -> Variant:
        """The variant of ``part`` in an edition."""
        file = self.editions[edition].parts[part.name]
        return next(variant for variant in part.variants if variant.file == file)

    @property
    def encoders(self) -> tuple[Part, ...]:
        """The encoders, in the order of the head's inputs."""
        return tuple(part for part in self.parts if part.role == "encoder")

    @property
    def head(self) -> Part:
        """The part that fuses."""
        return next(part for part in self.parts if part.role == "head")


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of ``manifest.json``, with its digest filled in."""
    # Through JSON and back, so that what is sealed is what a reader will see (1 becomes 1.0).
    blank = msgspec.json.encode(msgspec.structs.replace(manifest, digest=""))
    content = msgspec.json.encode(msgspec.json.decode(blank, type=Manifest))
    sealed = msgspec.json.decode(content) | {"digest": _digest(content)}
    return msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n"


def decode_manifest(content: bytes, where: str) -> Manifest:
    """Read and check ``manifest.json``.

    Raises:
        BundleError: malformed, altered, of a newer schema, without the parts it needs, or
            made with front-ends that this version does not have.
    """
    try:
        schema = msgspec.json.decode(content, type=_Schema).schema
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"The manifest of {where} is damaged: {error}.") from error
    if schema > SCHEMA:
        raise BundleError(
            f"{where} has manifest schema {schema} and this version reads up to {SCHEMA}; "
            "install a newer edge-sdk."
        )
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"The manifest of {where} is damaged: {error}.") from error
    if manifest.digest != _digest(content):
        raise BundleError(f"The manifest of {where} has been altered: its digest does not fit.")
    if sum(part.role == "head" for part in manifest.parts) != 1:
        raise BundleError(f"The manifest of {where} must name one head.")
    if manifest.frontends_hash != frontends_hash(manifest.frontends):
        names = ", ".join(f"{n} {REVISIONS[n]}" for n in manifest.frontends.modalities)
        raise BundleError(
            f"{where} was made with front-ends that this version cannot reproduce "
            f"(here: {names}); install the edge-sdk it was made with, or convert it again."
        )
    return manifest


class _Schema(msgspec.Struct):
    schema: int


def _digest(content: bytes) -> str:
    """Over the JSON as it stands, not as this version reads it: later fields have defaults."""
    fields = msgspec.json.decode(content) | {"digest": ""}
    return sha256_hex(msgspec.json.encode(fields, order="sorted"))
