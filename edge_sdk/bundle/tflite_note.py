"""What a TFLite artefact says about itself: its interface as the outside sees it.

The note is one JSON object in the file's own metadata, so an artefact can be run from its bytes
alone. It is read here without the format's library: a device need not have more than an
interpreter.
"""

from __future__ import annotations

import struct

import msgspec

from ..errors import BundleError
from .fixed_length import FixedLength
from .manifest import TensorSpec

#: The name of the metadata entry.
NOTE = "edge-sdk.interface"
# Fields of the tables ``Model``, ``Metadata`` and ``Buffer`` of the TFLite schema, by position.
_MODEL_BUFFERS, _MODEL_METADATA = 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA = 0


class TfliteNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The interface of a TFLite artefact.

    Attributes:
        inputs: the inputs a caller gives; a string in a shape names an axis of any length. The
            graph's own dtype may be narrower (int32 for int64).
        outputs: what a caller gets.
        fixed: the inputs that are padded inside.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    fixed: tuple[FixedLength, ...] = ()


def encode_note(note: TfliteNote) -> bytes:
    """The bytes of the metadata entry."""
    return msgspec.json.encode(note)


def read_note(content: bytes) -> TfliteNote | None:
    """The note in the bytes of a ``.tflite`` file; None where there is none.

    Raises:
        BundleError: the file or its note is damaged.
    """
    try:
        found = _metadata(content, NOTE.encode())
        return None if found is None else msgspec.json.decode(found, type=TfliteNote)
    except (struct.error, IndexError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"The TFLite file or its description is damaged: {error}.") from error


def _metadata(content: bytes, name: bytes) -> bytes | None:
    model = _u32(content, 0)
    for entry in _tables(content, _field(content, model, _MODEL_METADATA)):
        at = _field(content, entry, _METADATA_NAME)
        if at is not None and _vector(content, at) == name:
            index = _field(content, entry, _METADATA_BUFFER)
            # a field of value 0 is not stored
            number = 0 if index is None else _u32(content, index)
            buffer = _tables(content, _field(content, model, _MODEL_BUFFERS))[number]
            data = _field(content, buffer, _BUFFER_DATA)
            return b"" if data is None else _vector(content, data)
    return None


def _u32(content: bytes, at: int) -> int:
    value: int = struct.unpack_from("<I", content, at)[0]
    return value


def _field(content: bytes, table: int, number: int) -> int | None:
    """Where a table's field stands, by its number in the schema; None where it is absent."""
    vtable = table - int(struct.unpack_from("<i", content, table)[0])
    size = struct.unpack_from("<H", content, vtable)[0]
    slot = 4 + 2 * number
    if slot >= size:
        return None
    offset = struct.unpack_from("<H", content, vtable + slot)[0]
    return table + offset if offset else None


def _vector(content: bytes, field: int) -> bytes:
    """The bytes of a string or byte vector that a field points to."""
    start = field + _u32(content, field)
    return content[start + 4 : start + 4 + _u32(content, start)]


def _tables(content: bytes, field: int | None) -> list[int]:
    """Where the tables of a vector of tables stand."""
    if field is None:
        return []
    start = field + _u32(content, field)
    places = range(start + 4, start + 4 + 4 * _u32(content, start), 4)
    return [place + _u32(content, place) for place in places]
