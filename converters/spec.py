"""``model.toml``: what a model of the user's own takes, answers, and where it can be cut.

Every type here is plain data; :mod:`.wants` turns an input into the steps between the
front-end's features and the model's argument.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edge_sdk.bundle.manifest import Head
from edge_sdk.errors import UsageError
from edge_sdk.files import is_file

Modality = Literal["audio", "image", "text", "video"]
Count = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.\-]*$")]
#: The axes of each modality's features, as the front-ends give them: batch, frames (time),
#: bands (features), channels, height, width, tokens (letters).
NATIVE: dict[Modality, str] = {"audio": "NTF", "image": "NCHW", "text": "NL", "video": "NTCHW"}


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class InputSpec(_Table, frozen=True, kw_only=True):
    """One argument of the model.

    Attributes:
        name: the argument's name; the order of the inputs is the order of the arguments.
        modality: what it takes; at most one input a modality.
        frontend: the front-end's parameters, fields of ``edge_sdk.frontends.config``.
        layout: the order of the axes, letters of :data:`NATIVE`; ``1`` is an axis of length 1,
            and a layout without ``N`` has no batch axis. A waveform has one band, so ``F`` may be
            left out too. Absent: as the front-end gives it.
        range: what a pixel of 0 and of 255 is to become (image and video), instead of the
            front-end's ``mean`` and ``std``.
        length: frames or tokens that the model takes; absent: any number.
        keep: where a longer input is cut to ``length``: its ``first`` part stays and a shorter
            one is padded behind, or its ``last`` part stays and it is padded in front.
        shortest: the fewest frames or tokens the model takes (a convolution without padding
            needs some); a shorter input is refused.
        pad: the feature value that pads audio (text is padded with ``padding``).
        vocabulary: a file beside the spec, one token a line, in the order of the model's ids.
        padding: its entry that pads.
        unknown: its entry that stands for what it does not have.
        before: entries put before every text.
        after: entries put behind every text.
        dtype: the type of the token ids.
    """

    name: Name
    modality: Modality
    frontend: dict[str, Any] = {}
    layout: str | None = None
    range: tuple[float, float] | None = None
    length: Count | None = None
    keep: Literal["first", "last"] = "first"
    shortest: Count = 1
    pad: float = 0.0
    vocabulary: str | None = None
    padding: str = "[pad]"
    unknown: str = "[unk]"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    dtype: Literal["int64", "int32"] = "int64"


class OutputSpec(_Table, frozen=True, kw_only=True):
    """One answer of the model.

    Attributes:
        name: what the answer is called.
        labels: of a ``binary`` answer the one for 0 first.
        task: ``classification`` has a value for each label, ``binary`` one value.
        output: what the values are.
        key: the entry of the model's result if it gives a dictionary, or the name of an ONNX
            graph's output; absent: its outputs are taken in order.
    """

    name: Name
    labels: Annotated[tuple[str, ...], Meta(min_length=2)]
    task: Literal["classification", "binary"] = "classification"
    output: Literal["logits", "probabilities"] = "logits"
    key: str | None = None

    @property
    def head(self) -> Head:
        """The answer as the manifest has it."""
        return Head(name=self.name, labels=self.labels, task=self.task, output=self.output)


class StreamingSpec(_Table, frozen=True, kw_only=True):
    """One step of an audio encoder, where its layers do not show how it streams.

    Attributes:
        step: the path of a submodule or method; it takes ``frames`` new frames in the layout of
            the input, and the states, and gives the embedding as of now and the new states.
        frames: of a step.
        states: the shape of each state, float32; zeros at first.
    """

    step: str
    frames: Count
    states: Annotated[tuple[tuple[Count, ...], ...], Meta(min_length=1)]


class PartsSpec(_Table, frozen=True, kw_only=True):
    """Where the model can be cut: paths of submodules or methods, ``path:key`` for an entry.

    Attributes:
        encoders: by input name, what takes that input alone and gives its embedding.
        head: what takes, in the order of the inputs, the embedding of each input with an encoder
            and the input itself of the others, and gives the outputs.
        mask: whether the head takes, last, float32 ``[1, inputs]``: 1 for what is there. Then
            inputs may be missing; every input needs an encoder.
        streaming: by name of an audio input with an encoder, that encoder a step at a time.
    """

    encoders: dict[str, str]
    head: str
    mask: bool = False
    streaming: dict[str, StreamingSpec] = {}


class ModelSpec(_Table, frozen=True, kw_only=True):
    """A model of the user's own."""

    name: Name
    inputs: Annotated[tuple[InputSpec, ...], Meta(min_length=1)]
    outputs: Annotated[tuple[OutputSpec, ...], Meta(min_length=1)]
    parts: PartsSpec | None = None


