#!/bin/sh
# The device side without torch: build a wheel, install it with nothing but an engine on the
# oldest and the newest Python here, and run tests/device on a bundle made beforehand.
set -eu
cd "$(dirname "$0")/.."

OUT=$PWD/build/device
DEV=$PWD/.venv/bin/python
[ -x .venv/bin/edge-sdk ] || make setup

say() { printf '== %s\n' "$*"; }

# The interpreter of a version such as 3.10, or nothing: a shim on the path may lead nowhere.
find_python() {
    for candidate in "$(command -v "python$1" || true)" \
        "$HOME"/.pyenv/versions/"$1".*/bin/"python$1"; do
        if [ -x "$candidate" ] && "$candidate" -c \
            "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

OLDEST=3.10
NEWEST=3.13
found='' missing=''
for version in $OLDEST $NEWEST; do
    if [ -n "$(find_python $version)" ]; then found="$found $version"; else missing="$missing $version"; fi
done
# For a missing end of the range, the nearest version that is here stands in.
case " $found " in *" $OLDEST "*) ;; *)
    for version in 3.11 3.12; do
        [ -z "$(find_python $version)" ] || { found="$version$found"; break; }
    done ;;
esac
case " $found " in *" $NEWEST "*) ;; *)
    for version in 3.14 3.12 3.11; do
        case " $found " in *" $version "*) continue ;; esac
        [ -z "$(find_python $version)" ] || { found="$found $version"; break; }
    done ;;
esac
if [ -z "$found" ]; then
    echo 'error: no Python 3.10 or newer was found' >&2
    exit 1
fi
[ -z "$missing" ] || say "not found here:$missing"
say "to be tested:$(printf ' %s' $found)"

say 'wheel, by way of the source distribution'
mkdir -p "$OUT"
rm -rf "$OUT/source" "$OUT/dist"
mkdir "$OUT/source"
# A copy: a build in place would pick up what earlier builds left below build/.
cp -r edge_sdk converters runtimes benchmarks \
    setup.cfg pyproject.toml README.md LICENSE "$OUT/source/"
if [ ! -x "$OUT/build-venv/bin/python" ]; then
    "$DEV" -m venv "$OUT/build-venv"
    "$OUT/build-venv/bin/python" -m pip install --quiet 'build>=1.2'
fi
"$OUT/build-venv/bin/python" -m build --outdir "$OUT/dist" "$OUT/source" >"$OUT/build.log" 2>&1 || {
    cat "$OUT/build.log" >&2
    exit 1
}
wheel=$(ls "$OUT"/dist/*.whl)
"$DEV" -I scripts/check_wheel.py "$wheel"

say 'bundle, sample inputs and answers of the development environment'
"$DEV" -m scripts.make_device_bundle "$OUT"

for version in $found; do
    say "Python $version"
    rm -rf "${OUT:?}/$version"
    "$(find_python "$version")" -m venv "$OUT/$version"
    python=$OUT/$version/bin/python
    "$python" -m pip install --quiet --disable-pip-version-check \
        "${wheel}[onnx]" pytest pytest-timeout
    # From another folder and isolated: nothing of the working tree may stand in for the wheel.
    (
        cd "$OUT/$version"
        EDGE_SDK_DEVICE_BUNDLE=$OUT/bundle.edge "$python" -I -m pytest -q -o pythonpath= -c ../../../setup.cfg \
            --rootdir ../../.. --confcutdir ../../../tests/device -p no:cacheprovider \
            ../../../tests/device
    )
done
say "passed on:$(printf ' %s' $found)${missing:+; not found here:$missing}"
