#!/usr/bin/env bash
# test/vm/guest.sh - the cases on the machine of node.sh: those of the tier nspawn, and what only a kernel of one's own shows.
set -euo pipefail

shipped=/usr/lib/hivelet-test
# shellcheck disable=SC2034 # cases.sh uses both
run=/run/hivelet-test patience=12
mkdir -p "$run"
# shellcheck source=../nspawn/cases.sh
. "$shipped/cases.sh"

inside() {
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 SYSTEMD_PAGER='' SYSTEMD_COLORS=0 "$@"
}

# --- cases ------------------------------------------------------------------------------------------------

case_boot() {
        local state
        state=$(inside systemctl is-system-running --wait) || true
        same "the machine ($(inside systemctl --failed --plain --no-legend))" running "$state"
        same "PID 1" systemd "$(cat /proc/1/comm)"
        same "what is at /sys/fs/cgroup" cgroup2fs "$(stat -f -c %T /sys/fs/cgroup)"
        like "its controllers" '*cpu*memory*pids*' "$(cat /sys/fs/cgroup/cgroup.controllers)"
}

# The engine's cgroups are systemd's, of version 2; a limit of the file is the kernel's, and is so again after somebody's `docker update`.
case_cgroups() {
        local pid
        same "the engine's cgroups" "systemd 2" "$(engine /info | jq -r '"\(.CgroupDriver) \(.CgroupVersion)"')"
        write_node <<-'YAML'
		    - name: limited
		      image: localhost/hivelet-test:1
		      pullPolicy: never
		      command: [/bin/sleep, "3600"]
		      resources: {limits: {cpu: 500m, memory: 64Mi}}
		      stop: {grace: 1s}
	YAML
        inside systemctl reload hivelet.service
        until_true 20 is_running limited
        pid=$(pid_of limited)
        same "memory.max" 67108864 "$(limit_of "$pid" memory.max)"
        same "cpu.max" "50000 100000" "$(limit_of "$pid" cpu.max)"
        like "its cgroup" '0::/hivelet.slice/hivelet-services.slice/docker-*.scope' "$(cat "/proc/$pid/cgroup")"
        inside curl -sS -f -o /dev/null --unix-socket /run/docker.sock -H 'Content-Type: application/json' \
                -d '{"NanoCpus": 700000000, "Memory": 100663296, "MemorySwap": 100663296}' http://engine/containers/hive-limited/update
        until_true 30 is_limit "$pid" cpu.max "50000 100000"
        until_true 30 is_limit "$pid" memory.max 67108864
        same "the container, which runs on" "$pid" "$(pid_of limited)"
}

is_limit() {
        [ "$(limit_of "$1" "$2")" = "$3" ]
}

# A container whose child takes too much ends whole, or, where that is not wanted, goes on without it.
case_oom_group() {
        local pid
        write_greedy true
        until_true 20 is_running greedy
        pid=$(pid_of greedy)
        until_true 20 is_oom_group "$pid" 1
        inside sh -c "echo 0 >$(oom_group_of "$pid")"
        until_true 20 is_oom_group "$pid" 1
        touch "/proc/$pid/root/dev/shm/go"
        until_true 30 is_other_start greedy "$pid"
        write_greedy false
        until_true 20 is_running greedy
        pid=$(pid_of greedy)
        until_true 20 is_oom_group "$pid" 0
        touch "/proc/$pid/root/dev/shm/go"
        until_true 30 has_oom_kill "$pid"
        same "its first process" "$pid" "$(pid_of greedy)"
}

# The first process starts a child that takes all memory once there is a file, and waits for ever.
write_greedy() {
        write_node <<-YAML
		    - name: greedy
		      image: localhost/hivelet-test:1
		      pullPolicy: never
		      command: [/bin/sh, -c, "(until [ -e /dev/shm/go ]; do sleep 0.1; done; exec tail -c 100m /dev/zero) & exec sleep 3600"]
		      resources: {limits: {memory: 16Mi}}
		      stop: {grace: 1s}
		  node: {reconcile: {resync: 1s}}
		  resources: {cgroup: {memoryOomGroup: $1}, monitor: {interval: 1s}}
	YAML
        inside systemctl reload hivelet.service
}

oom_group_of() {
        printf '/sys/fs/cgroup%s/memory.oom.group' "$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
}

