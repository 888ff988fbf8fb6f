"""The digest is SHA-256, and costs no OpenSSL."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.digest import sha256_hex


@given(st.binary(max_size=300))
def test_it_is_sha256(content: bytes) -> None:
    assert sha256_hex(content) == hashlib.sha256(content).hexdigest()


def test_a_session_does_not_load_openssl() -> None:
    # Older versions of numpy load it by themselves.
    code = (
        "import sys, click, msgspec, numpy\n"
        "before = '_hashlib' in sys.modules\n"
        "import edge_sdk.runtimes.session\n"
        "sys.exit(('_hashlib' in sys.modules) != before)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
