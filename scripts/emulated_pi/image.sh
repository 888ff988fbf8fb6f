#!/bin/sh
# From the files of ROOT what a machine boots, below FOLDER: kernel, initramfs, a disk, keys.
# Usage: image.sh ROOT FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1 out=$2
made=$( (cat "$root/.complete" "$here/image.sh" "$here"/board/*) | sha256sum)
[ "$(cat "$out/.complete" 2>/dev/null)" = "$made" ] && exit 0
sh "$here/../system_packages.sh" emulation
# The files on the disk are to be root's.
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || {
        echo "error: the disk of an emulated board is made as root: sudo sh $0 $root $out" >&2
        exit 1
    }
    exec sudo -n sh "$0" "$root" "$out"
fi
rm -rf "$out"
mkdir -p "$out/keys"
stage=$(mktemp -d "$out/stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT

ssh-keygen -q -t ed25519 -N '' -C 'host key of the emulated board' -f "$out/keys/host"
ssh-keygen -q -t ed25519 -N '' -C 'user of the emulated board' -f "$out/keys/user"
printf 'emulated-pi %s\n' "$(cut -d' ' -f1-2 "$out/keys/host.pub")" >"$out/keys/known_hosts"

# The kernel's drivers for QEMU's disk and network are modules: in the order they need each other.
cp "$root"/boot/vmlinuz-* "$out/kernel"
small=$stage/initramfs
mkdir -p "$small/bin" "$small/modules" "$small/proc" "$small/sys" "$small/dev" "$small/root"
cp "$root/bin/busybox" "$small/bin/"
install -m 755 "$here/board/initramfs" "$small/init"
number=10
for name in virtio_ring virtio virtio_mmio virtio_blk failover net_failover virtio_net; do
    file=$(find "$root/lib/modules" -name "$name.ko")
    cp "$file" "$small/modules/$number-$name.ko"
    number=$((number + 1))
done
(cd "$small" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$out/initramfs"

# Packages were unpacked and not configured: what their scripts would have done is done here.
disk=$stage/disk
cp -al "$root" "$disk"
rm -rf "$disk"/lib/modules "$disk"/boot/* "$disk"/usr/share/doc "$disk"/usr/share/locale
mkdir -p "$disk"/dev "$disk"/proc "$disk"/sys "$disk"/run "$disk"/tmp "$disk"/root "$disk"/home/pi/.ssh
rm -f "$disk/etc/passwd" "$disk/etc/group" "$disk/etc/shadow"
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'sshd:x:100:65534::/run/sshd:/usr/sbin/nologin' \
    'pi:x:1000:1000::/home/pi:/bin/sh' 'nobody:x:65534:65534::/:/usr/sbin/nologin' >"$disk/etc/passwd"
printf '%s\n' 'root:x:0:' 'tty:x:5:' 'pi:x:1000:' 'nogroup:x:65534:' >"$disk/etc/group"
printf '%s\n' 'root:*:19000::::::' 'pi:*:19000::::::' >"$disk/etc/shadow"
chmod 600 "$disk/etc/shadow"
rm -f "$disk/etc/fstab" "$disk/etc/inittab" "$disk/etc/ssh/sshd_config"
: >"$disk/etc/fstab"
# Else every program there would compile what it imports, each time.
sh "$here/user.sh" "$disk" /none -m compileall -q -j 2 -s "$disk" \
    "$disk/usr/lib/python3.11" "$disk/usr/lib/python3"
for name in sh mount umount hostname ifconfig init poweroff free ps; do
    [ -e "$disk/bin/$name" ] || ln -s busybox "$disk/bin/$name"
done
ln -sf ../bin/busybox "$disk/sbin/init"
install -m 755 "$here/board/startup" "$disk/etc/startup"
install -m 755 "$here/board/sessions" "$disk/etc/sessions"
install -m 644 "$here/board/inittab" "$disk/etc/inittab"
install -m 644 "$here/board/pip.conf" "$disk/etc/pip.conf"
install -m 644 "$here/board/sshd_config" "$disk/etc/ssh/sshd_config"
install -m 600 "$out/keys/host" "$disk/etc/ssh/host_key"
install -m 600 "$out/keys/user.pub" "$disk/home/pi/.ssh/authorized_keys"
chmod 700 "$disk/home/pi/.ssh"
chown -R 1000:1000 "$disk/home/pi"
[ "$(stat -c %u "$disk/bin")" = 0 ] || find "$disk" -uid +65535 -exec chown -h 0:0 {} +
mkfs.ext4 -q -q -F -L emulated-pi -d "$disk" "$out/disk" 2G
printf '%s\n' "$made" >"$out/.complete"
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID" "$out"