is_oom_group() {
        [ "$(limit_of "$1" memory.oom.group)" = "$2" ]
}

is_other_start() {
        local pid
        pid=$(pid_of "$1")
        [ "$pid" != 0 ] && [ "$pid" != "$2" ]
}

has_oom_kill() {
        limit_of "$1" memory.events | grep -q '^oom_kill [1-9]'
}

limit_of() {
        cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")/$2"
}

# What the agent says of containers, of a task, of all of them together and of the machine, against the kernel's files and the engine's own
# account: what only grows is read before and after, and has to lie between; the rows are those of test/e2e/test_monitor.py.
case_usage() {
        local pid address id i
        inside sh -c 'cat >/root/rest.yaml' <<-'YAML'
		apiVersion: hivelet/v1
		kind: Task
		metadata: {name: rest}
		spec: {image: "localhost/hivelet-test:1", pullPolicy: never, command: [/bin/sleep, "3600"], resources: {limits: {cpu: 100m, memory: 64Mi}}}
	YAML
        write_node <<-'YAML'
		    - name: busy
		      image: localhost/hivelet-test:1
		      pullPolicy: never
		      command: [/bin/sh, -c]
		      args:
		        - >-
		          busybox dd if=/dev/zero of=/dev/shm/held bs=1M count=12; busybox dd if=/dev/zero of=/data/file bs=1M count=4 oflag=direct;
		          (exec tail -c 100m /dev/zero); exec sleep 3600
		      network: none
		      mounts: [{volume: data, target: /data}]
		      resources: {limits: {cpu: 500m, memory: 32Mi}}
		      stop: {grace: 1s}
		    - name: joined
		      image: localhost/hivelet-test:1
		      pullPolicy: never
		      command: [/bin/sleep, "3600"]
		      networks: [{name: backend}]
		      stop: {grace: 1s}
		  networks: [{name: backend}]
		  volumes: [{name: data}]
		  resources: {cgroup: {memoryOomGroup: false}, monitor: {interval: 1s}}
	YAML
        inside systemctl reload hivelet.service
        until_true 30 is_running busy
        until_true 30 is_running joined
        id=$(inside hivectl run -f /root/rest.yaml -o json | jq -r .metadata.name)
        until_true 60 has_oom_kill "$(pid_of busy)"
        pid=$(pid_of joined)
        address=$(engine /networks/backend | jq -r '.IPAM.Config[0].Gateway // (.IPAM.Config[0].Subnet | sub("0/.*"; "1"))')
        for i in 1 2 3 4 5 6 7 8; do
                nsenter --target "$pid" --net bash -c "printf '%01000d' $i >/dev/udp/$address/9"
        done
        until_true 60 is_sampled "task-$id"
        check_usage hive-busy
        check_usage hive-joined
        check_usage "task-$id"
        check_usage ''
        check_pressure_of_machine
        same "bytes of a container without a network" "0 0" "$(usage_of hive-busy | jq -r '.network | "\(.received) \(.sent)"')"
        same "bytes that were sent" true "$(usage_of hive-joined | jq '.network.sent >= 8000')"
        same "what was written and killed, its limit" "true true 33554432" \
                "$(usage_of hive-busy | jq -r '"\(.io.written >= 4194304) \(.memory.oomKills >= 1) \(.memory.limit)"')"
        same "what the attempt uses, by its task" "task-$id" "$(agent "/api/v1/tasks/$id/stats" | jq -r '.containers[0].container')"
        inside hivectl task stop "$id"
        write_node <<<"  node: {safety: {maxPrune: 100%}}"
        inside systemctl reload hivelet.service
        until_true 20 is_gone busy
        until_true 20 is_gone joined
        write_node </dev/null
        inside systemctl reload hivelet.service
}

# GET PATH of the agent.
agent() {
        inside curl -sS -f --unix-socket /run/hivelet/hivelet.sock "http://localhost$1"
}

# usage_of CONTAINER: "" is all that hivelet runs.
usage_of() {
        agent /api/v1/usage | jq --arg name "$1" 'if $name == "" then .hivelet else .containers[] | select(.container == $name) end'
}

is_sampled() {
        [ -n "$(usage_of "$1")" ]
}

