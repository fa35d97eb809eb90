#!/usr/bin/env bash
# hack/quickstart.sh - from a fresh checkout to a running demo, and back.
#
#   hack/quickstart.sh          installs what is missing, builds, starts an engine where none answers, makes a demo
#                               image, starts hivelet on config/quickstart.yaml and waits until all of it runs
#   hack/quickstart.sh --stop   ends all that the first form started and removes what it made
#
# All state lies in .hivelet/ of this checkout. Running it again changes only what is not as it should be. As another
# user than root it needs an engine that the user may talk to; DOCKER_HOST=unix://PATH names one.
#
# DEMO_PORT (8088) is the port of the demo page on loopback, DEMO_HTTP (127.0.0.1:5000) where the agent's API listens, and
# DEMO_TIMEOUT (90) the seconds that all may take until it runs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"

STATE=$HV_ROOT/.hivelet
ENGINE_DIR=$STATE/engine
CONFIG=$HV_ROOT/config/quickstart.yaml
NODE=quickstart
IMAGE=localhost/hivelet-demo:1
BUILD=$HV_ROOT/build/release
AGENT=$BUILD/cmd/hivelet/hivelet
CTL=$BUILD/cmd/hivectl/hivectl
export DEMO_PORT=${DEMO_PORT:-8088} DEMO_HTTP=${DEMO_HTTP:-127.0.0.1:5000}
DEMO_TIMEOUT=${DEMO_TIMEOUT:-90}

usage() {
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
}

# --- the engine -------------------------------------------------------------------------------------------

# engine METHOD PATH [CURL-OPTION...]: one call of the engine's API; fails on an HTTP error.
engine() {
        local method=$1 path=$2
        shift 2
        curl -sS --fail-with-body -X "$method" --unix-socket "$SOCKET" "$@" "http://engine$path"
}

answers() {
        [ -S "$1" ] && curl -s -f -o /dev/null --max-time 5 --unix-socket "$1" http://engine/_ping
}

# Sets SOCKET to the engine that answers: the one DOCKER_HOST names, our own, or the machine's. Fails where none does.
find_engine() {
        local candidate
        case ${DOCKER_HOST:-} in
        '') ;;
        unix://*)
                SOCKET=${DOCKER_HOST#unix://}
                answers "$SOCKET" || die "DOCKER_HOST is $DOCKER_HOST, and no engine answers there"
                return 0
                ;;
        *) die "DOCKER_HOST is $DOCKER_HOST: only unix:// sockets are supported; unset it to let this script start an engine" ;;
        esac
        for candidate in "$ENGINE_DIR/engine.sock" /var/run/docker.sock; do
                if answers "$candidate"; then
                        SOCKET=$candidate
                        return 0
                fi
                if [ -S "$candidate" ] && [ ! -w "$candidate" ]; then
                        die "$(id -un) may not talk to the engine at $candidate: run this script as root, or join the group that owns the socket (that is as good as being root)"
                fi
        done
        return 1
}

start_engine() {
        [ "$(id -u)" -eq 0 ] || die "no engine answers at /var/run/docker.sock, and starting one needs root: run this script as root, or start Docker"
        say "no engine answers: starting a private dockerd in .hivelet/engine"
        "$HV_ROOT/hack/install-deps.sh" --engine
        SOCKET=$("$HV_ROOT/hack/private-engine.sh" start "$ENGINE_DIR")
}

# Static busybox with a link for each of its commands, as an image. No registry is asked.
make_image() {
        local root
        if engine GET "/images/$IMAGE/json" -o /dev/null 2>/dev/null; then
                return 0
        fi
        say "making the image $IMAGE from busybox"
        root=$(mktemp -d)
        mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,site}
        cp "$(command -v busybox)" "$root/bin/busybox"
        "$root/bin/busybox" --list | while IFS= read -r command; do
                [ "$command" = busybox ] || ln -s busybox "$root/bin/$command"
        done
        printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
        tar -C "$root" --owner=0 --group=0 --numeric-owner -cf - . |
                engine POST "/images/create?fromSrc=-&repo=${IMAGE%:*}&tag=${IMAGE##*:}" -T - >"$STATE/image.log" ||
                die "the engine did not take the image: $(tail -c 400 "$STATE/image.log")"
        rm -rf "$root"
        engine GET "/images/$IMAGE/json" -o /dev/null || die "the engine took the image and does not show it as $IMAGE"
}

