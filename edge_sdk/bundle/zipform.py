"""The one form a bundle's zip has: the same files give the same bytes, in every version."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ..errors import StorageError

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
END_MARK, END_SIZE = b"PK\5\6", _END.size
_VERSION, _UNIX, _PLAIN_FILE = 20, 3 << 8, 0o100644 << 16
_UTF8_NAME = 0x800
# The oldest date a zip can hold, 1980-01-01: bundles carry no clock time.
_DATE = 0x21
_LARGEST = 0xFFFFFFFF


def zip_form(members: Sequence[tuple[str, int, int]]) -> tuple[list[bytes], bytes]:
    """What stands before each of ``members`` (name, size, CRC-32), and what stands at the end.

    Raises:
        StorageError: a zip without extensions cannot hold so much.
    """
    total = sum(size + len(name.encode()) + _LOCAL.size for name, size, _ in members)
    if total > _LARGEST or len(members) > 0xFFFF:
        raise StorageError(
            f"The bundle's {total / 1e9:.1f} GB in {len(members)} files are too much for one "
            ".edge file; name an output without .edge to write a folder."
        )
    heads, records, offset = [], [], 0
    for name, size, crc in members:
        raw = name.encode()
        flags = 0 if name.isascii() else _UTF8_NAME
        common = (_VERSION, flags, 0, 0, _DATE, crc, size, size, len(raw))
        heads.append(_LOCAL.pack(b"PK\3\4", *common, 0) + raw)
        place = (0, 0, 0, 0, _PLAIN_FILE, offset)
        records.append(_CENTRAL.pack(b"PK\1\2", _UNIX | _VERSION, *common, *place) + raw)
        offset += len(heads[-1]) + size
    directory = b"".join(records)
    counts = (0, 0, len(members), len(members), len(directory), offset, 0)
    return heads, directory + _END.pack(END_MARK, *counts)
