# shellcheck shell=bash
# test/nspawn/cases.sh - the cases of the installed agent under a real systemd, for whoever has booted a node (run.sh beside this
# file in systemd-nspawn, test/vm/guest.sh on a kernel of its own).
#
# Sourced after these are set:
#   inside COMMAND...  a function: runs a command on the node, as root, with an environment of its own
#   $run               a folder for what a case writes
#   $shipped           a folder with the node file and the catalog as they were shipped: node.yaml, hivelet.catalog
#   $patience          by how much waiting may last longer than on a quick machine that does nothing else
# Then `run_cases NAME...`.
# shellcheck disable=SC2154

# --- what cases ask ---------------------------------------------------------------------------------------

# until_true SECONDS COMMAND...: asks again until it is so. Fails, saying what it waited for.
until_true() {
        local give_up=$((SECONDS + $1 * patience))
        shift
        until "$@" >/dev/null 2>&1; do
                if [ $SECONDS -ge $give_up ]; then
                        printf 'still not so: %s\n' "$*"
                        return 1
                fi
                sleep 0.1
        done
}

property() {
        inside systemctl show hivelet.service --value -p "$1"
}

is_property() {
        [ "$(property "$1")" = "$2" ]
}

# GET PATH of the engine. Its own client takes seconds to begin where it is emulated.
engine() {
        inside curl -sS -f --unix-socket /run/docker.sock "http://engine$1"
}

# The container of a service: id and start, so that a restart or a replacement shows.
container() {
        engine "/containers/hive-$1/json" | jq -r '"\(.Id) \(.State.StartedAt) \(.State.Status)"'
}

pid_of() {
        engine "/containers/hive-$1/json" | jq -r .State.Pid
}

is_running() {
        [[ $(container "$1" 2>/dev/null) == *\ running ]]
}

# Of all that was sent to the journal until now.
journal() {
        inside journalctl --sync
        inside journalctl -q -o json --no-pager "$@"
}

# What the API's socket answers to GET PATH.
http_status() {
        inside curl -sS -o /dev/null -w '%{http_code}' --unix-socket /run/hivelet/hivelet.sock "http://localhost$1"
}

# same WHAT WANT GOT
same() {
        [ "$2" = "$3" ] || { printf '%s: want "%s", got "%s"\n' "$1" "$2" "$3"; return 1; }
}

# like WHAT PATTERN GOT
like() {
        # shellcheck disable=SC2053
        [[ $3 == $2 ]] || { printf '%s: want %s, got "%s"\n' "$1" "$2" "$3"; return 1; }
}

# The node file as it was shipped, with whatever comes on standard input added.
write_node() {
        { cat "$shipped/node.yaml"; cat; } >"$run/node.yaml"
        inside sh -c 'cat >/etc/hivelet/node.yaml.new && mv /etc/hivelet/node.yaml.new /etc/hivelet/node.yaml' <"$run/node.yaml"
}

# --- cases: each runs in a shell of its own with `set -e` ------------------------------------------------------

case_units() {
        inside systemd-analyze verify --man=no hivelet.service hivelet.slice hivelet-services.slice hivelet-tasks.slice
        inside systemd-analyze security --offline=yes --threshold=35 hivelet.service >/dev/null
        inside systemd-sysusers hivelet.conf
        inside getent group hivelet >/dev/null
        inside systemd-tmpfiles --create hivelet.conf
        same "mode of the state folder" "700 root" "$(inside stat -c '%a %U' /var/lib/hivelet)"
        inside systemctl preset hivelet.service
        same "preset" enabled "$(inside systemctl is-enabled hivelet.service)"
}

case_catalog() {
        local id
        inside journalctl --update-catalog
        while read -r id; do
                like "catalog entry $id" "*Subject: *Defined-By: hivelet*" "$(inside journalctl --dump-catalog "$id")"
        done < <(sed -n 's/^-- //p' "$shipped/hivelet.catalog")
}

case_engine() {
        inside update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null 2>&1 || true
        inside systemctl start docker.service
        inside docker import /usr/lib/hivelet-test/image.tar localhost/hivelet-test:1
}