# --- the agent --------------------------------------------------------------------------------------------

build() {
        say "building"
        (
                cd "$HV_ROOT"
                # The tests need more packages than the programs do. A compiler that is newer than ours may warn of more.
                cmake --preset release -DHV_TESTS="$(pkg-config --exists cmocka && echo ON || echo OFF)" --log-level=WARNING >/dev/null &&
                        cmake --build build/release -j "$(jobs_default)" --target hivelet hivectl >"$STATE/build.log" 2>&1
        ) || { tail -n 40 "$STATE/build.log" >&2; die "the build failed, see above"; }
}

# The pid of our agent, nothing where it does not run.
agent_pid() {
        local pid
        pid=$(cat "$STATE/hivelet.pid" 2>/dev/null) || return 0
        if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$STATE/run"; then
                printf '%s\n' "$pid"
        fi
}

stop_agent() {
        local pid
        pid=$(agent_pid)
        [ -n "$pid" ] || return 0
        kill "$pid"
        for _ in $(seq 200); do
                kill -0 "$pid" 2>/dev/null || return 0
                sleep 0.1
        done
        die "hivelet (pid $pid) does not end; its log is $STATE/hivelet.log"
}

# What a try as another user left behind is taken over by root; the other way round it cannot be.
own_state() {
        if [ -d "$STATE" ] && [ ! -O "$STATE" ] && [ "$(id -u)" -ne 0 ]; then
                die ".hivelet belongs to $(stat -c %U "$STATE"): run this as $(stat -c %U "$STATE"), or end that demo first, with --stop"
        fi
        mkdir -p "$STATE/conf.d"
        chown "$(id -u)" "$STATE" "$STATE/conf.d"
        chmod 0755 "$STATE" "$STATE/conf.d"
}

# hivelet reads a desired state only from a file that nobody but its own user or root could have written. A checkout of
# somebody else's, or one that a group may write, is read from a copy. Sets CONFIG.
choose_config() {
        local owner
        owner=$(stat -c %u "$CONFIG")
        if { [ "$owner" -ne "$(id -u)" ] && [ "$owner" -ne 0 ]; } || [ -n "$(find "$CONFIG" -perm /022)" ]; then
                [ -e "$STATE/quickstart.yaml" ] || install -m 0644 "$CONFIG" "$STATE/quickstart.yaml"
                CONFIG=$STATE/quickstart.yaml
                say "others than $(id -un) may write config/quickstart.yaml: hivelet reads a copy, .hivelet/quickstart.yaml"
        fi
}

start_agent() {
        local pid
        pid=$(agent_pid)
        if [ -n "$pid" ]; then
                # The program was rebuilt since: its containers run on while it is exchanged.
                case $(readlink "/proc/$pid/exe") in
                *' (deleted)') stop_agent ;;
                *) return 0 ;;
                esac
        fi
        say "starting hivelet"
        setsid "$AGENT" --config "$CONFIG" --config-dir "$STATE/conf.d" --state-dir "$STATE/state" --run-dir "$STATE/run" \
                --docker "unix://$SOCKET" --node-id "$NODE" >>"$STATE/hivelet.log" 2>&1 </dev/null &
        printf '%s\n' $! >"$STATE/hivelet.pid"
}

ctl() {
        "$CTL" --socket "$STATE/run/hivelet.sock" "$@"
}

