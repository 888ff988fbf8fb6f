#!/bin/sh
# The files of a small arm64 Debian below FOLDER, unpacked and not configured: a kernel, Python, an
# SSH server, and what the assistant speaks with. Usage: rootfs.sh FOLDER
set -eu
packages=python3-minimal,python3,python3-pip,python3-venv,libgomp1,libstdc++6,libsndfile1,openssh-server
packages=$packages,busybox-static,linux-image-cloud-arm64,espeak-ng
mkdir -p "$(dirname "$1")"
root=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
done=$root/.complete
[ "$(cat "$done" 2>/dev/null)" = "$packages" ] && exit 0
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/../system_packages.sh" emulation
rm -rf "$root"
# Extracting alone runs no foreign program, so that it takes seconds and needs no emulation.
mmdebstrap --quiet --mode="$([ "$(id -u)" = 0 ] && echo root || echo unshare)" \
    --architectures=arm64 --variant=extract --include="$packages" bookworm "$root"
printf '%s\n' "$packages" >"$done"
