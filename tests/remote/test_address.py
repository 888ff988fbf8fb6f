"""Addresses of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import UsageError
from edge_sdk.remote import Address, parse_address


@pytest.mark.parametrize(("text", "expected"), [
    ("ssh://rpi5", Address(host="rpi5")),
    ("ssh://rpi5/", Address(host="rpi5")),
    ("ssh://pi@rpi5", Address(host="rpi5", user="pi")),
    ("ssh://pi@rpi5.local:2222", Address(host="rpi5.local", user="pi", port=2222)),
    ("ssh://pi@Rack-3/srv/edge/", Address(host="Rack-3", user="pi", folder="/srv/edge")),
    ("ssh://rpi5/~/models/a b", Address(host="rpi5", folder="models/a b")),
    ("ssh://pi@[fe80::1]:22/srv/x", Address(host="fe80::1", user="pi", port=22, folder="/srv/x")),
])  # fmt: skip
def test_an_address_names_host_user_port_and_folder(text: str, expected: Address) -> None:
    assert parse_address(text) == expected
    assert parse_address(str(expected)) == expected


@pytest.mark.parametrize("text", [
    "", "rpi5", "http://rpi5", "ssh://", "ssh:///srv", "ssh://pi:secret@rpi5", "ssh://rpi5:99999",
    "ssh://rpi5:x", "ssh://-oProxyCommand=x/", "ssh://-x@rpi5", "ssh://rpi5/srv/../etc",
    "ssh://rpi5//", "ssh://a b", "ssh://rpi5/a%00b", "ssh://rpi5/x?y=1",
])  # fmt: skip
def test_what_is_no_address_is_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        parse_address(text)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        found = parse_address(f"ssh://{text}")
    except UsageError:
        return
    # What is handed to ssh is never an option of it.
    assert not found.host.startswith("-")
    assert not (found.user or "").startswith("-")
