"""Target profiles: the shipped ones, a user's own, and what is wrong with a name or file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk import load_target
from edge_sdk.errors import UsageError
from edge_sdk.targets import target_names

OWN = """
name = "my-board"
description = "mine"
arch = "aarch64"
cpu = "Cortex-A55"
cores = 4
memory_mb = 2048
precisions = ["fp32"]
[int8]
reduce_range = true
[budgets]
max_drop = 0.5
max_size = "3MB"
max_latency = "0.25 s"
"""


def refusal(name: str | Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_target(name)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("name", target_names())
def test_every_profile_loads_and_is_what_it_is_called(name: str) -> None:
    profile = load_target(name)
    assert profile.name == name
    assert profile.description
    assert set(profile.precisions) <= {"int8", "fp16", "fp32"}
    assert profile.precisions
    assert "onnxruntime" in profile.engines
    assert profile.threads <= profile.cores


def test_the_boards_of_the_design_are_there() -> None:
    boards = {"jetson-orin-nano", "jetson-agx-orin", "rpi5", "rpi4", "rpi-zero2w", "x86-64-v3",
              "x86-64-v4-vnni"}  # fmt: skip
    assert boards <= set(target_names())
    assert target_names()[0] == "local"


def test_int8_is_narrowed_just_where_the_instructions_saturate() -> None:
    narrow = {name for name in target_names()[1:] if load_target(name).int8.reduce_range}
    assert narrow == {"x86-64-v3"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("rpi-5", "rpi5"), ("jetson-orin", "jetson-orin-nano"), ("x86-64-v4", "x86-64-v4-vnni"),
     ("RPI5".lower() + "x", "rpi5"), ("locl", "local")],
)  # fmt: skip
def test_the_nearest_name_is_suggested(typed: str, meant: str) -> None:
    sentence = refusal(typed)
    assert f"There is no target {typed!r}; did you mean" in sentence
    assert meant in sentence


def test_a_name_near_to_none_lists_all() -> None:
    sentence = refusal("toaster")
    assert all(name in sentence for name in target_names())
    assert "known:" in refusal("")
    assert "There is no target" in refusal("../rpi5")


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    for given in (path, str(path)):
        profile = load_target(given)
        assert (profile.name, profile.precisions) == ("my-board", ("fp32",))
        assert profile.int8.reduce_range
        assert profile.int8.per_channel
        assert profile.budgets.max_bytes == 3_000_000
        assert profile.budgets.max_milliseconds == 250
        assert profile.threads == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name =", "name", "malformed"),
        ('arch = "aarch64"', 'arch = "riscv"', "arch"),
        ("cores = 4", "cores = 0", "cores"),
        ("cores = 4", 'cores = "4"', "cores"),
        ("cores = 4\n", "", "cores"),
        ("cores = 4", "cores = 4\nspeed = 9", "speed"),
        ('["fp32"]', '["int4"]', "precisions"),
        ('["fp32"]', "[]", "precisions"),
        ("cores = 4", "cores = 4\nengines = []", "engines"),
        ("max_drop = 0.5", "max_drop = -1", "max_drop"),
        ('"3MB"', '"0MB"', "max_size: '0MB' must be more than nothing"),
        ('"3MB"', '"3 parsecs"', "max_size: '3 parsecs' has the unit 'parsecs'"),
        ('"3MB"', "3", "max_size"),
        ('"0.25 s"', '"250"', "max_latency: '250' has no unit; write it as 25ms"),
        ('"0.25 s"', '"fast"', "max_latency: 'fast' is not a length of time"),
        ('"mine"', '"mine', "malformed"),
    ],
)
def test_a_malformed_profile_says_where(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in OWN
    path = tmp_path / "mine.toml"
    path.write_text(OWN.replace(old, new, 1))
    sentence = refusal(path)
    assert f"{path} is malformed" in sentence
    assert why in sentence


def test_a_profile_that_is_not_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert "There is no target profile at" in refusal(path)
    assert "There is no target profile at" in refusal("x" * 300 + ".toml")
    path.write_bytes(b"\xff\xfe\x00")
    assert "malformed" in refusal(path)
    assert "There is no target profile at" in refusal(str(tmp_path) + ".toml")