case_start_returns_after_ready() {
        local ready entered
        inside systemctl start hivelet.service
        same ActiveState active "$(property ActiveState)"
        # READY is sent once the machine has been seen whole; that is an event of its own, logged before.
        ready=$(journal HIVELET_EVENT=AgentReady _SYSTEMD_UNIT=hivelet.service | jq -r ._SOURCE_REALTIME_TIMESTAMP)
        same "events AgentReady" 1 "$(wc -w <<<"$ready")"
        entered=$(inside systemctl show hivelet.service --timestamp=us+utc --value -p ActiveEnterTimestamp)
        [ "$ready" -le "$(date -d "$entered" +%s%6N)" ]
        same "agent's cgroup" /system.slice/hivelet.service "$(property ControlGroup)"
        until_true 30 is_running web
}

case_status() {
        until_true 20 status_has '1/1'
        like "systemctl status" "*Status: \"*1/1*" "$(inside systemctl status --no-pager hivelet.service)"
}

status_has() {
        [[ $(property StatusText) == *"$1"* ]]
}

case_socket() {
        same "mode of the socket" "660 root hivelet" "$(inside stat -c '%a %U %G' /run/hivelet/hivelet.sock)"
        like "the API's answer" '*web*' \
                "$(inside curl -sS --unix-socket /run/hivelet/hivelet.sock http://localhost/api/v1/services)"
        same "/readyz" 200 "$(inside curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:5000/readyz)"
        same "/readyz from a foreign name" 421 \
                "$(inside curl -sS -o /dev/null -w '%{http_code}' -H 'Host: evil.example' http://127.0.0.1:5000/readyz)"
}

case_hivectl() {
        like "hivectl get" '*web*' "$(inside hivectl get services)"
        inside hivectl status --check
}

# Workloads hang below a slice of their own, beside the agent, so that they are seen and limited as one.
case_slice() {
        local pid
        pid=$(pid_of web)
        like "the container's cgroup" '*/hivelet.slice/hivelet-services.slice/*' "$(inside cat "/proc/$pid/cgroup")"
}

# What all workloads together may take: systemd is asked for it, the kernel shows it, and it stays so, whoever changes it and
# whatever systemd reads anew. Nobody else's unit is changed.
case_caps() {
        local web others mended
        inside systemctl start hivelet.service
        until_true 60 is_running web
        web=$(container web)
        inside systemd-run --quiet --unit=neighbour --slice=neighbour.slice -p CPUQuota=70% -p MemoryMax=300M sleep infinity
        others=$(caps_of_others)
        write_node <<-'YAML'
		  node: {reconcile: {resync: 1s}}
		  resources: {limits: {cpu: 1500m, memory: 640Mi}, reserved: {cpu: 250m, memory: 128Mi}}
	YAML
        inside systemctl reload hivelet.service
        until_true 20 are_capped
        until_true 20 inside hivectl status --check
        same "what systemd knows of it" "CPUQuotaPerSecUSec=1.250000s MemoryHigh=510001152 MemoryMax=536870912" \
                "$(inside systemctl show hivelet.slice -p CPUQuotaPerSecUSec -p MemoryHigh -p MemoryMax | sort | paste -sd ' ')"
        # Somebody changes them: through systemd, past it.
        inside systemctl set-property --runtime hivelet.slice CPUQuota=40% MemoryMax=200M TasksMax=50
        until_true 20 are_capped
        put_cap cpu cpu.cfs_quota_us cpu.max 90000
        until_true 20 are_capped
        put_cap memory memory.limit_in_bytes memory.max 314572800
        until_true 20 are_capped
        put_cap pids pids.max pids.max max
        until_true 20 are_capped
        # What systemd reads anew it writes anew, as it was: of what follows only the last is mended. (A mending is told when it is done,
        # behind what the kernel shows of it.)
        until_true 20 inside hivectl status --check
        mended=$(times_capped)
        inside systemctl daemon-reload
        are_capped
        inside systemctl daemon-reexec
        are_capped
        put_cap cpu cpu.cfs_quota_us cpu.max 80000
        until_true 20 are_capped
        until_true 20 is_more_than "$mended" HIVELET_EVENT=Capped
        same "times that it was mended" $((mended + 1)) "$(times_capped)"
        same "units of others" "$others" "$(caps_of_others)"
        same "what was set" hivelet.slice.d "$(inside ls /run/systemd/system.control)"
        same "the container" "$web" "$(container web)"
        write_node </dev/null
        inside systemctl reload hivelet.service
        until_true 20 has_no_caps
        inside systemctl stop neighbour.service
}

