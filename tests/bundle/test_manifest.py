"""The manifest: what is written is what is read, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_sdk.bundle import manifest as module
from edge_sdk.bundle.manifest import (
    SCHEMA,
    FloatShare,
    GoldenSample,
    Head,
    HeadQuality,
    Manifest,
    Score,
    TensorSpec,
    decode_manifest,
    encode_manifest,
)
from edge_sdk.errors import BundleError
from edge_sdk.frontends import REVISIONS, frontends_hash
from edge_sdk.frontends.config import AudioFeaturesConfig, FrontendsConfig, ImageConfig, TextConfig
from edge_sdk.targets import Budgets, Int8Scheme, TargetProfile

from ..bundles import manifest_of

NAMES = st.text(min_size=1, max_size=12)
SHARES = st.floats(0, 1)
NUMBERS = st.integers(0, 2**53)
VOCABULARIES = st.lists(NAMES, max_size=5, unique=True).map(
    lambda words: ("[pad]", "[unk]", *(w for w in words if w not in ("[pad]", "[unk]")))
)
FRONTENDS = st.builds(
    FrontendsConfig,
    audio=st.builds(
        AudioFeaturesConfig,
        bands=st.integers(1, 128),
        mean=st.floats(-20, 20),
        scale=st.sampled_from([1, 1.0, 0.25, 1e-3]),  # 1 is written as an integer
        remove_dc=st.booleans(),
    ),
    image=st.none() | st.builds(ImageConfig, background=st.tuples(*[st.integers(0, 255)] * 3)),
    text=st.none() | st.builds(TextConfig, vocabulary=VOCABULARIES),
)
QUALITIES = st.builds(
    HeadQuality,
    samples=NUMBERS,
    fp32=st.builds(Score, accuracy=SHARES, macro_f1=SHARES),
    shipped=st.builds(Score, accuracy=SHARES, macro_f1=SHARES),
    agreement=SHARES,
)
TARGETS = st.builds(
    TargetProfile,
    name=NAMES,
    description=st.text(max_size=20),
    arch=st.sampled_from(["x86_64", "aarch64"]),
    cpu=NAMES,
    features=st.lists(NAMES, max_size=3).map(tuple),
    cores=st.integers(1, 64),
    memory_mb=st.integers(1, 1 << 20),
    int8=st.builds(Int8Scheme, reduce_range=st.booleans()),
    budgets=st.builds(Budgets, max_drop=st.floats(0, 100), max_size=st.none() | st.just("4MB")),
)
HEADS = st.lists(
    st.builds(Head, name=NAMES, labels=st.lists(NAMES, max_size=4).map(tuple)), max_size=3
)
GOLDEN = st.lists(
    st.builds(
        GoldenSample,
        id=NAMES,
        audio=st.none() | NAMES,
        text=st.none() | st.text(),
        features=NAMES,
        expected=st.dictionaries(NAMES, NAMES, max_size=2),
    ),
    max_size=3,
)


@pytest.fixture(scope="session")
def manifest(tiny_bundle: Path) -> Manifest:
    return manifest_of(tiny_bundle)


def altered(manifest: Manifest, **changes: Any) -> bytes:
    return encode_manifest(msgspec.structs.replace(manifest, **changes))


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_what_is_read(manifest: Manifest, data: st.DataObject) -> None:
    frontends = data.draw(FRONTENDS)
    shape = data.draw(st.lists(st.integers(0, 9) | NAMES, max_size=4).map(tuple))
    share = data.draw(
        st.builds(FloatShare, nodes=st.dictionaries(NAMES, NUMBERS), weights=SHARES, macs=SHARES)
    )
    part = manifest.parts[0]
    variant = msgspec.structs.replace(part.variants[0], stayed_float=share)
    specs = (TensorSpec(name="x", dtype="float32", shape=shape),)
    changed = msgspec.structs.replace(part, inputs=specs, variants=(variant,))
    edition = manifest.editions[manifest.preferred]
    heads = data.draw(st.dictionaries(NAMES, QUALITIES, max_size=3))
    quality = msgspec.structs.replace(edition.quality, heads=heads)
    fresh = msgspec.structs.replace(
        manifest,
        name=data.draw(NAMES),
        target=data.draw(TARGETS),
        frontends=frontends,
        frontends_hash=frontends_hash(frontends),
        parts=(changed, *manifest.parts[1:]),
        heads=tuple(data.draw(HEADS)),
        golden=tuple(data.draw(GOLDEN)),
        editions={"engine": msgspec.structs.replace(edition, quality=quality)},
    )
    content = encode_manifest(fresh)
    read = decode_manifest(content, "here")
    assert msgspec.structs.replace(read, digest="") == msgspec.structs.replace(fresh, digest="")
    assert len(read.digest) == 64
    assert encode_manifest(read) == content


def _says_the_same(one: bytes, other: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def test_any_flipped_bit_is_seen(manifest: Manifest) -> None:
    content = encode_manifest(manifest)
    for position in range(0, len(content) - 1, 7):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        if _says_the_same(bytes(damaged), content):
            continue  # another kind of white space, 1E-7, the seventeenth digit of a number
        with pytest.raises(BundleError, match="here"):
            decode_manifest(bytes(damaged), "here")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema": 1}', b'{"schema": "1"}', b"[" * 100_000,
     b'{"schema": 1, "x": ' + b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="manifest of here is damaged"):
        decode_manifest(content, "here")


def test_a_newer_schema_is_refused_even_where_its_fields_are_unknown(manifest: Manifest) -> None:
    for content in (altered(manifest, schema=SCHEMA + 1), b'{"schema": 99, "novel": true}'):
        with pytest.raises(BundleError) as caught:
            decode_manifest(content, "here")
        assert f"reads up to {SCHEMA}" in str(caught.value)
        assert "newer edge-sdk" in str(caught.value)


def test_an_unknown_field_is_refused(manifest: Manifest) -> None:
    content = encode_manifest(manifest).replace(b'"name":', b'"nome": 1, "name":', 1)
    with pytest.raises(BundleError, match="nome"):
        decode_manifest(content, "here")


def test_a_changed_value_breaks_the_digest(manifest: Manifest) -> None:
    content = encode_manifest(manifest).replace(b'"name": "tiny"', b'"name": "tidy"', 1)
    with pytest.raises(BundleError, match="has been altered"):
        decode_manifest(content, "here")


def test_front_ends_that_cannot_be_reproduced_are_refused(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encode_manifest(manifest)
    decode_manifest(content, "here")
    monkeypatch.setitem(REVISIONS, "image", REVISIONS["image"] + 1)
    with pytest.raises(BundleError, match="cannot reproduce"):
        decode_manifest(content, "here")
    monkeypatch.undo()
    other = msgspec.structs.replace(manifest.frontends, image=ImageConfig(height=25, width=24))
    with pytest.raises(BundleError, match="cannot reproduce"):
        decode_manifest(altered(manifest, frontends=other), "here")


def test_one_head_is_needed(manifest: Manifest) -> None:
    encoders, head = manifest.encoders, manifest.head
    for parts in (encoders, (*encoders, head, head), ()):
        with pytest.raises(BundleError, match="must name one head"):
            decode_manifest(altered(manifest, parts=parts), "here")


def test_the_schema_of_this_version_is_written(manifest: Manifest) -> None:
    assert manifest.schema == module.SCHEMA
