#!/bin/sh
# A bundle of the shipped checkpoint for rpi5, with an ONNX Runtime and a LiteRT edition, below
# FOLDER: bundle.sh FOLDER
set -eu
out=$1
cd "$(dirname "$0")/../.."
data=build/demo/data
# What goes into a bundle: the same files give the same bytes, so there is no need to make it again.
made=$(find converters edge_sdk runtimes examples/show_and_ask/checkpoint "$data/calibration/samples.jsonl" \
    "$data/held-out/samples.jsonl" -type f ! -name '*.pyc' -exec sha256sum {} + | sort | sha256sum)
[ "$(cat "$out/rpi5.made" 2>/dev/null)" = "$made" ] && [ -e "$out/rpi5.edge" ] && exit 0
mkdir -p "$out"
.venv/bin/edge-sdk convert examples/show_and_ask/checkpoint --target rpi5 \
    --engine onnxruntime --engine litert \
    --calibration "$data/calibration" --evaluation "$data/held-out" \
    --output "$out/rpi5.edge" >"$out/rpi5.txt"
printf '%s\n' "$made" >"$out/rpi5.made"
