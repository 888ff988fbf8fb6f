"""Which machine's times say what is faster on which target."""

from __future__ import annotations

import msgspec
import pytest

from edge_sdk.targets import detect_local, load_target, stands_for


@pytest.mark.parametrize(
    ("machine", "target", "why"),
    [
        ("rpi4", "rpi4", None),
        ("rpi4", "rpi-zero2w", None),  # slower, and alike in what is fast
        ("rpi5", "rpi4", "it has asimddp, fphp, which rpi4 lacks"),
        ("rpi4", "rpi5", "it lacks asimddp, fphp, which rpi5 has"),
        ("x86-64-v3", "rpi4", "it is x86_64 and rpi4 is aarch64"),
        ("x86-64-v4-vnni", "x86-64-v3", "it has avx512_vnni"),
    ],
)
def test_a_machine_stands_for_what_computes_alike(
    machine: str, target: str, why: str | None
) -> None:
    said = stands_for(load_target(machine), load_target(target))
    assert said == why if why is None else said is not None and said.startswith(why)


def test_more_of_the_plain_instructions_do_no_harm() -> None:
    plain = load_target("x86-64-v3")
    wider = msgspec.structs.replace(plain, features=("avx2", "avx512f"))
    assert stands_for(wider, plain) is None


def test_this_machine_stands_for_itself() -> None:
    assert stands_for(detect_local(), detect_local()) is None
