"""What lies between the features of a front-end and a model's argument, as plain steps.

The steps become part of the graph (:mod:`.sources.adapt` for torch, :mod:`.sources.graph` for
ONNX), so that a device needs nothing new to run them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from edge_sdk.errors import UsageError
from edge_sdk.files import is_file
from edge_sdk.frontends.config import (
    AudioFeaturesConfig,
    FrontendsConfig,
    ImageConfig,
    TextConfig,
    VideoConfig,
)

from .spec import NATIVE, InputSpec, Modality, ModelSpec, placed

_TYPES: dict[Modality, Any] = {
    "audio": AudioFeaturesConfig,
    "image": ImageConfig,
    "text": TextConfig,
    "video": VideoConfig,
}
_DYNAMIC = {"audio": "frames", "text": "tokens"}


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of one input, in the order of the fields.

    Attributes:
        name: the argument.
        modality: whose features it takes.
        table: the model's token ids by the front-end's; empty: they are the same.
        before: token ids put in front.
        after: token ids put behind.
        length: frames or tokens to pad or cut to; None: any number.
        keep: which part stays.
        shortest: the fewest frames or tokens that the model takes.
        longest: the most that the front-end gives.
        pad: the value that pads.
        dropped: axes of the features, each of length 1, that the argument does not have.
        order: the other axes in the argument's order.
        ones: where axes of length 1 are then put in, rising.
        dtype: of the argument.
        shape: of the features; None is the axis of any length.
        ids: how many token ids the front-end knows.
    """

    name: str
    modality: Modality
    table: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    length: int | None = None
    keep: Literal["first", "last"] = "first"
    shortest: int = 1
    longest: int = 1
    pad: float = 0.0
    dropped: tuple[int, ...] = ()
    order: tuple[int, ...]
    ones: tuple[int, ...] = ()
    dtype: Literal["float32", "int64", "int32"] = "float32"
    shape: tuple[int | None, ...]
    ids: int = 0

    @property
    def axis(self) -> str | None:
        """The name of the features' axis 1 where it has any length."""
        return _DYNAMIC.get(self.modality)

    @property
    def moving(self) -> bool:
        """Whether the features have several lengths."""
        return self.axis is not None and self.longest > 1


def frontends_and_wants(spec: ModelSpec, folder: Path) -> tuple[FrontendsConfig, tuple[Want, ...]]:
    """The front-ends of a spec and the steps of its inputs; files lie in ``folder``.

    Raises:
        UsageError: a front-end's parameters are wrong, or a vocabulary is missing or lacks an
            entry.
    """
    configs: dict[str, Any] = {}
    wants = []
    for i, entry in enumerate(spec.inputs):
        place = f"inputs[{i}]"
        fields = dict(entry.frontend)
        table: tuple[int, ...] = ()
        ids: dict[str, int] = {}
        if entry.modality == "text":
            tokens = _vocabulary(entry, folder, place)
            fields["vocabulary"], table = _front(entry, tokens, place)
            ids = {token: number for number, token in enumerate(tokens)}
        elif entry.range is not None:
            _set_range(fields, entry)
        config = _config(entry.modality, fields, place)
        configs[entry.modality] = config
        wants.append(_want(entry, config, table, ids, place))
    return FrontendsConfig(**configs), tuple(wants)


def _config(modality: Modality, fields: dict[str, Any], place: str) -> Any:
    try:
        return msgspec.convert(fields, _TYPES[modality])
    except msgspec.ValidationError as error:
        where = placed(error, f"{place}.frontend")
        raise UsageError(f"The model spec is wrong: {where}.") from error


def _set_range(fields: dict[str, Any], entry: InputSpec) -> None:
    assert entry.range is not None
    low, high = entry.range
    # The front-end computes (pixel / 255 - mean) / std.
    values = {"mean": [-low / (high - low)] * 3, "std": [1 / (high - low)] * 3}
    if entry.modality == "video":
        fields["frame"] = {**fields.get("frame", {}), **values}
    else:
        fields.update(values)


def _vocabulary(entry: InputSpec, folder: Path, place: str) -> list[str]:
    path = folder / (entry.vocabulary or "")
    if not is_file(path):
        raise UsageError(f"The model spec is wrong: at {place}.vocabulary: no file {path}.")
    try:
        tokens = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"The vocabulary {path} is not UTF-8 text.") from error
    for field in ("padding", "unknown", "before", "after"):
        value = getattr(entry, field)
        for token in (value,) if isinstance(value, str) else value:
            if token not in tokens:
                raise UsageError(
                    f"The model spec is wrong: at {place}.{field}: {path.name} has no {token!r}; "
                    f"name the entry that the model knows as its {field}."
                )
    return tokens


def _front(
    entry: InputSpec, tokens: Sequence[str], place: str
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The front-end's vocabulary, ``[pad]`` and ``[unk]`` first, and the model's id of each."""
    special = (entry.padding, entry.unknown)
    if entry.padding == entry.unknown:
        raise UsageError(f"The model spec is wrong: at {place}.padding: it is also unknown.")
    rest = [(i, token) for i, token in enumerate(tokens) if token not in special]
    table = (*(tokens.index(token) for token in special), *(i for i, _ in rest))
    vocabulary = ("[pad]", "[unk]", *(token for _, token in rest))
    return vocabulary, () if table == tuple(range(len(table))) else table


def _want(
    entry: InputSpec, config: Any, table: tuple[int, ...], ids: dict[str, int], place: str
) -> Want:
    native = NATIVE[entry.modality]
    layout = entry.layout or native
    axes = [letter for letter in native if letter in layout]
    text = entry.modality == "text"
    want = Want(
        name=entry.name,
        modality=entry.modality,
        table=table,
        before=tuple(ids[token] for token in entry.before),
        after=tuple(ids[token] for token in entry.after),
        length=entry.length,
        keep=entry.keep,
        shortest=entry.shortest,
        longest=_longest(entry.modality, config),
        pad=float(ids[entry.padding]) if text else entry.pad,
        dropped=tuple(i for i, letter in enumerate(native) if letter not in layout),
        order=tuple(axes.index(letter) for letter in layout if letter != "1"),
        ones=tuple(i for i, letter in enumerate(layout) if letter == "1"),
        dtype=entry.dtype if text else "float32",
        shape=_shape(entry.modality, config),
        ids=len(config.vocabulary) if text else 0,
    )
    if want.longest < want.shortest:
        raise UsageError(
            f"The model spec is wrong: at {place}.shortest: the front-end gives at most "
            f"{want.longest} {want.axis}."
        )
    return want


def _longest(modality: Modality, config: Any) -> int:
    if modality == "audio":
        samples = int(config.max_seconds * config.rate)
        return max(1, int(1 + (samples - config.window) // config.hop))
    return int(config.max_tokens) if modality == "text" else 1


def _shape(modality: Modality, config: Any) -> tuple[int | None, ...]:
    if modality == "audio":
        return 1, None, config.bands
    if modality == "image":
        return 1, 3, config.height, config.width
    if modality == "text":
        return 1, None
    return 1, config.frames, 3, config.frame.height, config.frame.width
