# shellcheck shell=bash
# test/vm/lib.sh - what emulated machines have in common: Debian's cloud kernel, the files they boot from, QEMU, their last word.
#
# The kernel is Debian's package, unpacked, not installed, and kept in $HV_CACHE (default: .cache of the checkout). The emulation is
# QEMU's own (TCG): no KVM is needed. A machine's console is its serial line; its last word there is "vm: exit code N".
#
# Sourced with $tree set: the folder of the initial file system.
# shellcheck disable=SC2154

shopt -s inherit_errexit
root_of_checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${HV_CACHE:-$root_of_checkout/.cache}

die() {
        printf '%s\n' "$*" >&2
        exit 1
}

# need PROGRAM...
need() {
        local tool
        [ "$(uname -m)" = x86_64 ] || die "knows amd64 only"
        for tool in qemu-system-x86_64 busybox cpio depmod "$@"; do
                [ -n "$(type -P "$tool")" ] || die "needs $tool: hack/install-deps.sh --test"
        done
}

# The package of the kernel, by the lists of apt; nothing where there are none.
kernel_package() {
        apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends:/ { print $2; exit }'
}

download_kernel() {
        (cd "$1" && apt-get -qq download "$(kernel_package)")
}

# Prints the folder with the unpacked kernel; made once for each of Debian's versions.
kernel() {
        local folder
        [ -n "$(kernel_package)" ] || apt-get -qq update >&2
        folder=$cache/kernel-$(apt-cache policy "$(kernel_package)" | awk '/Candidate:/ { print $2 }')
        if [ ! -e "$folder/.complete" ]; then
                rm -rf "$folder"
                mkdir -p "$folder"
                # Lists that are older than the archive name a file that is no longer there.
                download_kernel "$folder" 2>/dev/null || { apt-get -qq update >&2 && download_kernel "$folder" >&2; } ||
                        die "cannot download the package that linux-image-cloud-amd64 stands for"
                dpkg -x "$folder"/*.deb "$folder"
                rm "$folder"/*.deb
                depmod -b "$folder" "$(basename "$folder"/lib/modules/*)"
                touch "$folder/.complete"
        fi
        printf '%s\n' "$folder"
}

# modules_of KERNEL MODULE...: their files, and before each those that it needs.
modules_of() {
        local folder=$1 module
        shift
        for module in "$@"; do
                modprobe -d "$folder" -S "$(basename "$folder"/lib/modules/*)" --show-depends "$module"
        done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# boot_modules KERNEL MODULE...: what init loads, in this order, before anything else.
boot_modules() {
        local file
        mkdir -p "$tree/modules"
        modules_of "$@" | while read -r file; do
                install -m 0644 "$file" "$tree/modules/"
                basename "$file"
        done >"$tree/modules/order"
}

# emulate RUN KERNEL SECONDS APPEND ARGUMENT...: boots the tree, shows the console at its end, and returns the code of the
# machine's last word. RUN is a folder for what it writes, APPEND goes to the kernel, the arguments to QEMU.
emulate() {
        local run=$1 folder=$2 seconds=$3 append=$4 code status=0
        shift 4
        (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$run/initrd"
        timeout --kill-after=5 "$seconds" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -nic none \
                -M pc -accel tcg,thread=multi -cpu max -smp "${HV_VM_CPUS:-2}" \
                -kernel "$folder"/boot/vmlinuz-* -initrd "$run/initrd" \
                -append "console=ttyS0 quiet loglevel=3 apparmor=0 panic=-1 mitigations=off nokaslr random.trust_cpu=on $append" \
                -serial stdio "$@" </dev/null >"$run/console" 2>&1 || status=$?
        tr -d '\r' <"$run/console" | tail -n 1000
        code=$(tr -d '\r' <"$run/console" | sed -n 's/^vm: exit code \([0-9]*\)$/\1/p' | tail -n 1)
        if [ "$status" -eq 124 ]; then
                die "the machine had not ended after $seconds s"
        elif [ -z "$code" ]; then
                die "the machine ended before the program did (QEMU: exit code $status)"
        fi
        return "$code"
}
