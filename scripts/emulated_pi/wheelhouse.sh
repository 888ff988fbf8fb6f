#!/bin/sh
# A folder of wheels from which a Raspberry Pi without a network installs the project's wheel and
# all that it needs. Usage: wheelhouse.sh WHEEL FOLDER EXTRAS
set -eu
wheel=$1 folder=$2 extras=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
# What it needs changes seldom, the project often: only the project is put in anew each time.
wanted=$( (echo "$extras"; sed -n '/^install_requires/,/^\[options.entry_points/p' "$root/setup.cfg") |
    sha256sum | cut -d' ' -f1)
if [ "$(cat "$folder/.complete" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    "$root/.venv/bin/python" -m pip download --quiet --disable-pip-version-check --dest "$folder" \
        --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
        --platform manylinux_2_35_aarch64 --platform manylinux_2_28_aarch64 \
        --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
        --platform manylinux2014_aarch64 "$wheel[$extras]"
    printf '%s\n' "$wanted" >"$folder/.complete"
fi
rm -f "$folder"/edge_sdk-*.whl
cp "$wheel" "$folder"
