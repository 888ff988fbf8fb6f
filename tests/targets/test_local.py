"""The target ``local``, from what the kernel says of a processor."""

from __future__ import annotations

import pytest

from edge_sdk.errors import UsageError
from edge_sdk.targets import TargetProfile, detect_local

X86 = """\
processor\t: 0
vendor_id\t: GenuineIntel
model\t\t: {model}
model name\t: {name}
cpu cores\t: 2
flags\t\t: fpu vme sse2 fma avx2 {flags} smap
bugs\t\t: spectre_v1
vmx flags\t: avx512_vnni_is_not_here

processor\t: 1
model name\t: another one
"""
ARM = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm {flags} cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: {part}

Hardware\t: BCM2835
Model\t\t: {name}
"""
HASWELL = X86.format(model=60, name="Core i5-4590 CPU @ 3.30GHz", flags="bmi2")
SKYLAKE = X86.format(model=85, name="Xeon Gold 6148", flags="avx512f avx512dq")
CASCADE = X86.format(model=85, name="Xeon Gold 6248", flags="avx512f avx512_vnni")
ALDER = X86.format(model=151, name="Core i5-12400", flags="avx_vnni")
PI4 = ARM.format(part="0xd08", name="Raspberry Pi 4 Model B Rev 1.4", flags="crc32")
PI5 = ARM.format(
    part="0xd0b", name="Raspberry Pi 5 Model B Rev 1.0",
    flags="aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
)  # fmt: skip


def x86(text: str) -> TargetProfile:
    return detect_local(text, "x86_64")


def arm(text: str) -> TargetProfile:
    return detect_local(text, "aarch64")


def test_x86_without_vnni_narrows_the_weights() -> None:
    for text in (HASWELL, SKYLAKE):
        assert x86(text).int8.reduce_range
    assert x86(HASWELL).features == ("avx2",)
    assert x86(HASWELL).cpu == "Core i5-4590 CPU @ 3.30GHz"
    assert x86(SKYLAKE).features == ("avx2", "avx512f")


def test_x86_with_vnni_does_not() -> None:
    for text, flag in ((CASCADE, "avx512_vnni"), (ALDER, "avx_vnni")):
        assert not x86(text).int8.reduce_range
        assert flag in x86(text).features


def test_raspberry_pi_4_and_5() -> None:
    four, five = arm(PI4), arm(PI5)
    assert four.cpu == "Raspberry Pi 4 Model B Rev 1.4"
    assert five.cpu == "Raspberry Pi 5 Model B Rev 1.0"
    assert four.features == ("asimd",)
    assert five.features == ("asimd", "asimddp", "fphp")
    for profile in (four, five):
        assert profile.arch == "aarch64"
        assert not profile.int8.reduce_range


def test_a_kernel_that_says_nothing_gives_the_cautious_profile() -> None:
    assert x86("").int8.reduce_range
    assert x86("").cpu == "x86_64"
    assert x86("").features == ()
    assert arm("").cpu == "aarch64"


def test_other_names_of_the_same_machines() -> None:
    assert detect_local(CASCADE, "AMD64").arch == "x86_64"
    assert detect_local(PI5, "arm64").arch == "aarch64"


@pytest.mark.parametrize("machine", ["armv7l", "riscv64", "i686"])
def test_another_machine_is_refused_with_a_way_out(machine: str) -> None:
    with pytest.raises(UsageError) as caught:
        detect_local("", machine)
    assert machine in str(caught.value)
    assert ".toml" in str(caught.value)


def test_this_machine() -> None:
    profile = detect_local()
    assert profile.name == "local"
    assert profile.cores >= 1
    assert profile.memory_mb > 100
