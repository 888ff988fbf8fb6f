#!/bin/sh
# The power switch of an emulated board: machine.sh FOLDER new IMAGE [CLOCK [DISK]] | on | off | cycle
#
# new makes FOLDER with a disk of its own (a copy of DISK, which another machine has left) and an
# ssh_config. CLOCK is "time", or "instructions": a clock that counts them, so that times are nearly
# the same in every run on every host. off is a power cut.
set -eu
what=$2
mkdir -p "$1"
folder=$(cd "$1" && pwd)

# Its own process, and not another one that has got its number since.
running() { grep -qs '^qemu-system' "/proc/$(cat "$folder/pid" 2>/dev/null)/comm"; }

off() {
    if running; then
        pid=$(cat "$folder/pid")
        kill -9 "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    fi
    rm -f "$folder/pid"
}

new() {
    off
    image=$(cd "$1" && pwd)
    rm -rf "$folder"
    mkdir -p "$folder"
    cp --reflink=auto --sparse=always "${3:-$image/disk}" "$folder/disk"
    ln -s "$image" "$folder/image"
    echo "${2:-time}" >"$folder/clock"
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' \
        >"$folder/port"
    cat >"$folder/ssh_config" <<END
Host emulated-pi
    HostName 127.0.0.1
    Port $(cat "$folder/port")
    User pi
    HostKeyAlias emulated-pi
    StrictHostKeyChecking yes
    UserKnownHostsFile $image/keys/known_hosts
    IdentityFile $image/keys/user
    IdentitiesOnly yes
    KexAlgorithms curve25519-sha256
END
}

on() {
    running && return
    rm -f "$folder/pid"
    # Programs at the same addresses each time are translated once.
    words='console=ttyAMA0 quiet panic=-1 nokaslr norandmaps mitigations=off'
    if [ "$(cat "$folder/clock")" = instructions ]; then
        # Each instruction takes two nanoseconds of the guest's time.
        set -- -smp 1 -accel tcg,thread=single -icount shift=1,sleep=off -seed 1
        words="$words edge.clock=instructions"
    else
        set -- -smp 2 -accel tcg,thread=multi
    fi
    qemu-system-aarch64 -M virt -cpu cortex-a76 -m 1024 "$@" \
        -kernel "$folder/image/kernel" -initrd "$folder/image/initramfs" -append "$words" \
        -drive "if=none,id=disk,format=raw,file=$folder/disk" -device virtio-blk-device,drive=disk \
        -netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$(cat "$folder/port")-:22" \
        -device virtio-net-device,netdev=net \
        -display none -monitor none -serial "file:$folder/console.log" -no-reboot \
        -daemonize -pidfile "$folder/pid"
}

case $what in
    new) shift 2; new "$@" ;;
    on) on ;;
    off) off ;;
    cycle) off; on ;;
    *) echo "error: $what is none of new, on, off, cycle" >&2; exit 2 ;;
esac
