#!/bin/sh
# The device side as a Raspberry Pi would install it: the project's wheel and the real aarch64
# wheels of what it needs, below FOLDER. Usage: wheels.sh WHEEL FOLDER [EXTRAS]
set -eu
wheel=$1 folder=$2 extras=${3:-onnx,tflite}
python=$(cd "$(dirname "$0")/../.." && pwd)/.venv/bin/python
mkdir -p "$folder"
"$python" -m pip install --quiet --disable-pip-version-check --upgrade --target "$folder" \
    --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
    "$wheel[$extras]"
