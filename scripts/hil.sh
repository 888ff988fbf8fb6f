#!/bin/sh
# The suite for boards on an emulated Raspberry Pi: a booted machine with its own kernel and 1 GB of
# memory, reached over ssh, whose power can be cut. Beside it, one whose clock counts instructions.
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
counted=
ending() {
    [ -z "$counted" ] || kill "$counted" 2>/dev/null || :
    for name in pi pi-counted; do sh $machine "$OUT/$name" off; done
}
trap ending EXIT
# What comes from the index is on a disk that is kept: from then on only the project is new.
kept=$(cat "$OUT/image/.complete" "$OUT/image/keys/host.pub" "$OUT/wheelhouse/.complete" \
    edge_sdk/remote/install.py | sha256sum)
disk=
[ "$(cat "$OUT/disk.made" 2>/dev/null)" != "$kept" ] || disk=$OUT/disk
sh $machine "$OUT/pi" new "$OUT/image" time $disk
sh scripts/emulated_pi/environment.sh pi "$OUT/pi" >"$OUT/boards.yaml"

say 'boot; the runtime from a folder of wheels, and the bundle'
sh $machine "$OUT/pi" on
sh scripts/emulated_pi/wait.sh "$OUT/pi"
[ -z "$disk" ] || ssh -F "$OUT/pi/ssh_config" emulated-pi \
    'cd edge-sdk && rm -rf venv venvs current previous releases .incoming'
# With one engine; the suite deploys again and verifies with all.
.venv/bin/edge-sdk deploy "$OUT/bundles/rpi5.edge" ssh://emulated-pi --ssh "ssh -F $OUT/pi/ssh_config" \
    --install "$OUT/wheelhouse" --extra speech --engine onnxruntime
ssh -F "$OUT/pi/ssh_config" emulated-pi sync
if [ -z "$disk" ]; then
    rm -f "$OUT/disk.made"
    cp --reflink=auto --sparse=always "$OUT/pi/disk" "$OUT/disk"
    printf '%s\n' "$kept" >"$OUT/disk.made"
fi

say 'the same disk in a machine whose clock counts instructions, meanwhile'
sh $machine "$OUT/pi-counted" new "$OUT/image" instructions "$OUT/pi/disk"
EDGE_SDK_EMULATED_PI=$OUT .venv/bin/pytest -q -m arm64 --durations 5 tests/boards/test_counted.py \
    >"$OUT/results/counted.txt" 2>&1 &
counted=$!

say 'the suite on the emulated board'
# Its memory is real, its times are not: one round tells the first and more tell nothing else.
.venv/bin/python -m pytest -c /dev/null --rootdir "$OUT" -p no:cacheprovider -q -ra \
    --pyargs edge_sdk.benchmarks.hil \
    --lg-env "$OUT/boards.yaml" --edge-bundle "$OUT/bundles/rpi5.edge" \
    --edge-install "$OUT/wheelhouse" --edge-extra speech \
    --edge-samples build/demo/data/held-out --edge-limit 40 \
    --edge-budgets scripts/emulated_pi/budgets.toml --edge-rounds 1 \
    --edge-session "$OUT/session" --edge-soak 10 \
    --edge-matrix "$OUT/results/hil.html" --junitxml "$OUT/results/hil.xml" \
    -o junit_family=xunit1 --durations 12 "$@"

say 'counted instructions'
wait $counted || { cat "$OUT/results/counted.txt"; exit 1; }
counted=
tail -n 12 "$OUT/results/counted.txt"
say "results: $OUT/results"