# Five rounds: PSI is read with every fourth.
has_sampled_since() {
        agent '/api/v1/usage?history=1' | jq -e --arg since "$1" '[.host.history[] | select(.at > $since)] | length >= 5'
}

latest_sample() {
        agent /api/v1/usage | jq -r .host.sampledAt
}

# check_usage CONTAINER: read again while it was not at rest meanwhile.
check_usage() {
        local top=/sys/fs/cgroup/hivelet.slice pid='' before was told of_engine after i
        if [ -n "$1" ]; then
                pid=$(engine "/containers/$1/json" | jq -r .State.Pid)
                top=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
        fi
        for ((i = 0; i < 20; i++)); do
                before=$(grown "$top" "$pid") was=$(at_rest "$top")
                until_true 60 has_sampled_since "$(latest_sample)"
                told=$(usage_of "$1")
                of_engine=null
                [ -z "$1" ] || of_engine=$(engine "/containers/$1/stats?stream=false")
                after=$(grown "$top" "$pid")
                [ "$was" != "$(at_rest "$top")" ] || break
        done
        same "${1:-hivelet.slice}, by the kernel" "" "$(wrong_by_kernel "$before" "$told" "$after" "$was")"
        [ -z "$1" ] || same "$1, by the engine" "" "$(wrong_by_engine "$of_engine" "$told" "$after")"
}

# grown FOLDER PID: what only grows of a cgroup, and of the network of a process.
grown() {
        local what
        {
                sed -n 's/^usage_usec /cpu /p; s/^throttled_usec /throttled /p' "$1/cpu.stat"
                printf 'peak %s\n' "$(cat "$1/memory.peak")"
                sed -n 's/^oom_kill /kills /p' "$1/memory.events"
                tr ' ' '\n' <"$1/io.stat" |
                        awk -F= '$1 == "rbytes" { r += $2 } $1 == "wbytes" { w += $2 } END { print "read", r + 0; print "written", w + 0 }'
                for what in cpu memory io; do
                        sed -n "s/^some .*total=/$what-some /p; s/^full .*total=/$what-full /p" "$1/$what.pressure"
                done
                [ -z "$2" ] || awk '/:/ && $1 != "lo:" { r += $2; s += $10 } END { print "received", r + 0; print "sent", s + 0 }' "/proc/$2/net/dev"
        } | jq -cRn '[inputs / " " | {(.[0]): (.[1] | tonumber)}] | add'
}

at_rest() {
        printf '[%s,%s,%s,%s]' "$(cat "$1/memory.current")" "$(sed -n 's/^inactive_file //p' "$1/memory.stat")" \
                "$(sed -n 's/^anon //p' "$1/memory.stat")" "$(cat "$1/pids.current")"
}

# Memory is counted for each CPU apart and added up in batches.
wrong_by_kernel() {
        jq -rn --argjson before "$1" --argjson told "$2" --argjson after "$3" --argjson was "$4" '
                def us: . * 1e6 | round;
                def near($other): . != null and (. - $other | fabs) <= 64 * 4096 * 2;
                ($told | {cpu: (.cpu.seconds | us), throttled: (.cpu.throttledSeconds | us), peak: .memory.peak, kills: .memory.oomKills,
                        read: .io.read, written: .io.written, received: .network.received?, sent: .network.sent?} +
                        ([.pressure | to_entries[] | {"\(.key)-some": (.value.someSeconds | us), "\(.key)-full": (.value.fullSeconds | us)}] | add)) as $t |
                ($before | keys[] | select(($before[.] <= $t[.] and $t[.] <= $after[.]) | not) | "\(.) \($t[.]), not \($before[.])..\($after[.])"),
                ($told | select(.memory.usage | near($was[0]) | not) | "memory \(.memory.usage), not \($was[0])"),
                ($told | select(.memory.workingSet | near($was[0] - $was[1]) | not) | "working set \(.memory.workingSet), not \($was[0] - $was[1])"),
                ($told | select(.memory.anonymous | near($was[2]) | not) | "anonymous memory \(.memory.anonymous), not \($was[2])"),
                ($told | select(.threads != $was[3]) | "threads \(.threads), not \($was[3])")'
}

