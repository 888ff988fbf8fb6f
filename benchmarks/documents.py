"""Results as files: one JSON object with its kind and its schema's number."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edge_sdk.errors import DataError
from edge_sdk.files import replacing

T = TypeVar("T")


def write_document(document: Any, path: Path) -> None:
    """Write as JSON, aside first.

    Raises:
        StorageError: the place cannot be written or is full.
    """
    with replacing(path) as aside:
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def read_document(path: str | Path, kind: str, wanted: type[T], schema: int) -> T:
    """Read and check what :func:`write_document` wrote.

    Args:
        path: the file.
        kind: what it must say that it is.
        wanted: its type.
        schema: the largest number that this version reads.

    Raises:
        DataError: there is no such file, it is of another kind or a newer schema, or damaged.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"The {kind} {path} cannot be read: {error.strerror}.") from error
    return decode_document(content, str(path), kind, wanted, schema)


def decode_document(content: bytes, where: str, kind: str, wanted: type[T], schema: int) -> T:
    """As :func:`read_document`, from the bytes of what is called ``where``."""
    article = "an" if kind[0] in "aeiou" else "a"
    try:
        about = msgspec.json.decode(content, type=_About)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{where} is not {article} {kind} of edge-sdk: {error}.") from error
    if about.kind not in (kind, ""):
        raise DataError(
            f"{where} is not {article} {kind} of edge-sdk: it says that it is {about.kind!r}."
        )
    if about.schema > schema:
        raise DataError(
            f"{where} has {kind} schema {about.schema} and this version reads up to {schema}; "
            "install a newer edge-sdk."
        )
    try:
        return msgspec.json.decode(content, type=wanted)
    except msgspec.DecodeError as error:
        raise DataError(f"The {kind} {where} is damaged: {error}.") from error


class _About(msgspec.Struct):
    schema: int
    kind: str = ""
