#!/usr/bin/env bash
# test/nspawn/newcomer.sh [--all-tests] - what somebody types who has just cloned hivelet, on a Debian 12 on which nothing is
# installed.
#
#   1. ./hack/quickstart.sh           what it promises is there: the page, both services
#   2. every command that it printed  does what stands beside it
#   3. ./hack/quickstart.sh           again: changes nothing
#   4. ./hack/quickstart.sh --stop    no process, container, bridge, mount or file is left
#   5. ./hack/test.sh --quick         passes; with --all-tests: all of ./hack/test.sh
#
# Needs root and debootstrap. The demo's ports, 8088 and 5000 on loopback, must be free: a newcomer chooses none.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
SUITE=bookworm ALL_TESTS='' INSIDE=''
for arg in "$@"; do
        case $arg in
        --all-tests) ALL_TESTS=yes ;;
        --inside) INSIDE=yes ;; # we are on the fresh machine
        *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 64 ;;
        esac
done
if [ -z "$INSIDE" ]; then
        exec "$ROOT/hack/fresh-debian" "$SUITE" ./test/nspawn/newcomer.sh --inside "$@"
fi

cd "$ROOT"
STATE=$ROOT/.hivelet
PRINTED=/root/printed

say() {
        printf '== %s (%s s)\n' "$*" "$SECONDS"
}

die() {
        printf 'newcomer: %s\n' "$*" >&2
        exit 1
}

engine() {
        curl -sS -f --unix-socket "$STATE/engine/engine.sock" "http://engine$1"
}

# When each container of the demo was started: a restart shows.
starts() {
        local name
        for name in hive-clock hive-web; do
                engine "/containers/$name/json" | grep -o '"StartedAt":"[^"]*"'
        done
}

# until_true WHAT COMMAND...: the command holds within three minutes.
until_true() {
        local what=$1
        shift
        for _ in $(seq 900); do
                ! "$@" >/dev/null 2>&1 || return 0
                sleep 0.2
        done
        die "waited 180 s in vain: $what"
}

page_is_there() {
        curl -s -f --max-time 5 http://127.0.0.1:8088/ | grep -q 'It runs'
}

