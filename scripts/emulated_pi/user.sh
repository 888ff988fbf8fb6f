#!/bin/sh
# Run Python on an emulated Cortex-A76 with the files of ROOT and the packages of PACKAGES:
# user.sh ROOT PACKAGES python-arguments...
set -eu
root=$1 packages=$2
shift 2
# ONNX Runtime's CPU detection reads this file: it must describe the CPU that QEMU imitates.
[ -e "$root/proc/cpuinfo" ] || {
    mkdir -p "$root/proc"
    cp "$(dirname "$0")/cpuinfo" "$root/proc/cpuinfo"
}
# -L looks a file up below ROOT first, so that the libraries and /proc/cpuinfo are those there.
QEMU_CPU=cortex-a76 exec qemu-aarch64-static -L "$root" -E "PYTHONPATH=$packages" \
    -E EDGE_SDK_EMULATED=qemu-user "$root/usr/bin/python3.11" -P "$@"
