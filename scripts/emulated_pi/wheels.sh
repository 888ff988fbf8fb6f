#!/bin/sh
# The device side as a Raspberry Pi would install it: the project's wheel and the real aarch64
# wheels of what it needs, below FOLDER. Usage: wheels.sh WHEEL FOLDER [EXTRAS]
set -eu
wheel=$1 folder=$2 extras=${3:-onnx,tflite}
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$root/.venv/bin/python
# What it needs changes seldom, the project often: only the project is put in anew each time.
wanted=$( (echo "$extras"; sed -n '/^install_requires/,/^\[options.package/p;/^onnx =/,/^camera/p' \
    "$root/setup.cfg") | sha256sum | cut -d' ' -f1)
if [ "$(cat "$folder/.complete" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    "$python" -m pip install --quiet --disable-pip-version-check --target "$folder" \
        --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
        "$wheel[$extras]"
    printf '%s\n' "$wanted" >"$folder/.complete"
fi
rm -rf "$folder"/edge_sdk "$folder"/edge_sdk-*.dist-info
"$python" -m zipfile -e "$wheel" "$folder"
