#!/bin/sh
# The device side as a Raspberry Pi installs it, on an emulated Cortex-A76: the project's wheel,
# the real aarch64 wheels of the engines, and a bundle of the shipped checkpoint for rpi5.
set -eu
cd "$(dirname "$0")/.."

OUT=$PWD/build/emulated-pi
DATA=build/demo/data
say() { printf '== %s\n' "$*"; }

say 'files of an arm64 Debian, wheels for aarch64'
sh scripts/emulated_pi/rootfs.sh "$OUT/root"
wheel=$(sh scripts/wheel.sh "$OUT/wheel")
sh scripts/emulated_pi/wheels.sh "$wheel" "$OUT/site"

say 'bundle for rpi5'
# What goes into a bundle: the same files give the same bytes, so there is no need to make it again.
made=$(find converters edge_sdk runtimes examples/show_and_ask/checkpoint "$DATA/calibration/samples.jsonl" \
    "$DATA/held-out/samples.jsonl" -type f ! -name '*.pyc' -exec sha256sum {} + | sort | sha256sum)
if [ "$(cat "$OUT/bundles/rpi5.made" 2>/dev/null)" != "$made" ] || [ ! -e "$OUT/bundles/rpi5.edge" ]; then
    mkdir -p "$OUT/bundles"
    .venv/bin/edge-sdk convert examples/show_and_ask/checkpoint --target rpi5 \
        --engine onnxruntime --engine litert \
        --calibration "$DATA/calibration" --evaluation "$DATA/held-out" \
        --output "$OUT/bundles/rpi5.edge" >"$OUT/bundles/rpi5.txt"
    printf '%s\n' "$made" >"$OUT/bundles/rpi5.made"
fi

say 'golden values and answers on the emulated Cortex-A76'
EDGE_SDK_EMULATED_PI=$OUT .venv/bin/pytest -q -m arm64 tests/boards
say "results: $OUT/results (each says emulated: true)"
