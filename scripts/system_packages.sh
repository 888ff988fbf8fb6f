#!/bin/sh
# Debian packages that some tests need and pip cannot bring: scripts/system_packages.sh GROUP...
# Installs what is missing as root or by sudo without a password; else says what to type.
set -eu

packages_of() {
    case $1 in
        sound) echo 'gcc libasound2-dev libasound2-plugins portaudio19-dev pulseaudio pulseaudio-utils python3-dev' ;;
        speech) echo 'espeak-ng flite' ;;
        emulation) echo 'arch-test cpio debian-archive-keyring e2fsprogs mmdebstrap openssh-client qemu-system-arm qemu-user-static' ;;
        ssh) echo 'openssh-client openssh-server' ;;
        video) echo 'gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-tools python3-gi' ;;
        npm) echo 'npm' ;;
        browser) echo 'chromium' ;;
        *) echo "error: there is no group of packages called $1" >&2; exit 2 ;;
    esac
}

wanted=
for group in "$@"; do wanted="$wanted $(packages_of "$group")"; done
missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "error: these packages are missing: sudo apt-get install$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q
# shellcheck disable=SC2086
$sudo apt-get install -y -q --no-install-recommends $missing
