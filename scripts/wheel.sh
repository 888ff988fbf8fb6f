#!/bin/sh
# Build the project's wheel below FOLDER and print its path: wheel.sh FOLDER
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
rm -rf "$out/source" "$out/dist"
mkdir "$out/source"
# A copy: a build in place would pick up what earlier builds left below build/.
cp -r edge_sdk converters runtimes benchmarks \
    setup.cfg pyproject.toml README.md LICENSE "$out/source/"
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
    --wheel-dir "$out/dist" "$out/source" >&2
ls "$out"/dist/edge_sdk-*.whl
