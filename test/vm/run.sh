#!/usr/bin/env bash
# test/vm/run.sh PROGRAM [NAME=VALUE...] - runs a test program as root on Debian's cloud kernel, in QEMU's software emulation.
#
# The machine has no disk: its memory file system holds busybox, the program, what it calls (ip, wg, ping, unshare) with their
# libraries, and the kernel's modules for WireGuard. Exit code: the program's. Boots in 5 to 30 s, by the load of the host.
#
# Needs root (cpio keeps owners), qemu-system-x86, busybox-static, cpio, kmod and the package lists of apt.
set -euo pipefail

program=$(realpath "$1")
shift
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
tree=$run/tree
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
need wg ip ping unshare

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
        local folder=$1 command
        shift
        mkdir -p "$tree"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,run,tmp,etc,var}
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
        busybox --list | while read -r command; do
                [ -e "$tree/bin/$command" ] || [ -e "$tree/usr/bin/$command" ] || [ -e "$tree/sbin/$command" ] ||
                        [ -e "$tree/usr/sbin/$command" ] || ln -s busybox "$tree/bin/$command"
        done
        boot_modules "$folder" wireguard veth tun
        (
                [ $# -eq 0 ] || printf 'export'
                printf ' %q' "$@"
                printf '\n%q\n' "/test/${program##*/}"
        ) >"$tree/program"
}

folder=$(kernel)
make_tree "$folder" "$@"
# The program's own patience (lib/loop.h) is two minutes of the emulated machine's clock.
emulate "$run" "$folder" 600 '' -m 768
