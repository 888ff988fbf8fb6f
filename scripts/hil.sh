#!/bin/sh
# The suite for boards on an emulated Raspberry Pi: a booted machine with its own kernel and 1 GB of
# memory, reached over ssh, whose power can be cut. Then once more on its clock of instructions.
set -eu
cd "$(dirname "$0")/.."

OUT=$PWD/build/emulated-pi
say() { printf '== %s (%s s)\n' "$*" "$(($(date +%s) - begin))"; }
begin=$(date +%s)

say 'files of an arm64 Debian, a disk, wheels for aarch64'
sh scripts/emulated_pi/rootfs.sh "$OUT/root"
sh scripts/emulated_pi/image.sh "$OUT/root" "$OUT/image"
wheel=$(sh scripts/wheel.sh "$OUT/wheel")
sh scripts/emulated_pi/wheelhouse.sh "$wheel" "$OUT/wheelhouse" onnx,tflite,speech

say 'bundle for rpi5, a session with the assistant'
sh scripts/emulated_pi/bundle.sh "$OUT/bundles"
rm -rf "$OUT/session"
.venv/bin/python -m examples.show_and_ask.session --data build/demo/data/held-out --out "$OUT/session"

machine=scripts/emulated_pi/machine.sh
mkdir -p "$OUT/results"
trap 'sh $machine "$OUT/pi" off; sh $machine "$OUT/pi-counted" off' EXIT
sh $machine "$OUT/pi" new "$OUT/image"
sh scripts/emulated_pi/environment.sh pi "$OUT/pi" >"$OUT/boards.yaml"

say 'the suite on the emulated board'
.venv/bin/python -m pytest -c /dev/null --rootdir "$OUT" -p no:cacheprovider -q -ra \
    --pyargs edge_sdk.benchmarks.hil \
    --lg-env "$OUT/boards.yaml" --edge-bundle "$OUT/bundles/rpi5.edge" \
    --edge-install "$OUT/wheelhouse" --edge-extra speech \
    --edge-samples build/demo/data/held-out --edge-limit 40 \
    --edge-budgets scripts/emulated_pi/budgets.toml --edge-session "$OUT/session" --edge-soak 10 \
    --edge-matrix "$OUT/results/hil.html" --junitxml "$OUT/results/hil.xml" \
    -o junit_family=xunit1 --durations 12 "$@"

say 'the same disk in a machine whose clock counts instructions'
ssh -F "$OUT/pi/ssh_config" emulated-pi sync
sh $machine "$OUT/pi" off
sh $machine "$OUT/pi-counted" new "$OUT/image" "$OUT/pi/disk"
EDGE_SDK_EMULATED_PI=$OUT .venv/bin/pytest -q -m arm64 --durations 5 tests/boards/test_counted.py
say "results: $OUT/results"
