#!/bin/sh
# The plotting library of the assistant's page (uPlot, MIT), from its npm package, to where the
# page's server reads it. Pinned by version and by SHA-256.
set -eu
cd "$(dirname "$0")/.."
VERSION=1.6.32
SHA256=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d
OUT=runtimes/assistant/ui/static/vendor
[ -s "$OUT/uPlot.iife.min.js" ] && [ "$(cat "$OUT/VERSION" 2>/dev/null)" = "$VERSION" ] && exit 0
command -v npm >/dev/null || sh scripts/system_packages.sh npm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "uplot@$VERSION" >/dev/null)
printf '%s  %s\n' "$SHA256" "$work/uplot-$VERSION.tgz" | sha256sum --check --quiet
tar -xzf "$work/uplot-$VERSION.tgz" -C "$work"
mkdir -p "$OUT"
cp "$work/package/dist/uPlot.iife.min.js" "$work/package/dist/uPlot.min.css" "$OUT/"
cp "$work/package/LICENSE" "$OUT/uPlot.LICENSE"
printf '%s\n' "$VERSION" >"$OUT/VERSION"