wait_synced() {
        local end=$((SECONDS + DEMO_TIMEOUT)) status line shown='' code
        while :; do
                code=0
                status=$(ctl status --check 2>&1) || code=$?
                [ $code -ne 0 ] || return 0
                # 1: what the file says was refused, and waiting changes nothing about that.
                [ $code -ne 1 ] || { printf '%s\n' "$status" >&2; die "hivelet refuses ${CONFIG#"$HV_ROOT/"}, see above; correct it and run this again"; }
                [ -n "$(agent_pid)" ] || { tail -n 20 "$STATE/hivelet.log" >&2; die "hivelet has ended; the end of .hivelet/hivelet.log stands above"; }
                line=$(sed -n 's/^Status *//p' <<<"$status")
                if [ -n "$line" ] && [ "$line" != "$shown" ]; then
                        say "waiting: $line"
                        shown=$line
                fi
                [ $SECONDS -lt $end ] || break
                sleep 0.3
        done
        printf '%s\n' "$status" >&2
        for service in clock web; do
                ctl why "svc/$service" >&2 || true
        done
        die "not all of it runs after $DEMO_TIMEOUT s; hivelet goes on trying, its log is .hivelet/hivelet.log"
}

show() {
        local ctl="./${CTL#"$HV_ROOT/"} --socket .hivelet/run/hivelet.sock"
        printf '\n'
        ctl get svc
        cat <<EOT

The page of the demo     http://127.0.0.1:$DEMO_PORT/
The agent's own word     http://$DEMO_HTTP/readyz?verbose
What to try next, with   alias hivectl='$ctl'

  hivectl status                    what is wanted, what runs, what is next
  hivectl describe svc/web          one service in full
  hivectl logs -f svc/web           its output
  hivectl events -f                 leave this open, then ...
  docker -H unix://$SOCKET kill hive-web
                                    ... watch it come back
  \$EDITOR ${CONFIG#"$HV_ROOT/"}    ... change a limit or an argument and save
  sed s/200m/150m/ ${CONFIG#"$HV_ROOT/"} | hivectl plan -f -
                                    what a change would do, without doing it
  hivectl explain services.ports    what can stand in the file

All of it ends with      ./hack/quickstart.sh --stop
EOT
}

# --- --stop -----------------------------------------------------------------------------------------------

# Removes what carries this node's mark: containers first, then networks and volumes.
remove_objects() {
        local filter id
        filter=$(printf '{"label":["io.hivelet.managed=true","io.hivelet.node=%s"]}' "$NODE")
        ids() { # PATH KEY
                engine GET "$1" -G --data-urlencode "filters=$filter" |
                        tr ',{}' '\n' | sed -n "s/^\"$2\":\"\([^\"]*\)\"\$/\1/p" | sort -u
        }
        ids "/containers/json?all=1" Id | while IFS= read -r id; do
                engine DELETE "/containers/$id?force=1" >/dev/null
        done
        ids /networks Id | while IFS= read -r id; do
                engine DELETE "/networks/$id" >/dev/null
        done
        ids /volumes Name | while IFS= read -r id; do
                engine DELETE "/volumes/$id" >/dev/null
        done
        engine DELETE "/images/$IMAGE" >/dev/null 2>&1 || true
}

stop_all() {
        if [ ! -d "$STATE" ]; then
                say "nothing to stop"
                return
        fi
        stop_agent
        if find_engine; then
                say "removing what the demo made"
                remove_objects
        fi
        if [ -d "$ENGINE_DIR" ]; then
                say "stopping the private dockerd"
                "$HV_ROOT/hack/private-engine.sh" stop "$ENGINE_DIR"
        fi
        rm -rf "$STATE"
        say "stopped; nothing of the demo is left"
}

# --- the run ----------------------------------------------------------------------------------------------

case ${1:-} in
'') ;;
--stop) stop_all; exit 0 ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 64 ;;
esac

own_state
"$HV_ROOT/hack/install-deps.sh" --demo
build
find_engine || start_engine
make_image
choose_config
"$CTL" schema >"$STATE/hivelet.schema.json" # what an editor completes and checks config/quickstart.yaml by
start_agent
wait_synced
show
