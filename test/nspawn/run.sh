#!/usr/bin/env bash
# test/nspawn/run.sh BUILD [CASE...] - the installed agent under a real systemd, journald and dockerd.
#
# Boots a Debian tree in systemd-nspawn with what `cmake --install` makes of BUILD (a build folder), and runs the cases of
# cases.sh against it, in their order; each prints one line. Exit code 1 when one failed.
# Nothing of the run is left behind: mounts live in a mount namespace of its own, processes and cgroups are ended. The tree
# is kept in $HV_CACHE (default: .cache of the checkout). Needs root, systemd-container, debootstrap, busybox-static.
set -euo pipefail

root_of_checkout=$(cd "$(dirname "$0")/../.." && pwd)
here=$root_of_checkout/test/nspawn
build=$(realpath "$1")
cache=${HV_CACHE:-$root_of_checkout/.cache}

die() {
        printf '%s\n' "$*" >&2
        exit 1
}

[ "$(id -u)" -eq 0 ] || die "needs root"
hivelet=$build/cmd/hivelet/hivelet hivectl=$build/cmd/hivectl/hivectl probe=$build/test/nspawn/wg_probe
[[ -x $hivelet && -x $hivectl && -x $probe ]] || die "$build holds no hivelet, hivectl and wg_probe: build them first"

# Mounts of the run end with this process, however it ends.
[ "${HV_NSPAWN_UNSHARED:-}" = "$$" ] || HV_NSPAWN_UNSHARED=$$ exec unshare --mount --propagation private -- "$0" "$@"
shift
# shellcheck source-path=SCRIPTDIR source=cases.sh
. "$here/cases.sh"

# --- the node ---------------------------------------------------------------------------------------------

name=hvnspawn$$
run=/run/$name
cgroups=()
nspawn='' leader=''
shipped=$run/root/usr/lib/hivelet-test
patience=4

# Inside the node, as root, with nothing of this shell's environment.
inside() {
        nsenter -t "$leader" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 SYSTEMD_PAGER='' \
                SYSTEMD_COLORS=0 "$@"
}

make_root() {
        local tree
        tree=$("$here/make-tree" "$cache" "$hivelet" "$hivectl" "$probe")
        mkdir -p "$run"
        mount -t tmpfs -o mode=0755 "$name" "$run"
        mkdir "$run"/{upper,work,root}
        mount -t overlay -o "lowerdir=$tree,upperdir=$run/upper,workdir=$run/work" "$name" "$run/root"
}

install_node() {
        local to=$run/root
        "$here/install-node" "$build" "$to"
        install -D -m 0755 "$here/init" "$to/usr/lib/hivelet-test/init"
        install -D -m 0755 "$probe" "$to/usr/lib/hivelet-test/wg_probe"
        # For the case of the watchdog.
        install -d "$to/etc/systemd/system/hivelet.service.d"
        printf '[Service]\nWatchdogSec=15\n' >"$to/etc/systemd/system/hivelet.service.d/test.conf"
}

# systemd-nspawn takes the cgroups of whoever starts it; on a host without systemd there is nobody who made some for us.
enter_cgroups() {
        local hierarchy
        for hierarchy in /sys/fs/cgroup/*/; do
                if [ ! -w "$hierarchy/cgroup.procs" ] || ! mountpoint -q "$hierarchy"; then
                        continue
                fi
                mkdir "$hierarchy$name"
                if [ -e "$hierarchy/cpuset.cpus" ]; then
                        cat "$hierarchy/cpuset.cpus" >"$hierarchy$name/cpuset.cpus"
                        cat "$hierarchy/cpuset.mems" >"$hierarchy$name/cpuset.mems"
                fi
                cgroups+=("$hierarchy$name")
        done
        if [ ${#cgroups[@]} -eq 0 ] && [ -w /sys/fs/cgroup/cgroup.procs ]; then
                mkdir "/sys/fs/cgroup/$name"
                cgroups=("/sys/fs/cgroup/$name")
        fi
}

boot() {
        local scope=()
        if [ -d /run/systemd/system ]; then
                scope=(systemd-run --scope --quiet --unit="$name" -p Delegate=yes)
        else
                enter_cgroups
        fi
        (
                for cgroup in "${cgroups[@]}"; do
                        printf '%s\n' "$BASHPID" >"$cgroup/cgroup.procs"
                done
                exec "${scope[@]}" systemd-nspawn --quiet --register=no --keep-unit --private-network --link-journal=no \
                        --resolv-conf=off --timezone=off --machine="$name" --console=pipe --kill-signal=SIGRTMIN+3 \
                        --system-call-filter='add_key keyctl request_key bpf' --tmpfs=/var/lib/docker:mode=0711 \
                        --directory="$run/root" /usr/lib/hivelet-test/init </dev/null >"$run/console" 2>&1
        ) &
        nspawn=$!
        until_true 30 find_leader || { cat "$run/console"; return 1; }
        find_leader
        until_true 60 is_booted || { cat "$run/console"; return 1; }
}

# PID 1 of the node: the descendant of nspawn whose innermost process id is 1.
find_leader() {
        local pid
        for pid in $(pgrep -P "$nspawn"); do
                if [ "$(awk '/^NSpid:/ && NF > 2 { print $NF }' "/proc/$pid/status")" = 1 ]; then
                        leader=$pid
                        return 0
                fi
        done
        return 1
}

is_booted() {
        case $(inside systemctl is-system-running) in
        running | degraded) ;;
        *) return 1 ;;
        esac
}

power_off() {
        local cgroup
        if [ -n "$nspawn" ] && kill -0 "$nspawn" 2>/dev/null; then
                [ -z "$leader" ] || kill -RTMIN+4 "$leader" 2>/dev/null || true
                until_true 30 is_off || kill -KILL "$nspawn"
                wait "$nspawn" || true
        fi
        for cgroup in "${cgroups[@]}"; do
                find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        done
        if mountpoint -q "$run"; then
                umount -R "$run"
                rmdir "$run"
        fi
}

is_off() {
        ! kill -0 "$nspawn" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$nspawn/stat" 2>/dev/null)" = Z ]
}

# --- run --------------------------------------------------------------------------------------------------

cases=(units catalog engine start_returns_after_ready status socket hivectl slice caps task journal confinement log_files reload_valid
        reload_invalid wireguard watchdog crash stop_leaves_containers pool engine_down)

wanted=()
for case in "${cases[@]}"; do
        [ $# -gt 0 ] && [[ " $* " != *" $case "* ]] || wanted+=("$case")
done

trap power_off EXIT
make_root
install_node
start=$SECONDS
boot
printf 'booted in %s s\n' $((SECONDS - start))
run_cases "${wanted[@]}"