def read_spec(path: str | Path) -> ModelSpec:
    """Read and check a ``model.toml``; vocabularies are read later, by :mod:`.wants`.

    Raises:
        UsageError: it is missing, is no TOML, or says something that cannot be; the sentence
            has the place in the file.
    """
    path = Path(path)
    if not is_file(path):
        raise UsageError(f"There is no model spec at {path}.")
    try:
        spec = msgspec.toml.decode(path.read_bytes(), type=ModelSpec)
    except msgspec.ValidationError as error:
        raise UsageError(f"The model spec {path} is wrong: {placed(error)}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The model spec {path} is not TOML: {error}.") from error
    problem = _problem(spec)
    if problem:
        raise UsageError(f"The model spec {path} is wrong: {problem}.")
    return spec


def placed(error: Exception, within: str = "") -> str:
    """The sentence of a msgspec error with its place in the TOML first."""
    what, _, place = str(error).partition(" - at `$")
    place = (within + place.rstrip("`")).lstrip(".")
    what = what[:1].lower() + what[1:]
    return f"at {place}: {what}" if place else what


def _problem(spec: ModelSpec) -> str | None:
    """What is wrong beyond types, as words."""
    for kind, names in (
        ("inputs", [i.name for i in spec.inputs]),
        ("inputs", [str(i.modality) for i in spec.inputs]),
        ("outputs", [o.name for o in spec.outputs]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            return f"at {kind}: {', '.join(twice)} is there twice"
    for i, entry in enumerate(spec.inputs):
        problem = _input_problem(entry)
        if problem:
            return f"at inputs[{i}].{problem}"
    for i, output in enumerate(spec.outputs):
        if len(set(output.labels)) != len(output.labels):
            return f"at outputs[{i}].labels: a label is there twice"
        if output.task == "binary" and len(output.labels) != 2:
            return (
                f"at outputs[{i}].labels: a binary answer has two labels, the one for 0 first, "
                f"not {len(output.labels)}"
            )
    return _parts_problem(spec)


def _input_problem(entry: InputSpec) -> str | None:
    native = NATIVE[entry.modality]
    if entry.layout is not None:
        letters = entry.layout.replace("1", "")
        waveform = entry.frontend.get("features") == "waveform"
        optional = "NF" if waveform else "N"
        needed = set(native) - set(optional)
        if len(set(letters)) != len(letters) or not needed <= set(letters) <= set(native):
            return (
                f"layout: {entry.layout!r} is no order of the axes {native} of "
                f"{'a waveform' if waveform else entry.modality} (each once; "
                f"{' and '.join(optional)} may be left out; 1 adds an axis of length 1)"
            )
    if entry.modality in ("image", "video"):
        if entry.length is not None or entry.shortest != 1:
            return f"length: {entry.modality} has a fixed size; set it in frontend"
    elif entry.range is not None:
        return "range: it is for pixels; audio features take mean and scale in frontend"
    if entry.range is not None and (
        not entry.range[0] < entry.range[1] or {"mean", "std"} & entry.frontend.keys()
    ):
        return "range: it must rise, and stands instead of mean and std in frontend"
    if (entry.modality == "text") != (entry.vocabulary is not None):
        return "vocabulary: text needs the name of a file beside the spec, and nothing else may"
    if entry.length is not None and entry.shortest > entry.length:
        return "shortest: it is more than length"
    return None


def _parts_problem(spec: ModelSpec) -> str | None:
    if spec.parts is None:
        return None
    names = [entry.name for entry in spec.inputs]
    unknown = sorted(set(spec.parts.encoders) - set(names))
    if unknown:
        return f"at parts.encoders: {', '.join(unknown)} is no input; there are {', '.join(names)}"
    if spec.parts.mask and set(spec.parts.encoders) != set(names):
        return "at parts.mask: a head with a mask needs an encoder for every input"
    for name in spec.parts.streaming:
        entry = next((entry for entry in spec.inputs if entry.name == name), None)
        if name not in spec.parts.encoders or entry is None or entry.modality != "audio":
            return f"at parts.streaming: {name} is no audio input with an encoder"
        if entry.length is not None:
            return f"at parts.streaming: {name} has a fixed length, and a stream has none"
    return None
