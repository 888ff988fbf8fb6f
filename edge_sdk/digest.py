"""SHA-256 of what a device reads, without OpenSSL.

``hashlib`` loads OpenSSL, which costs a process 4 MB of resident memory. Python's own code gives
the same digests; the standard library's ``random`` takes it from the same place.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def sha256_hex(content: bytes) -> str:
    """The SHA-256 of ``content``, as hex."""
    digest: str = _sha256(content).hexdigest()
    return digest


def _find() -> Any:
    # Its home since Python 3.12, and before; a Python can be built without either.
    for module in ("_sha2", "_sha256"):
        try:
            return import_module(module).sha256
        except ImportError:
            continue
    return import_module("hashlib").sha256


_sha256 = _find()
