/* spec: what a document must not be able to reach, whoever wrote it. Each row is refused, with the code that it names.
 *
 * The policy is as generous as one can be about host paths, to show which of them no policy gives away; about everything
 * else it is silent, which means no. */
#include "testing.h"

#include "set.h"

#define POLICY "  node: {policy: {hostPaths: [/, /srv, /etc, /var]}}\n"

struct row {
        const char *what, *fields, *code; /* fields of a service, beside its name and image */
};

static void refuse(const char *head, const struct row *row) {
        _hv_cleanup_free_ char *text = hv_asprintf(SET_HEAD POLICY "%s%s\n", head, row->fields);
        struct set s = {};
        _hv_cleanup_free_ char *tag = hv_asprintf("error[%s]: ", row->code);

        if (set_load_text(&s, text) == 0)
                fail_msg("%s: accepted", row->what);
        assert_null(s.desired);
        if (!strstr(hv_buf_str(&s.said), tag))
                fail_msg("%s: not %s but %s", row->what, row->code, hv_buf_str(&s.said));
        set_done(&s);
}

static void a_service_reaches_nothing_of_the_host(void **state) {
        static const struct row rows[] = {
                { "privileged", "security: {privileged: true}", "E0427" },
                { "privileged, Docker's name", "privileged: true", "E0201" },
                { "host network", "network: host", "E0310" },
                { "host network, joined", "networks: [{name: host}]", "E0310" },
                { "another container's network", "network: \"container:redis\"", "E0207" },
                { "another container's network, joined", "networks: [{name: \"container:redis\"}]", "E0307" },
                { "network of a path", "network: \"ns:/proc/1/ns/net\"", "E0207" },
                { "hostNetwork", "hostNetwork: true", "E0201" },
                { "host PIDs", "pid: host", "E0201" },
                { "hostPID", "hostPID: true", "E0201" },
                { "host IPC", "ipc: host", "E0201" },
                { "host UTS", "uts: host", "E0201" },
                { "host users", "userns: host", "E0201" },
                { "host cgroups", "cgroupns: host", "E0201" },
                { "cgroup parent", "cgroupParent: /", "E0201" },
                { "a device", "devices: [/dev/sda]", "E0201" },
                { "device rules", "deviceCgroupRules: [\"a *:* rwm\"]", "E0201" },
                { "all GPUs", "gpus: all", "E0201" },
                { "sysctls", "sysctls: {kernel.core_pattern: \"|/x\"}", "E0201" },
                { "sysctls under security", "security: {sysctls: [kernel.shm=1]}", "E0201" },
                { "capAdd", "capAdd: [SYS_ADMIN]", "E0201" },
                { "a capability", "security: {addCapabilities: [SYS_ADMIN]}", "E0427" },
                { "a capability, prefixed", "security: {addCapabilities: [CAP_SYS_ADMIN]}", "E0427" },
                { "a capability, lower case", "security: {addCapabilities: [sys_admin]}", "E0427" },
                { "every capability", "security: {addCapabilities: [ALL]}", "E0427" },
                { "two in one", "security: {addCapabilities: [\"CHOWN,SYS_ADMIN\"]}", "E0428" },
                { "an empty capability", "security: {addCapabilities: [\"\"]}", "E0428" },
                { "seccomp off", "security: {seccomp: unconfined}", "E0201" },
                { "empty seccomp profile", "security: {seccompProfile: \"\"}", "E0201" },
                { "AppArmor off", "security: {apparmor: unconfined}", "E0201" },
                { "securityOpt", "securityOpt: [seccomp=unconfined]", "E0201" },
                { "another runtime", "runtime: runc-debug", "E0201" },
                { "volumesFrom", "volumesFrom: [hive-db]", "E0201" },
                { "a build", "build: .", "E0201" },
                { "links", "links: [db]", "E0201" },
                { "extra hosts", "extraHosts: [\"metadata:169.254.169.254\"]", "E0201" },
                { "Docker's restart", "restartPolicy: always", "E0201" },

                { "Docker's form of a mount", "mounts: [{type: bind, source: /, target: /x}]", "E0201" },
                { "Docker's short form", "mounts: [\"/:/x\"]", "E0202" },
                { "binds", "binds: [\"/:/x\"]", "E0201" },
                { "shared propagation", "mounts: [{hostPath: /srv, target: /x, propagation: shared}]",
                  "E0201" },
                { "no source", "mounts: [{target: /x}]", "E0206" },
                { "two sources", "mounts: [{volume: a, hostPath: /srv, target: /x}]", "E0205" },
                { "empty source", "mounts: [{hostPath: \"\", target: /x}]", "E0364" },
                { "empty volume", "mounts: [{volume: \"\", target: /x}]", "E0361" },
                { "path as volume", "mounts: [{volume: /etc, target: /x}]", "E0361" },
                { "empty target", "mounts: [{hostPath: /srv, target: \"\"}]", "E0364" },
                { "root as target", "mounts: [{hostPath: /srv, target: /}]", "E0364" },
                { "target in /proc", "mounts: [{hostPath: /srv, target: /proc/sys}]", "E0364" },
                { "dots in the target", "mounts: [{hostPath: /srv, target: /x/../etc}]", "E0364" },
                { "relative source", "mounts: [{hostPath: srv, target: /x}]", "E0364" },
                { "dots in the source", "mounts: [{hostPath: /srv/../home, target: /x}]", "E0364" },
                { "the socket", "mounts: [{hostPath: /var/run/docker.sock, target: /x}]", "E0367" },
                { "the socket, resolved", "mounts: [{hostPath: /run/docker.sock, target: /x}]", "E0367" },
                { "the socket, read-only",
                  "mounts: [{hostPath: /run/docker.sock, target: /x, readOnly: true}]", "E0367" },
                { "the socket, with dots", "mounts: [{hostPath: /var/run/../run/docker.sock, target: /x}]",
                  "E0367" },
                { "the socket's folder", "mounts: [{hostPath: /run, target: /x}]", "E0367" },
                { "everything", "mounts: [{hostPath: /, target: /x}]", "E0367" },
                { "containerd's socket", "mounts: [{hostPath: /run/containerd, target: /x}]", "E0367" },
                { "/etc", "mounts: [{hostPath: /etc, target: /x}]", "E0365" },
                { "/etc/shadow", "mounts: [{hostPath: /etc/shadow, target: /x}]", "E0365" },
                { "/proc", "mounts: [{hostPath: /proc, target: /x}]", "E0365" },
                { "/sys", "mounts: [{hostPath: /sys, target: /x}]", "E0365" },
                { "/dev", "mounts: [{hostPath: /dev, target: /x}]", "E0365" },
                { "the state directory", "mounts: [{hostPath: /var/lib/hivelet, target: /x}]", "E0365" },
                { "a folder around it", "mounts: [{hostPath: /var/lib, target: /x}]", "E0365" },
                { "the engine's data", "mounts: [{hostPath: /var/lib/docker/volumes, target: /x}]", "E0365" },

                { "working directory in /proc", "workdir: /proc/self/fd/7", "E0364" },
                { "relative working directory", "workdir: ../x", "E0364" },
                { "empty user", "security: {user: \"\"}", "E0428" },
                { "two users", "security: {user: \"1,0\"}", "E0428" },
                { "a variable with '='", "env: [{name: \"A=B\", value: x}]", "E0429" },
                { "an empty variable", "env: [{name: \"\", value: x}]", "E0429" },
                { "a variable of two lines", "env: [{name: A, value: \"x\\nLD_PRELOAD=/x.so\"}]", "E0429" },
                { "a reserved label", "labels: {io.hivelet.managed: \"true\"}", "E0108" },
                { "a label with '='", "labels: {\"a=b\": c}", "E0108" },
                { "a host name of two", "hostname: \"a b\"", "E0105" },
                { "an option as signal", "stop: {signal: \"TERM --time=0\"}", "E0426" },
                { "a public port", "ports: [{container: 80, bind: public}]", "E0303" },
                { "any address", "ports: [{container: 80, bind: 0.0.0.0}]", "E0303" },
                { "any IPv6 address", "ports: [{container: 80, bind: \"::\"}]", "E0303" },
                { "an address of the host", "ports: [{container: 80, bind: 192.0.2.1}]", "E0303" },
                { "the agent's port", "ports: [{container: 80, host: 5000}]", "E0306" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                refuse("  services:\n    - name: web\n      image: nginx:1.27\n      ", &rows[i]);
}

static void an_image_is_a_name_and_nothing_else(void **state) {
        static const struct row rows[] = {
                { "empty", "\"\"", "E0341" },
                { "an option", "\"--privileged\"", "E0341" },
                { "an option behind", "\"nginx --privileged\"", "E0341" },
                { "a command", "\"nginx;reboot\"", "E0341" },
                { "a path", "\"/etc/passwd\"", "E0341" },
                { "a way up", "\"../nginx\"", "E0341" },
                { "two lines", "\"nginx\\nnginx\"", "E0341" },
                { "a URL", "\"https://evil.example/nginx\"", "E0341" },
                { "a password", "\"user:pw@evil.example/nginx\"", "E0344" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                refuse("  services:\n    - name: web\n      image: ", &rows[i]);
}

static void objects_open_no_side_door(void **state) {
        static const struct row rows[] = {
                { "a volume over /", "volumes: [{name: a, options: {type: none, o: bind, device: /}}]",
                  "E0367" },
                { "a volume over /etc", "volumes: [{name: a, options: {type: none, o: bind, device: /etc}}]",
                  "E0365" },
                { "a volume over the socket",
                  "volumes: [{name: a, options: {o: bind, device: /run/docker.sock}}]", "E0367" },
                { "the host as a network", "networks: [{name: host}]", "E0105" },
                { "a network on the wire", "networks: [{name: lan, driver: macvlan}]", "E0310" },
                { "the same with ipvlan", "networks: [{name: lan, driver: ipvlan}]", "E0310" },
                { "a slice elsewhere", "resources: {cgroup: {slice: ../../system.slice}}", "E0105" },
                { "a slice with an empty step", "resources: {cgroup: {slice: a--b.slice}}", "E0105" },
                { "a slice with an empty last step", "resources: {cgroup: {slice: a-.slice}}", "E0105" },
                { "a slice that is a path", "resources: {cgroup: {slice: /}}", "E0105" },
                { "a task as root", "tasks: [{name: t, image: x, security: {user: \"00\"}}]", "E0427" },
                { "a task in the host's network", "tasks: [{name: t, image: x, network: host}]", "E0310" },
                { "all tasks there", "taskDefaults: {network: host}", "E0310" },
                { "an input elsewhere", "tasks: [{name: t, image: x, inputs: [{path: ../x, inline: y}]}]",
                  "E0451" },
                { "an input by http",
                  "tasks: [{name: t, image: x, inputs: [{path: x, url: \"http://h/x\"}]}]", "E0452" },
                { "an input from a file URL",
                  "tasks: [{name: t, image: x, inputs: [{path: x, url: \"file:///etc/shadow\"}]}]", "E0506" },
                { "an input with a password",
                  "tasks: [{name: t, image: x, inputs: [{path: x, url: \"https://a:b@h/x\"}]}]", "E0506" },
                { "an output elsewhere", "tasks: [{name: t, image: x, outputs: {paths: [/etc]}}]", "E0455" },
                { "an open HTTP interface", "http: {listen: \"0.0.0.0:5000\"}", "E0504" },
                { "an open HTTP interface by name", "http: {listen: \"example.org:5000\"}", "E0504" },
                { "a pool in plain text",
                  "master: {address: \"h:1\", credentials: {username: a, passwordSecret: s}}", "E0502" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                refuse("  ", &rows[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_service_reaches_nothing_of_the_host),
                cmocka_unit_test(an_image_is_a_name_and_nothing_else),
                cmocka_unit_test(objects_open_no_side_door),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