# Asked after the agent and before the last look at the kernel.
wrong_by_engine() {
        jq -rn --argjson engine "$1" --argjson told "$2" --argjson after "$3" '
                def near($other): . != null and (. - $other | fabs) <= 64 * 4096 * 2;
                def moved($what): [$engine.blkio_stats.io_service_bytes_recursive[]? | select(.op | ascii_downcase == $what) | .value] | add // 0;
                def carried($what): [$engine.networks // {} | .[][$what]] | add // 0;
                ({cpu: [$told.cpu.seconds * 1e6, $engine.cpu_stats.cpu_usage.total_usage / 1000, $after.cpu + 1],
                        read: [$told.io.read, moved("read"), $after.read], written: [$told.io.written, moved("write"), $after.written],
                        received: [$told.network.received, carried("rx_bytes"), $after.received],
                        sent: [$told.network.sent, carried("tx_bytes"), $after.sent]} |
                        to_entries[] | select((.value[0] <= .value[1] + 1 and .value[1] <= .value[2]) | not) | "\(.key) \(.value)"),
                ($told | select(.memory.usage | near($engine.memory_stats.usage) | not) | "memory \(.memory.usage), not \($engine.memory_stats.usage)"),
                ($told | select(.memory.limit and .memory.limit != $engine.memory_stats.limit) | "limit \(.memory.limit), not \($engine.memory_stats.limit)"),
                ($told | select(.threads != $engine.pids_stats.current) | "threads \(.threads), not \($engine.pids_stats.current)")'
}

check_pressure_of_machine() {
        local before after told
        before=$(pressure_of_machine)
        until_true 60 has_sampled_since "$(latest_sample)"
        told=$(agent /api/v1/usage | jq -c '.host.pressure | [.cpu, .memory, .io | .someSeconds * 1e6 | round]')
        after=$(pressure_of_machine)
        same "the pressure $told between $before and $after" true \
                "$(jq -n --argjson b "$before" --argjson t "$told" --argjson a "$after" '[range(3) | $b[.] <= $t[.] and $t[.] <= $a[.]] | all')"
}

pressure_of_machine() {
        sed -n 's/^some .*total=//p' /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io | jq -cs .
}

# A container whose GPU is taken from it: by systemd, which knows nothing of what a runtime's hook let through. It is found out from within
# its cgroup, and mended. The library of the driver is the tests', the device has a node and no driver; the rules are the kernel's.
case_gpus() {
        local before
        mknod -m 666 /dev/nvidiactl c 195 255
        mknod -m 666 /dev/nvidia0 c 195 0
        printf 'driver 550.54.14\nopen /dev/nvidiactl\ngpu GPU-one 0 24576 512 40 61 NVIDIA A100\n' >"$shipped/nvml/gpus"
        write_node <<-'YAML'
		    - name: model
		      image: localhost/hivelet-test:1
		      pullPolicy: never
		      command: [/bin/sleep, "3600"]
		      resources: {requests: {gpus: 1}}
		      stop: {grace: 1s}
		  resources: {gpus: {healthInterval: 1s}, monitor: {interval: 1s}}
	YAML
        inside systemctl reload hivelet.service
        until_true 30 is_running model
        before=$(pid_of model)
        like "a device of its own" '*No such device or address*' "$(open_within "$before" /dev/nvidia0)"
        inside systemctl daemon-reload
        until_true 60 is_other_start model "$before"
        until_true 30 inside hivectl status --check
        before=$(pid_of model)
        like "its device when it was mended" '*No such device or address*' "$(open_within "$before" /dev/nvidia0)"
        write_node </dev/null
        inside systemctl reload hivelet.service
        until_true 20 is_gone model
        same "times that it was lost" 1 "$(journal HIVELET_NAME=model HIVELET_REASON=GpuLost | wc -l)"
        printf 'driver 550.54.14\n' >"$shipped/nvml/gpus"
}

# open_within PID DEVICE: what the kernel says to who opens it among the processes of PID.
open_within() {
        sh -c 'echo $$ >"$1/cgroup.procs"; exec 3<>"$2"' sh "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")" "$2" 2>&1 || true
}

