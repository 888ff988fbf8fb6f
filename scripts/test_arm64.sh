#!/bin/sh
# The device side as a Raspberry Pi installs it, on an emulated Cortex-A76: the project's wheel,
# the real aarch64 wheels of the engines, and a bundle of the shipped checkpoint for rpi5.
set -eu
cd "$(dirname "$0")/.."

OUT=$PWD/build/emulated-pi
say() { printf '== %s\n' "$*"; }

say 'files of an arm64 Debian, wheels for aarch64'
sh scripts/emulated_pi/rootfs.sh "$OUT/root"
wheel=$(sh scripts/wheel.sh "$OUT/wheel")
sh scripts/emulated_pi/wheels.sh "$wheel" "$OUT/site"

say 'bundle for rpi5'
sh scripts/emulated_pi/bundle.sh "$OUT/bundles"

say 'golden values and answers on the emulated Cortex-A76'
EDGE_SDK_EMULATED_PI=$OUT .venv/bin/pytest -q -m arm64 tests/boards
say "results: $OUT/results (each says emulated: true)"