# cap_file CONTROLLER V1 V2: of hivelet.slice.
cap_file() {
        if inside test -e "/sys/fs/cgroup/$1/hivelet.slice"; then
                printf '/sys/fs/cgroup/%s/hivelet.slice/%s\n' "$1" "$2"
        else
                printf '/sys/fs/cgroup/hivelet.slice/%s\n' "$3"
        fi
}

cap() {
        inside cat "$(cap_file "$@")"
}

# put_cap CONTROLLER V1 V2 TEXT
put_cap() {
        inside sh -c "echo $4 >$(cap_file "$1" "$2" "$3")"
}

are_capped() {
        same CPU 125000 "$(cap cpu cpu.cfs_quota_us cpu.max | sed 's/ 100000$//')" &&
                same memory 536870912 "$(cap memory memory.limit_in_bytes memory.max)" &&
                like processes '[1-9]*[0-9][0-9][0-9]' "$(cap pids pids.max pids.max)"
}

has_no_caps() {
        like CPU '@(-1|max*)' "$(cap cpu cpu.cfs_quota_us cpu.max)" &&
                like memory '@(max|9223372036854*)' "$(cap memory memory.limit_in_bytes memory.max)" &&
                same processes max "$(cap pids pids.max pids.max)"
}

times_capped() {
        journal HIVELET_EVENT=Capped | wc -l
}

# What systemd keeps of units that are not hivelet's, and what the kernel shows of one.
caps_of_others() {
        inside systemctl show -p Id -p CPUQuotaPerSecUSec -p MemoryMax -p MemoryHigh -p TasksMax -p DropInPaths -p ControlGroup -- \
                -.slice system.slice user.slice neighbour.slice neighbour.service docker.service hivelet.service
        inside find /sys/fs/cgroup -path '*/neighbour.slice/neighbour.service/*' -name '*.max' -exec cat {} +
}

# A task from its inputs to its results, within what the unit allows the agent. What it used is read from a slice of its own, which systemd keeps until it is told to stop it.
case_task() {
        local id receipt
        inside sh -c 'cat >/root/task.yaml' <<-'YAML'
		apiVersion: hivelet/v1
		kind: Task
		metadata: {name: burn}
		spec:
		  image: localhost/hivelet-test:1
		  pullPolicy: never
		  command:
		    - /bin/sh
		    - -c
		    - >-
		      echo hello >results.new; mkdir -p results; cat words results.new >results/out; chmod 600 results/out;
		      ticks=0; while [ $ticks -lt 50 ]; do read -r line </proc/self/stat; set -- $line; shift 13; ticks=$(($1+$2)); done
		  inputs: [{path: words, inline: "some words"}]
		  outputs: {paths: [results]}
		  resources: {limits: {cpu: 200m, memory: 64Mi}}
	YAML
        id=$(inside hivectl run -f /root/task.yaml -o json | jq -r .metadata.name)
        until_true 60 inside hivectl task receipt "$id"
        receipt=$(inside hivectl task receipt "$id")
        same "its end, its files" "Completed 1" "$(jq -r '"\(.receipt.state) \(.receipt.outputs.files)"' <<<"$receipt")"
        same "half a second of a processor, some memory" "true true" \
                "$(jq -r '.receipt.usage | "\(.cpuMicroseconds >= 500000) \(.memoryPeakBytes > 0)"' <<<"$receipt")"
        until_true 20 has_no_slice_of burn
        until_true 20 inside test ! -e "/var/lib/hivelet/tasks/$id"
        same "hivelet-tasks.slice" active "$(inside systemctl is-active hivelet-tasks.slice)"
}

has_no_slice_of() {
        [ -z "$(inside systemctl list-units --no-legend --plain --state=active "hivelet-tasks-*$1*.slice")" ] &&
                [ -z "$(inside find /sys/fs/cgroup -type d -name "hivelet-tasks-*$1*")" ]
}

