#!/usr/bin/env bash
# hack/private-engine.sh - a dockerd of our own, apart from any other on this machine.
#
#   hack/private-engine.sh start DIR [DOCKERD-OPTION...]   prints the socket's path once the engine answers
#   hack/private-engine.sh stop DIR                        ends it, its containers too, and removes DIR
#
# Data, pid and socket lie below DIR, an absolute path. It makes no default bridge and no firewall rule, so it works
# in a container as well and changes nothing for its neighbours: networks that are made by name still work, ports on
# loopback are carried by docker-proxy, and containers do not reach the outside. Needs root.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"

ping_engine() {
        curl -s -f -o /dev/null --max-time 2 --unix-socket "$SOCKET" http://engine/_ping
}

is_ours() {
        [ -s "$DIR/pid" ] && tr '\0' ' ' <"/proc/$(cat "$DIR/pid")/cmdline" 2>/dev/null | grep -qF -- "$DIR/data"
}

# Says why, as far as dockerd's log knows: the last lines that are not chatter.
explain_failure() {
        grep -vE 'level=(info|debug)' "$DIR/log" | tail -n 5 >&2 || true
        if grep -qiE 'operation not permitted|permission denied' "$DIR/log"; then
                printf '%s\n' "In a container, an engine needs the right to mount and to make namespaces (CAP_SYS_ADMIN, CAP_NET_ADMIN)." >&2
        fi
        if grep -qi 'cgroup' <(grep -E 'level=(fatal|error)|failed to start' "$DIR/log"); then
                printf '%s\n' "In a container, /sys/fs/cgroup must be mounted and writable." >&2
        fi
}

start() {
        [ "$(id -u)" -eq 0 ] || die "starting an engine needs root"
        command -v dockerd >/dev/null || die "dockerd is not installed: run hack/install-deps.sh --engine"
        # dockerd puts sockets below its exec root, and a socket's path may hold 107 bytes.
        [ ${#DIR} -le 70 ] || die "$DIR is too long a path for the engine's sockets (${#DIR} bytes, 70 are possible)"
        if is_ours && ping_engine; then
                printf '%s\n' "$SOCKET"
                return
        fi
        mkdir -p "$DIR"
        rm -f "$DIR/pid" "$SOCKET"
        setsid dockerd --data-root "$DIR/data" --exec-root "$DIR/exec" --pidfile "$DIR/pid" -H "unix://$SOCKET" \
                --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false "$@" \
                >"$DIR/log" 2>&1 </dev/null &
        local child=$!
        for _ in $(seq 300); do
                if ping_engine; then
                        printf '%s\n' "$SOCKET"
                        return
                fi
                kill -0 $child 2>/dev/null || break
                sleep 0.1
        done
        explain_failure
        kill $child 2>/dev/null || true
        die "dockerd does not answer; its log is $DIR/log"
}

stop() {
        local pid mount
        if is_ours; then
                pid=$(cat "$DIR/pid")
                kill "$pid"
                # dockerd gives its containers 10 s each, all at once, before it kills them.
                for _ in $(seq 300); do
                        kill -0 "$pid" 2>/dev/null || break
                        sleep 0.1
                done
                ! kill -0 "$pid" 2>/dev/null || die "dockerd (pid $pid) does not end"
        fi
        # What a killed engine leaves mounted; the deepest first.
        while IFS= read -r mount; do
                umount -l "$mount"
        done < <(awk -v dir="$DIR/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
        rm -rf "$DIR"
}

ACTION=${1:-} DIR=${2:-}
case $DIR in
/*) ;;
*) die "usage: hack/private-engine.sh start|stop DIR (an absolute path)" ;;
esac
SOCKET=$DIR/engine.sock
shift 2
case $ACTION in
start) start "$@" ;;
stop) stop ;;
*) die "usage: hack/private-engine.sh start|stop DIR (an absolute path)" ;;
esac
