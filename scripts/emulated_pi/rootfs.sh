#!/bin/sh
# The files of a small arm64 Debian below FOLDER, unpacked and not configured: enough for Python
# and an SSH server. Usage: rootfs.sh FOLDER
set -eu
mkdir -p "$(dirname "$1")"
root=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
done=$root/.complete
[ -e "$done" ] && exit 0
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/../system_packages.sh" emulation
rm -rf "$root"
# Extracting alone runs no foreign program, so that it takes seconds and needs no emulation.
mmdebstrap --quiet --mode="$([ "$(id -u)" = 0 ] && echo root || echo unshare)" \
    --architectures=arm64 --variant=extract \
    --include=python3-minimal,python3,libgomp1,libstdc++6,libsndfile1,openssh-server,busybox \
    bookworm "$root"
touch "$done"