# A tunnel of the kernel to a peer in a network namespace. Nobody loaded the module: the kernel does, when the agent asks for the link.
case_kernel_wireguard() {
        [ ! -e /sys/module/wireguard ]
        make_hub
        write_node <<-YAML
		  secrets: [{name: wg-key, generate: wireguard}]
		  wireguard:
		    - name: hive0
		      privateKey: {secret: wg-key}
		      addresses: [10.98.0.1/24]
		      listenPort: 51820
		      peers:
		        - {name: hub, publicKey: $(hub wg pubkey <"$run/hub.key"), endpoint: "192.0.2.2:51820", allowedIPs: [10.98.0.2/32]}
	YAML
        inside systemctl reload hivelet.service
        until_true 30 is_up hive0
        hub ip link add wg-hub type wireguard
        hub wg set wg-hub listen-port 51820 private-key "$run/hub.key" peer "$(inside wg show hive0 public-key)" \
                endpoint 192.0.2.1:51820 allowed-ips 10.98.0.1/32
        hub ip address add 10.98.0.2/24 dev wg-hub
        hub ip link set wg-hub up
        until_true 60 hub ping -n -q -c 1 -W 5 10.98.0.1
        like "whose it is" '*wireguard*alias hivelet:node-under-test*' "$(inside ip -d link show hive0)"
        same "programs of tunnels" "" "$(inside systemctl list-units --all --plain --no-legend 'hivelet-wg@*')"
        like "hivectl get wireguard" '*hive0*' "$(inside hivectl get wireguard)"
        like "hivectl wg ping" '*hub*echo*' "$(inside hivectl wg ping hive0)"
}

hub() {
        inside ip netns exec hub "$@"
}

# The peer: a network namespace at the other end of a cable.
make_hub() {
        inside ip netns add hub
        inside ip link add to-hub type veth peer name to-node netns hub
        inside ip address add 192.0.2.1/24 dev to-hub
        inside ip link set to-hub up
        hub ip address add 192.0.2.2/24 dev to-node
        hub ip link set to-node up
        (umask 077 && hub wg genkey >"$run/hub.key")
}

is_up() {
        [[ $(inside ip -br link show "$1") == *[\<,]UP[,\>]* ]]
}

# Its end, in order or not, is nothing to the tunnel: the same interface, and no packet is lost that comes through it meanwhile.
case_tunnel_outlives_the_agent() {
        local index pid stream
        index=$(cat /sys/class/net/hive0/ifindex)
        ip netns exec hub ping -n -q -i 0.05 10.98.0.1 >"$run/pings" 2>&1 &
        stream=$!
        pid=$(property MainPID)
        inside systemctl kill -s KILL hivelet.service
        until_true 60 is_other_main_pid "$pid"
        until_true 60 is_property ActiveState active
        same "the interface after SIGKILL" "$index" "$(cat /sys/class/net/hive0/ifindex)"
        inside systemctl restart hivelet.service
        same "the interface after a restart" "$index" "$(cat /sys/class/net/hive0/ifindex)"
        inside systemctl stop hivelet.service
        same "the interface without an agent" "$index" "$(cat /sys/class/net/hive0/ifindex)"
        inside systemctl start hivelet.service
        until_true 30 inside hivectl status --check
        same "the interface at the end" "$index" "$(cat /sys/class/net/hive0/ifindex)"
        kill -INT "$stream"
        wait "$stream" || true
        cat "$run/pings"
        none_lost <"$run/pings"
}

# The last one may still be under way when ping is told to end.
none_lost() {
        local sent received
        read -r sent received < <(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p')
        [ "$received" -gt 0 ] && [ "$((sent - received))" -le 1 ]
}

# What somebody takes away is there again, and leads to the same peer.
case_tunnel_is_mended() {
        inside ip link del hive0
        until_true 30 is_up hive0
        until_true 60 hub ping -n -q -c 1 -W 5 10.98.0.1
        inside ip address del 10.98.0.1/24 dev hive0
        until_true 60 hub ping -n -q -c 1 -W 5 10.98.0.1
}

# --- run --------------------------------------------------------------------------------------------------

cases=(boot units engine start_returns_after_ready status socket hivectl slice kernel_wireguard tunnel_outlives_the_agent
        tunnel_is_mended cgroups usage oom_group gpus caps task confinement stop_leaves_containers)
wanted=$(xargs <"$shipped/wanted")
chosen=()
for case in "${cases[@]}"; do
        [ -n "$wanted" ] && [[ " $wanted " != *" $case "* ]] || chosen+=("$case")
done
# Not in a condition: `set -e` would be off in the cases.
trap 'printf "vm: exit code %s\n" $?' EXIT
run_cases "${chosen[@]}"