case_journal() {
        local record
        record=$(journal HIVELET_NAME=web HIVELET_EVENT=ContainerStarted | tail -n 1)
        same HIVELET_KIND Service "$(jq -r .HIVELET_KIND <<<"$record")"
        same HIVELET_CONTAINER hive-web "$(jq -r .HIVELET_CONTAINER <<<"$record")"
        same HIVELET_NODE_ID node-under-test "$(jq -r .HIVELET_NODE_ID <<<"$record")"
        same _SYSTEMD_UNIT hivelet.service "$(jq -r ._SYSTEMD_UNIT <<<"$record")"
        same _TRANSPORT journal "$(jq -r ._TRANSPORT <<<"$record")"
        like CODE_FILE '*.c' "$(jq -r .CODE_FILE <<<"$record")"
        like "journalctl -x" "*Container hive-web was started*Defined-By: hivelet*" \
                "$(inside journalctl -q -x --no-pager HIVELET_NAME=web HIVELET_EVENT=ContainerStarted)"
}

case_confinement() {
        local pid bounding
        pid=$(property MainPID)
        same NoNewPrivs 1 "$(process_status "$pid" NoNewPrivs)"
        same Seccomp 2 "$(process_status "$pid" Seccomp)"
        # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_NET_ADMIN, CAP_NET_RAW and CAP_IPC_LOCK, of which nspawn itself gives no node the last.
        bounding=$(process_status "$pid" CapBnd)
        same "bounding set outside of what the unit gives" 0 $((0x$bounding & ~0x700b))
        same "bounding set, what the agent needs" $((0x300b)) $((0x$bounding & 0x300b))
        inside nsenter -t "$pid" -m sh -c '! touch /etc/hivelet/x 2>/dev/null && ! touch /usr/x 2>/dev/null'
}

# LOG_DIR, in the folder that the unit lets it write to.
case_log_files() {
        inside sh -c 'echo LOG_DIR=/var/log/hivelet >/etc/default/hivelet'
        inside systemctl restart hivelet.service
        same "the folder" "750 root" "$(inside stat -c '%a %U' /var/log/hivelet)"
        same "the files" "640 640" "$(inside sh -c 'stat -c %a /var/log/hivelet/hivelet.log /var/log/hivelet/events.jsonl' | xargs)"
        like "the log" '*NOTICE: hivelet *NOTICE: ready: *' "$(inside cat /var/log/hivelet/hivelet.log)"
        same "its events" "AgentStarted AgentReady" "$(inside cat /var/log/hivelet/events.jsonl |
                jq -r 'select(.event_type | startswith("Agent")).event_type' | xargs)"
        inside rm /etc/default/hivelet
        inside systemctl restart hivelet.service
}

