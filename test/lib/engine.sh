#!/bin/bash
# engine.sh - a private container engine for tests: its own data, sockets, network namespace and mount namespace, so that
# nothing on this machine is touched and nothing stays behind.
#
#   engine.sh start docker|podman DIR     starts it, makes image hv/busybox:1, prints the socket's path
#   engine.sh restart DIR                 after kill: the same engine again, with what it kept
#   engine.sh term DIR                    SIGTERM to the engine, containers as it likes
#   engine.sh kill DIR                    SIGKILL to the engine alone, containers go on
#   engine.sh stop DIR                    ends everything, removes DIR; DIR-2, DIR-3 ... too
#
# DIR is short (a socket's path has at most 107 bytes) and belongs to this engine alone. Needs root and Debian's docker.io,
# podman + runc, busybox-static. HV_ENGINE_ARGS: more arguments for dockerd. HV_ENGINE_DISK: its data lies on an ext4 of that size
# (truncate's words: 600M), which is mounted in its namespace alone.
set -euo pipefail
PATH=${HV_ENGINE_PATH:+$HV_ENGINE_PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C

die() { echo "engine.sh: $*" >&2; exit 1; }
api() { curl -sS -m 30 --unix-socket "$D/sock" "$@"; }
alive() { [ -n "${1:-}" ] && [ -d "/proc/$1" ] && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }
pid_of() { cat "$D/$1.pid" 2>/dev/null || true; }
inside() { nsenter --target "$(pid_of holder)" --net --mount -- "$@"; }

# Ends with the namespace, as its loop device does.
own_disk() {
        truncate -s "$HV_ENGINE_DISK" "$D/disk"
        mkfs.ext4 -q -m 0 "$D/disk"
        mkdir -p "$D/data"
        inside mount -o loop "$D/disk" "$D/data"
}

# A dockerd that ends gives its containers 10 s, and then needs some of its own.
wait_gone() { for _ in $(seq 1200); do alive "$1" || return 0; sleep 0.05; done; return 1; }
wait_answer() {
        for _ in $(seq 1200); do
                [ "$(api http://d/_ping 2>/dev/null || true)" = OK ] && return 0
                alive "$(pid_of engine)" || break
                sleep 0.05
        done
        tail -n 20 "$D/log" >&2
        die "the engine does not answer"
}

# The namespaces live as long as this process: an engine that was killed comes back to its own bridges and mounts.
hold_namespaces() {
        setsid unshare --net --mount --propagation private sleep infinity </dev/null >/dev/null 2>&1 &
        echo $! >"$D/holder.pid"
        for _ in $(seq 1200); do
                [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
                sleep 0.05
        done
        inside ip link set lo up
}

run_docker() {
        local tables=true
        inside iptables -t nat -L -n >/dev/null 2>&1 || tables=false
        # shellcheck disable=SC2086
        (exec nsenter --target "$(pid_of holder)" --net --mount -- setsid dockerd --data-root "$D/data" --exec-root "$D/exec" --pidfile "$D/dockerd.pid" -H "unix://$D/sock" \
                --iptables=$tables --ip6tables=false --shutdown-timeout 3 --log-level warn ${HV_ENGINE_ARGS:-} \
                >>"$D/log" 2>&1 </dev/null) &
        for _ in $(seq 1200); do
                [ -s "$D/dockerd.pid" ] && alive "$(cat "$D/dockerd.pid")" && break
                sleep 0.05
        done
        cp "$D/dockerd.pid" "$D/engine.pid" 2>/dev/null || { tail -n 20 "$D/log" >&2; die "dockerd does not start"; }
}

# crun refuses a machine whose cgroup2 mount has a controller beside version 1, runc does not. Limits above the hard ones
# would need CAP_SYS_RESOURCE; podman asks for them unless told otherwise.
podman_settings() {
        local files port user=16384
        files=$(ulimit -Hn)
        cat >"$D/containers.conf" <<-END
                [engine]
                cgroup_manager = "cgroupfs"
                events_logger = "file"
                tmp_dir = "$D/tmp"
                [containers]
                log_driver = "k8s-file"
                default_ulimits = ["nofile=$files:$files", "nproc=$user:$user"]
                [network]
                network_config_dir = "$D/networks"
END
        # Registries of tests speak plain HTTP on the loopback, which docker takes for granted.
        for port in 5000 5001 5003 5004; do
                printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$port"
        done >"$D/registries.conf"
}

podman_here() {
        inside env CONTAINERS_CONF="$D/containers.conf" TMPDIR="$D/tmp" podman --root "$D/data" --runroot "$D/run" --tmpdir "$D/tmp" \
                --runtime runc "$@"
}

run_podman() {
        mkdir -p "$D/tmp" "$D/networks"
        podman_settings
        (exec nsenter --target "$(pid_of holder)" --net --mount -- \
                env CONTAINERS_CONF="$D/containers.conf" CONTAINERS_REGISTRIES_CONF="$D/registries.conf" TMPDIR="$D/tmp" setsid podman --root "$D/data" --runroot "$D/run" \
                --tmpdir "$D/tmp" --runtime runc system service -t 0 "unix://$D/sock" >>"$D/log" 2>&1 </dev/null) &
        echo $! >"$D/engine.pid"
}

run_engine() {
        # containerd dies with a dockerd that is killed, but as a zombie that nobody has buried yet it looks alive to the next.
        alive "$(cat "$D/exec/containerd/containerd.pid" 2>/dev/null)" || rm -f "$D/exec/containerd/containerd.pid"
        rm -f "$D/sock" "$D/dockerd.pid"
        "run_$(cat "$D/kind")"
        wait_answer
}

# One layer: busybox and its names.
make_image() {
        local root=$D/image name id
        mkdir -p "$root/bin" "$root/tmp" "$root/etc"
        chmod 1777 "$root/tmp"
        cp "$(command -v busybox)" "$root/bin/busybox"
        for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
        name=
        echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
        tar -C "$root" -cf "$D/image.tar" .
        [ "$(cat "$D/kind")" = podman ] || name='&repo=hv/busybox&tag=1' # podman knows only the repo, and adds "latest"
        id=$(api -X POST -H 'Content-Type: application/x-tar' --data-binary "@$D/image.tar" \
                "http://d/images/create?fromSrc=-${name:-}" | sed -n 's/.*"status":"\([^"]*\)".*/\1/p' | tail -n 1)
        if [ "$(cat "$D/kind")" = podman ]; then
                api -X POST "http://d/images/${id#sha256:}/tag?repo=docker.io/hv/busybox&tag=1" >/dev/null
        fi
        rm -rf "$root" "$D/image.tar"
        api -f -o /dev/null 'http://d/images/hv/busybox:1/json' || die "image hv/busybox:1 was not made ($id)"
}

# What an engine that died left: shims (they have DIR among their arguments) and the containers below them.
end_leftovers() {
        local p c
        for p in /proc/[0-9]*; do
                p=${p#/proc/}
                [ "$p" != $$ ] && [ "$p" != "$(pid_of holder)" ] || continue
                tr '\0' '\n' 2>/dev/null <"/proc/$p/cmdline" | grep -qF "$D/" || continue
                case $(cat "/proc/$p/comm" 2>/dev/null) in
                containerd*|dockerd|docker-proxy|conmon|podman|dnsmasq|netavark|aardvark-dns) ;;
                *) continue ;;
                esac
                for c in $(cat "/proc/$p/task/$p/children" 2>/dev/null); do kill -9 "$c" 2>/dev/null || true; done
                kill -9 "$p" 2>/dev/null || true
        done
}

start() {
        [ "$(id -u)" = 0 ] || die "needs root"
        [ ${#D} -le 60 ] || die "$D is too long for the sockets in it"
        stop
        mkdir -p "$D"
        echo "$1" >"$D/kind"
        hold_namespaces
        [ -z "${HV_ENGINE_DISK:-}" ] || own_disk
        run_engine
        make_image
        echo "$D/sock"
}

stop() {
        [ -e "$D/kind" ] || { rm -rf "$D"; return 0; }
        local engine containerd
        engine=$(pid_of engine)
        containerd=$(cat "$D/exec/containerd/containerd.pid" 2>/dev/null || true)
        if [ "$(cat "$D/kind")" = podman ] && alive "$(pid_of holder)"; then
                podman_here rm -af -t 0 >/dev/null 2>&1 || true
        elif alive "$engine"; then
                for id in $(api 'http://d/containers/json' 2>/dev/null | grep -o '"Id":"[0-9a-f]*"' | cut -d'"' -f4); do
                        api -X POST "http://d/containers/$id/kill" >/dev/null 2>&1 || true
                done
        fi
        if alive "$engine"; then kill "$engine" 2>/dev/null || true; wait_gone "$engine" || kill -9 "$engine" || true; fi
        if alive "$containerd"; then kill "$containerd" 2>/dev/null || true; wait_gone "$containerd" || true; fi
        end_leftovers
        if alive "$(pid_of holder)"; then kill -9 "$(pid_of holder)"; wait_gone "$(pid_of holder)" || true; fi
        for _ in $(seq 50); do rm -rf "$D" 2>/dev/null && return 0; sleep 0.1; done
        rm -rf "$D"
}

[ $# -ge 2 ] || die "usage: engine.sh start KIND DIR | restart DIR | term DIR | kill DIR | stop DIR"
case $1 in
start) [ $# = 3 ] || die "start KIND DIR"; D=$3 ;;
*) D=$2 ;;
esac
[ "${D#/}" != "$D" ] || die "$D is not absolute"
case $1 in
start) case $2 in docker|podman) start "$2" ;; *) die "no engine of kind $2" ;; esac ;;
restart) run_engine ;;
term) kill "$(pid_of engine)"; wait_gone "$(pid_of engine)" ;;
kill) kill -9 "$(pid_of engine)"; wait_gone "$(pid_of engine)" ;;
stop)
        all=$D # and those beside it, of tests that crashed
        for D in "$all"-[0-9]* "$all"; do [ ! -e "$D" ] || stop; done
        ;;
*) die "no command $1" ;;
esac
