#!/usr/bin/env bash
# test/vm/node.sh BUILD [CASE...] - the installed agent on a machine of its own: Debian's cloud kernel, a booted systemd, version 2 of
# cgroups, an engine, in QEMU's software emulation.
#
# The disk is the Debian tree of the tier nspawn with what `cmake --install` makes of BUILD (a build folder); guest.sh runs there.
# Exit code 1 when a case failed, or the machine hung or ended before its time; its console is shown.
#
# Needs root, debootstrap, qemu-system-x86, busybox-static, cpio, kmod, e2fsprogs and the package lists of apt.
set -euo pipefail

build=$(realpath "$1")
# shellcheck disable=SC2034 # lib.sh fills it
run=$(mktemp -d) tree=$run/tree
trap 'rm -rf "$run"' EXIT
shift
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
need debootstrap mkfs.ext4 cmake

nspawn=$root_of_checkout/test/nspawn
hivelet=$build/cmd/hivelet/hivelet hivectl=$build/cmd/hivectl/hivectl probe=$build/test/nspawn/wg_probe
library=$build/test/lib/nvml/libnvidia-ml.so.1 hook=$build/test/lib/devices/devices_hook
[[ -x $hivelet && -x $hivectl && -x $probe && -x $library && -x $hook ]] ||
        die "$build holds no hivelet, hivectl, wg_probe, libnvidia-ml.so.1 and devices_hook: build them first"

# Debian, as the tier nspawn has it, whose programs choose the same tree.
make_disk() {
        local debian
        debian=$("$nspawn/make-tree" "$cache" "$hivelet" "$hivectl" "$probe")
        truncate -s 3G "$run/disk"
        mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 -d "$debian" "$run/disk"
}

# What comes to it is carried in the initial file system, and copied at boot: the agent, the modules that the kernel then
# loads by itself when somebody asks for such a link or file system, and the cases.
make_initial_tree() {
        local folder=$1 to=$tree/add version file
        shift
        version=$(basename "$folder"/lib/modules/*)
        mkdir -p "$tree"/{bin,dev,proc,sys,new,add}
        install -m 0755 "$(type -P busybox)" "$tree/bin/busybox"
        install -m 0755 "$here/switch" "$tree/init"
        boot_modules "$folder" virtio_pci virtio_blk ext4
        modules_of "$folder" wireguard veth bridge overlay autofs4 | while read -r file; do
                install -D -m 0644 "$file" "$to/usr/lib${file#"$folder/lib"}"
        done
        install -m 0644 -t "$to/usr/lib/modules/$version" "$folder/lib/modules/$version"/modules.{order,builtin,builtin.modinfo}
        depmod -b "$to/usr" "$version"
        "$nspawn/install-node" "$build" "$to"
        install -m 0755 -t "$to/usr/lib/hivelet-test" "$here/guest.sh" "$nspawn/cases.sh"
        # A driver's library, which has no GPUs yet, and what an engine starts for a container that asks for some.
        install -D -m 0755 "$library" "$to/usr/lib/hivelet-test/nvml/libnvidia-ml.so.1"
        printf 'driver 550.54.14\n' >"$to/usr/lib/hivelet-test/nvml/gpus"
        mkdir -p "$to/etc/systemd/system/hivelet.service.d"
        printf '[Service]\nEnvironment=LD_LIBRARY_PATH=/usr/lib/hivelet-test/nvml\n' \
                >"$to/etc/systemd/system/hivelet.service.d/library.conf"
        install -D -m 0755 "$hook" "$to/usr/bin/nvidia-container-runtime-hook"
        printf '%s\n' "$@" >"$to/usr/lib/hivelet-test/wanted"
        install -D -m 0644 -t "$to/etc/systemd/system" "$here/hivelet-test.service"
        mkdir "$to/etc/systemd/system/multi-user.target.wants"
        ln -s ../hivelet-test.service "$to/etc/systemd/system/multi-user.target.wants/"
}

folder=$(kernel)
make_disk
make_initial_tree "$folder" "$@"
emulate "$run" "$folder" 840 'systemd.show_status=0 systemd.mask=serial-getty@ttyS0.service systemd.unified_cgroup_hierarchy=1 net.ifnames=0' \
        -m 1536 -drive id=disk,file="$run/disk",format=raw,if=none,cache=unsafe -device virtio-blk-pci,drive=disk