process_status() {
        inside sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

case_reload_valid() {
        local web
        web=$(container web)
        write_node <<-'YAML'
		    - name: second
		      image: localhost/hivelet-test:1
		      pullPolicy: never
		      command: [/bin/sleep, "3600"]
		      stop: {grace: 1s}
	YAML
        inside systemctl reload hivelet.service
        until_true 20 is_running second
        until_true 20 is_property ActiveState active
        until_true 20 status_has '2/2'
        same "the first container" "$web" "$(container web)"
}

case_reload_invalid() {
        local web second rejected
        web=$(container web) second=$(container second)
        rejected=$(journal HIVELET_EVENT=RevisionRejected | wc -l)
        write_node <<<"    - name: [broken"
        inside systemctl reload hivelet.service
        until_true 20 is_more_than "$rejected" HIVELET_EVENT=RevisionRejected
        until_true 20 is_property ActiveState active
        same "the first container" "$web" "$(container web)"
        same "the second container" "$second" "$(container second)"
        like "the status line" '*[Rr]e[fj][ue][sc]*' "$(property StatusText)"
        # A restart beside the broken file goes on with the last good revision.
        inside systemctl restart hivelet.service
        same "the first container after a restart" "$web" "$(container web)"
        same "the second container after a restart" "$second" "$(container second)"
        write_node </dev/null
        inside systemctl reload hivelet.service
        until_true 20 is_gone second
        same "the first container at the end" "$web" "$(container web)"
}

is_more_than() {
        [ "$(journal "$2" | wc -l)" -gt "$1" ]
}

is_gone() {
        [ "$(inside curl -sS -o /dev/null -w '%{http_code}' --unix-socket /run/docker.sock "http://engine/containers/hive-$1/json")" = 404 ]
}

case_watchdog() {
        local web restarts pid
        web=$(container web)
        restarts=$(property NRestarts)
        pid=$(property MainPID)
        inside kill -STOP "$pid"
        until_true 60 is_property NRestarts "$((restarts + 1))"
        until_true 60 is_property ActiveState active
        [ "$(property MainPID)" != "$pid" ]
        like "what systemd says" '*"message" : *atchdog*' \
                "$(inside journalctl -q -o json-pretty --no-pager -u hivelet.service | sed 's/"MESSAGE"/"message"/')"
        until_true 20 is_running web
        same "the container" "$web" "$(container web)"
}

case_crash() {
        local web pid
        web=$(container web)
        pid=$(property MainPID)
        inside kill -KILL "$pid"
        until_true 60 is_other_main_pid "$pid"
        until_true 60 is_property ActiveState active
        same "the container" "$web" "$(container web)"
        same /livez 200 "$(http_status /livez)"
}

is_other_main_pid() {
        local pid
        pid=$(property MainPID)
        [ "$pid" != 0 ] && [ "$pid" != "$1" ]
}

case_stop_leaves_containers() {
        local web
        web=$(container web)
        inside systemctl stop hivelet.service
        same ActiveState inactive "$(property ActiveState)"
        same Result success "$(property Result)"
        same "the container" "$web" "$(container web)"
        inside test ! -e /run/hivelet/hivelet.sock
        like "last words" '*AgentStopping*' "$(journal HIVELET_EVENT=AgentStopping | tail -n 1)"
        inside systemctl start hivelet.service
        same "the container after the next start" "$web" "$(container web)"
}

# A tunnel in user space has a unit and a cgroup of its own: it outlives every end of whoever started it.
case_wireguard() {
        local unit='hivelet-wg@wg\x2dprobe.service' pid
        inside systemd-analyze verify --man=no "$unit"
        inside systemd-analyze security --offline=yes --threshold=35 hivelet-wg@.service >/dev/null
        like "what made it" 'in sync after [1-9]* changes, by wireguard-go' \
                "$(inside systemd-run --quiet --wait --pipe /usr/lib/hivelet-test/wg_probe wg-probe)"
        same "its unit" active "$(inside systemctl show "$unit" --value -p ActiveState)"
        pid=$(inside systemctl show "$unit" --value -p MainPID)
        like "its cgroup" '*/system-hivelet\\x2dwg.slice/*' "$(inside cat "/proc/$pid/cgroup")"
        inside ip link show wg-probe | grep -q 'alias hivelet:probe'
        same "who finds it again" 'in sync after 0 changes, by wireguard-go' \
                "$(inside /usr/lib/hivelet-test/wg_probe wg-probe)"
        same "its process" "$pid" "$(inside systemctl show "$unit" --value -p MainPID)"
        # Killed, it is started again, though its socket is still there.
        inside kill -KILL "$pid"
        until_true 20 is_inactive "$unit"
        like "what made it again" 'in sync after [1-9]* changes, by wireguard-go' \
                "$(inside /usr/lib/hivelet-test/wg_probe wg-probe)"
        inside ip link del wg-probe
        until_true 20 is_inactive "$unit"
        same "its end" success "$(inside systemctl show "$unit" --value -p Result)"
        # Of a unit that cannot start, the error names the place to look.
        inside sh -c "mkdir -p /run/systemd/system/hivelet-wg@.service.d &&
                printf '[Service]\nExecStart=\nExecStart=/bin/false\n' >/run/systemd/system/hivelet-wg@.service.d/test.conf"
        inside systemctl daemon-reload
        like "what failed" '*did not start: failed; "journalctl -u*' "$(inside /usr/lib/hivelet-test/wg_probe wg-probe 2>&1 || true)"
        inside rm -r /run/systemd/system/hivelet-wg@.service.d
        inside systemctl daemon-reload
}

is_inactive() {
        case $(inside systemctl show "$1" --value -p ActiveState) in
        inactive | failed) ;;
        *) return 1 ;;
        esac
}

