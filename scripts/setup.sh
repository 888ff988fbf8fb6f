#!/bin/sh
# Make the virtual environment with everything that conversion, tests and demo need.
set -eu

if [ -z "${PYTHON:-}" ]; then
    echo "error: Python 3.10 or newer is needed: apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "error: $("$PYTHON" --version) is too old: Python 3.10 or newer is needed." >&2
    exit 1
fi
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ]; then
        # Debian splits venv from the interpreter.
        apt-get update -q && apt-get install -y -q python3-venv
    else
        echo "error: $PYTHON has no venv: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet --upgrade pip
# torch first and pinned: nothing that comes later may make the resolver fetch another build.
"$VENV/bin/python" -m pip install --quiet torch==2.13.0
extras=dev
# PyAudio is compiled against PortAudio. Converting and the demo need neither.
if ! sh "$(dirname "$0")/system_packages.sh" sound; then
    echo 'note: setting up without microphones; make test will ask for these packages again' >&2
    extras=bench,convert,lint,report
fi
# TensorRT's compiler for a host without a GPU comes for this processor alone.
[ "$(uname -m)" = x86_64 ] && extras="$extras,verify-tensorrt"
# Older metadata beside the sources would hide entry points that are new.
rm -rf edge_sdk.egg-info
"$VENV/bin/python" -m pip install --quiet --editable ".[$extras]"
