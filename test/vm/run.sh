#!/usr/bin/env bash
# test/vm/run.sh PROGRAM [NAME=VALUE...] - runs a test program as root on Debian's cloud kernel, in QEMU's software emulation.
#
# The machine has no disk: its memory file system holds busybox, the program, what it calls (ip, wg, ping, unshare) with their
# libraries, and the kernel's modules for WireGuard. The kernel is Debian's package, unpacked, not installed; it is kept in
# $HV_CACHE (default: .cache of the checkout). Exit code: the program's. Boots in 5 to 30 s, by the load of the host.
#
# Needs root (cpio keeps owners), qemu-system-x86, busybox-static, cpio, kmod and the package lists of apt.
set -euo pipefail

root_of_checkout=$(cd "$(dirname "$0")/../.." && pwd)
here=$root_of_checkout/test/vm
cache=${HV_CACHE:-$root_of_checkout/.cache}
program=$(realpath "$1")
shift

die() {
        printf '%s\n' "$*" >&2
        exit 1
}
[ "$(uname -m)" = x86_64 ] || die "knows amd64 only"
for tool in qemu-system-x86_64 busybox cpio depmod wg ip ping unshare; do
        [ -n "$(type -P "$tool")" ] || die "needs $tool: hack/install-deps.sh --test"
done

run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
tree=$run/tree

# Prints the folder with the unpacked kernel; made once for each of Debian's versions.
kernel() {
        local package version folder
        package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
        version=$(apt-cache policy "$package" | awk '/Candidate:/ { print $2 }')
        folder=$cache/kernel-$version
        if [ ! -e "$folder/.complete" ]; then
                rm -rf "$folder"
                mkdir -p "$folder"
                (cd "$folder" && apt-get -qq download "$package" >/dev/null 2>&1) || die "cannot download $package"
                dpkg -x "$folder"/*.deb "$folder"
                rm "$folder"/*.deb
                depmod -b "$folder" "$(basename "$folder"/lib/modules/*)"
                touch "$folder/.complete"
        fi
        printf '%s\n' "$folder"
}

# Copies programs to where they are here, with the libraries that they load.
copy() {
        local file
        for file in "$@"; do
                install -D -m 0755 "$file" "$tree$file"
                ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
                        [ -e "$tree$library" ] || install -D -m 0755 "$library" "$tree$library"
                done
        done
}

# make_tree KERNEL [NAME=VALUE...]
make_tree() {
        local folder=$1 version module
        shift
        version=$(basename "$folder"/lib/modules/*)
        mkdir -p "$tree"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,run,tmp,etc,modules,var}
        ln -s /run "$tree/var/run"
        : >"$tree/etc/hosts"
        printf 'hosts: files\n' >"$tree/etc/nsswitch.conf"
        printf 'root:x:0:0::/:/bin/sh\n' >"$tree/etc/passwd"
        install -m 0755 "$here/init" "$tree/init"
        copy "$(type -P ip)" "$(type -P wg)" "$(type -P ping)" "$(type -P unshare)" "$program"
        mkdir "$tree/test"
        install -m 0755 "$program" "$tree/test/"
        # The resolver's own modules, which no program names.
        copy /lib/x86_64-linux-gnu/libnss_files.so.2
        # The shell of Debian: busybox's would take its own ip for the one of the PATH.
        copy "$(type -P dash)"
        install -D -m 0755 "$(type -P dash)" "$tree/bin/sh"
        install -m 0755 "$(type -P busybox)" "$tree/bin/busybox"
        busybox --list | while read -r module; do
                [ -e "$tree/bin/$module" ] || [ -e "$tree/usr/bin/$module" ] || [ -e "$tree/sbin/$module" ] ||
                        [ -e "$tree/usr/sbin/$module" ] || ln -s busybox "$tree/bin/$module"
        done
        for module in wireguard veth tun; do
                modprobe -d "$folder" -S "$version" --show-depends "$module"
        done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
                install -m 0644 "$module" "$tree/modules/"
                basename "$module"
        done >"$tree/modules/order"
        (
                [ $# -eq 0 ] || printf 'export'
                printf ' %q' "$@"
                printf '\n%q\n' "/test/${program##*/}"
        ) >"$tree/program"
}

folder=$(kernel)
make_tree "$folder" "$@"
(cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$run/initrd"
# The program's own patience is 30 s of the emulated machine's clock.
timeout --kill-after=5 600 qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -nic none \
        -M pc -accel tcg,thread=multi -cpu max -smp 2 -m 768 -kernel "$folder"/boot/vmlinuz-* -initrd "$run/initrd" \
        -append 'console=ttyS0 quiet loglevel=3 apparmor=0 panic=-1 mitigations=off nokaslr random.trust_cpu=on' \
        -serial stdio </dev/null >"$run/console" 2>&1 || true
tr -d '\r' <"$run/console"
code=$(tr -d '\r' <"$run/console" | sed -n 's/^vm: exit code //p' | tail -n 1)
[ -n "$code" ] || die "the machine ended before the program did"
exit "$code"