others() {
        local pid
        for pid in /proc/[0-9]*; do
                pid=${pid#/proc/}
                if [ "$pid" -ne 1 ] && [ "$pid" -ne $$ ] && [ "$pid" -ne "$BASHPID" ] && [ -n "$(tr -d '\0' <"/proc/$pid/cmdline" 2>/dev/null)" ]; then
                        printf 'process %s: %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
                fi
        done
}

mounts() {
        cut -d ' ' -f 5 /proc/self/mountinfo | sort
}

# What the demo has in the kernel, by the engine's ids, so that nobody else's is meant.
traces() {
        engine '/containers/json?all=1' | grep -o '"Id":"[0-9a-f]*"' | sed 's/"Id":"\(.*\)"/container \1/' || true
        engine /networks | grep -o '"Id":"[0-9a-f]*"' | sed 's/"Id":"\(.\{12\}\).*/bridge br-\1/'
}

# --- what the demo prints ---------------------------------------------------------------------------------

# The command of the first printed line that begins so, as a person would copy it: without the remark behind it.
printed() {
        local line
        line=$(grep -m 1 -F -- "  $1" "$PRINTED") || die "the quick start prints no line with: $1"
        sed 's/^ *//; s/   *.*$//' <<<"$line"
}

# types PREFIX EXIT-CODE PATTERN: the command that the quick start prints with this prefix ends so and prints this.
types() {
        local line out code=0
        line=$(printed "$1")
        TYPED+=("$line")
        out=$(run_typed "$line" 2>&1) || code=$?
        if [ $code -ne "$2" ] || ! grep -qE -- "$3" <<<"$out"; then
                die "typed: $line; expected: exit code $2, $3; came: exit code $code, $out"
        fi
}

# One line at a shell prompt where the printed alias holds.
run_typed() {
        bash -c "shopt -s expand_aliases
$ALIAS
$1"
}

# The same for a command that goes on until it is interrupted; its output goes to a file.
watch_typed() {
        local line
        line=$(printed "$1")
        TYPED+=("$line")
        run_typed "$line" >"$2" 2>&1 &
        WATCHES+=($!)
}

every_command_was_typed() {
        local line command
        while IFS= read -r line; do
                command=$(sed 's/^ *//; s/   *.*$//' <<<"$line")
                printf '%s\n' "${TYPED[@]}" | grep -qxF -- "$command" || die "the quick start prints a command that this test does not type: $command"
        done < <(sed -n '/^What to try/,$p' "$PRINTED" | grep -E '^  [a-z$]')
}

follow_what_was_printed() {
        local config address
        TYPED=() WATCHES=()
        ALIAS=$(sed -n 's/^What to try.*\(alias .*\)/\1/p' "$PRINTED")
        [ -n "$ALIAS" ] || die "the quick start prints no alias"
        address=$(sed -n 's/^The page of the demo *//p' "$PRINTED")
        curl -sS -f "$address" | grep -q 'It runs' || die "the page at $address does not say that it runs"
        address=$(sed -n "s/^The agent's own word *//p" "$PRINTED")
        curl -sS -f "$address" | grep -q '^\[+\]' || die "$address shows no check that passed"

        types 'hivectl status' 0 'Synced|in sync'
        types 'hivectl describe' 0 'hive-web'
        types 'hivectl explain' 0 'volume|port'
        watch_typed 'hivectl events' /root/events
        watch_typed 'hivectl logs' /root/logs
        until_true "the log of web shows a request" page_in_log

        # What is killed comes back, and the open window tells.
        before=$(starts)
        types 'docker -H' 0 '.'
        until_true "the events tell of hive-web's end and start" event_was_told
        until_true "the page is back" page_is_there

        # A plan does nothing.
        types 'sed ' 2 'limits.cpu: 200m -> 150m'
        limit_is 200000000 || die "hivectl plan changed a limit"

        # A limit that somebody saves in an editor changes in place.
        # shellcheck disable=SC2016 # it is printed so
        config=$(printed '$EDITOR')
        TYPED+=("$config")
        before=$(starts)
        edit 's/cpu: 200m/cpu: 150m/' "$config"
        until_true "the limit is the engine's" limit_is 150000000
        [ "$(starts)" = "$before" ] || die "a changed limit restarted something"
        edit 's/cpu: 150m/cpu: 200m/' "$config"
        until_true "the limit is the first again" limit_is 200000000
        every_command_was_typed
        # The log ended with the container that was killed, as it does with an engine.
        kill "${WATCHES[@]}" 2>/dev/null || true
        wait "${WATCHES[@]}" 2>/dev/null || true
}

# edit CHANGE LINE: what an editor does that is started by the line and told to make this change (for sed).
edit() {
        printf '#!/bin/sh\nsed -i "%s" "$1"\n' "$1" >/root/editor
        chmod +x /root/editor
        EDITOR=/root/editor run_typed "$2"
}

page_in_log() {
        page_is_there && grep -q 'GET\|response' /root/logs
}

event_was_told() {
        grep -q 'svc/web\|web' /root/events && [ "$(starts)" != "$before" ]
}

limit_is() {
        engine /containers/hive-clock/json | grep -q "\"NanoCpus\":$1[,}]"
}

# --- the session ------------------------------------------------------------------------------------------

mounts_before=$(mounts)
status_before=$(git status --short)
say "./hack/quickstart.sh on a bare machine"
./hack/quickstart.sh | tee "$PRINTED"
until_true "the page says that it runs" page_is_there

say "what it printed"
follow_what_was_printed

say "./hack/quickstart.sh again"
before=$(starts)
./hack/quickstart.sh >/root/again
[ "$(starts)" = "$before" ] || die "the second run restarted a container"
grep -qF './hack/quickstart.sh --stop' /root/again || die "the second run does not say how it ends"

say "./hack/quickstart.sh --stop"
left=$(traces)
./hack/quickstart.sh --stop
for trace in $(sed -n 's/^container //p' <<<"$left"); do
        [ -z "$(find /sys/fs/cgroup -maxdepth 4 -name "*$trace*" -print -quit 2>/dev/null)" ] || die "left behind: the cgroup of container $trace"
done
for trace in $(sed -n 's/^bridge //p' <<<"$left"); do
        [ ! -e "/sys/class/net/$trace" ] || die "left behind: the bridge $trace"
done
left=$(others)
[ -z "$left" ] || die "left behind: $left"
left=$(diff <(printf '%s\n' "$mounts_before") <(mounts)) || die "left behind among the mounts: $left"
[ ! -e "$STATE" ] || die "left behind: $STATE"
[ "$(git status --short)" = "$status_before" ] || die "changed in the checkout: $(git status --short)"
./hack/quickstart.sh --stop | grep -q 'nothing to stop' || die "a second --stop does not say that there is nothing to stop"

if [ -n "$ALL_TESTS" ]; then
        say "./hack/test.sh"
        ./hack/test.sh
else
        say "./hack/test.sh --quick"
        ./hack/test.sh --quick
fi
left=$(others)
[ -z "$left" ] || die "left behind by the tests: $left"
say "both commands of the README pass"