# READY does not wait for an engine that is not there, and the status line says so.
case_engine_down() {
        inside systemctl stop hivelet.service docker.service docker.socket
        inside systemctl mask --runtime --quiet docker.service docker.socket
        inside systemctl start hivelet.service
        until_true 20 status_has ngine
        same "/readyz without an engine" 503 "$(http_status /readyz)"
        same "/livez without an engine" 200 "$(http_status /livez)"
        inside systemctl unmask --runtime --quiet docker.service docker.socket
        inside systemctl start docker.service
        until_true 60 is_running web
        until_true 20 status_has '1/1'
        same "events DockerUp and DockerDown" yes "$(journal HIVELET_EVENT=DockerDown + HIVELET_EVENT=DockerUp |
                jq -rs 'if (map(.HIVELET_EVENT) | index("DockerDown") != null and index("DockerUp") != null) then "yes" else . end')"
}

# The pool of the package under its own unit, and this node at work for it.
case_pool() {
        local pid
        inside systemd-analyze verify --man=no hivepool.service
        inside systemd-analyze security --offline=yes --threshold=20 hivepool.service >/dev/null
        same "as it is installed" disabled "$(inside systemctl is-enabled hivepool.service || true)"
        inside sh -c 'echo "HIVEPOOL_OPTIONS=--insecure --keep 30d" >/etc/default/hivepool'
        inside systemctl start hivepool.service # returns when it listens
        pid=$(pool_property MainPID)
        same "its status by its socket" "127.0.0.1:50051" "$(pool status -o json | jq -r .listen)"
        same NoNewPrivs 1 "$(process_status "$pid" NoNewPrivs)"
        same Seccomp 2 "$(process_status "$pid" Seccomp)"
        same "bounding set" 0000000000000000 "$(process_status "$pid" CapBnd)"
        [ "$(process_status "$pid" Uid | cut -f 1)" != 0 ]
        inside nsenter -t "$pid" -m sh -c '! touch /etc/x 2>/dev/null && ! touch /usr/x 2>/dev/null'

        pool submit --id first --image localhost/hivelet-test:1 -- /bin/sh -c 'echo done at the node'
        inside kill -KILL "$pid"
        until_true 60 pool status
        write_node <<<'  master: {address: "127.0.0.1:50051", insecure: true, heartbeat: 1s}'
        inside systemctl reload hivelet.service
        until_true 60 is_completed first
        same "its log" "done at the node" "$(pool logs first)"
        inside systemctl reload hivepool.service
        inside systemctl stop hivelet.service
        same "a node that ended in order" false "$(pool nodes -o json | jq -r '.nodes[0].open // false')"
        write_node </dev/null
        inside systemctl start hivelet.service
        inside systemctl stop hivepool.service
        same Result success "$(pool_property Result)"
}

pool() {
        inside env HIVEPOOL_DATA_DIR=/var/lib/hivepool hivepool "$@"
}

pool_property() {
        inside systemctl show hivepool.service --value -p "$1"
}

is_completed() {
        [ "$(pool show "$1" -o json | jq -r .task.state)" = Completed ]
}

# --- run --------------------------------------------------------------------------------------------------

# run_cases NAME...: each in its turn, a line for each, and of those that fail what they printed. Fails when one did. Not to be
# called in a condition either.
run_cases() {
        local name start result failed=0
        for name in "$@"; do
                start=$SECONDS
                # Not in a condition: `set -e` would be off inside.
                set +e
                (set -e; "case_$name") >"$run/output" 2>&1
                result=$?
                set -e
                if [ $result -eq 0 ]; then
                        printf 'ok      %-28s %3s s\n' "$name" $((SECONDS - start))
                else
                        printf 'FAILED  %-28s %3s s\n' "$name" $((SECONDS - start))
                        sed 's/^/        /' "$run/output"
                        failed=$((failed + 1))
                fi
        done
        if [ $failed -gt 0 ]; then
                printf '%s\n' "---- the agent's journal, its end"
                inside journalctl -q --no-pager -u hivelet.service -n 60 || true
                return 1
        fi
}
