/* The bodies of a create: golden ones, hostile ones, and random ones of which only allow-listed keys may be left. */
#include "testing.h"

#include <errno.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/time.h"
#include "docker/client.h"
#include "docker/create.h"
#include "json/json.h"

static struct hv_docker_create minimal(void) {
        return (struct hv_docker_create){ .name = "hive-web",
                                          .image = "nginx:1",
                                          .stop_grace_us = HV_TIME_NEVER };
}

static const char *const data_prefix[] = { "/srv/data", NULL };
static const struct hv_docker_policy open_policy = { .privileged = true,
                                                     .host_network = true,
                                                     .host_paths = { data_prefix, 1 } };

static int body(const struct hv_docker_create *c, const struct hv_docker_policy *policy, struct hv_buf *buf,
                struct hv_err *err) {
        static const char *const private_dirs[] = { "/var/lib/hivelet", "/srv/data/docker.sock", NULL };
        const struct hv_strv paths = { private_dirs, 2 };

        return hv_docker_create_body(c, policy, &paths, buf, err);
}

static void golden(const struct hv_docker_create *c, const struct hv_docker_policy *policy,
                   const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_err err = {};

        if (body(c, policy, &buf, &err) < 0)
                fail_msg("%s", err.msg);
        assert_string_equal(hv_buf_str(&buf), expected);
}

static void test_golden_minimal(void **state) {
        const struct hv_docker_create c = minimal();

        (void) state;
        golden(&c, NULL,
               "{\"Image\":\"nginx:1\",\"Env\":[],\"Labels\":{},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\"},"
               "\"Mounts\":[],\"ReadonlyRootfs\":false,\"Init\":false,\"CapDrop\":[],\"CapAdd\":[],\"SecurityOpt\":[]}}");
}

/* Profile "restricted", the default of a task. */
static void test_golden_restricted(void **state) {
        static const char *const command[] = { "/app", NULL }, *const args[] = { "--a=b", "c d", "", NULL };
        static const char *const all[] = { "ALL", NULL }, *const aliases[] = { "web", NULL };
        static const struct hv_pair env[] = { { "A", "x=y,z+\"q\"\\" }, { "EMPTY", "" } };
        static const struct hv_pair labels[] = { { "io.hivelet.managed", "true" } };
        static const struct hv_pair options[] = { { "max-size", "20m" } };
        static const struct hv_mount mounts[] = {
                { .type = HV_MOUNT_VOLUME, .source = "data", .target = "/data" },
                { .type = HV_MOUNT_HOST_PATH,
                  .source = "/srv/data/x",
                  .target = "/etc/x",
                  .read_only = true },
                { .type = HV_MOUNT_TMPFS, .target = "/tmp", .size_bytes = 1048576 },
        };
        static const struct hv_port ports[] = {
                { .container = 80, .host = 8080, .protocol = "tcp", .address = "127.0.0.1" },
                { .container = 53, .host = 53, .protocol = "udp", .address = "::1" },
                { .container = 80, .host = 0, .protocol = "tcp", .address = "10.0.0.1" },
        };
        static const struct hv_docker_ulimit ulimits[] = { { "nofile", 1024, 4096 } };
        const struct hv_docker_create c = {
                .name = "task-1",
                .image = "127.0.0.1:5000/a/b@sha256:0123",
                .has_command = true,
                .command = { command, 1 },
                .has_args = true,
                .args = { args, 3 },
                .workdir = "/work",
                .hostname = "node-1",
                .user = "65534:65534",
                .env = { env, 2 },
                .labels = { labels, 1 },
                .network = "hivemind",
                .aliases = { aliases, 1 },
                .mounts = mounts,
                .n_mounts = 3,
                .ports = ports,
                .n_ports = 3,
                .limits = { 536870912, 1500000000, 100 },
                .ulimits = ulimits,
                .n_ulimits = 1,
                .cgroup_parent = "hivelet.slice",
                .read_only_root = true,
                .no_new_privileges = true,
                .init = true,
                .cap_drop = { all, 1 },
                .stop_signal = "SIGTERM",
                .stop_grace_us = 10000001,
                .log_driver = "json-file",
                .log_options = { options, 1 },
        };

        (void) state;
        golden(&c, &open_policy,
               "{\"Image\":\"127.0.0.1:5000/a/b@sha256:0123\",\"Entrypoint\":[\"/app\"],\"Cmd\":[\"--a=b\",\"c d\",\"\"],"
               "\"WorkingDir\":\"/work\",\"Hostname\":\"node-1\",\"User\":\"65534:65534\","
               "\"Env\":[\"A=x=y,z+\\\"q\\\"\\\\\",\"EMPTY=\"],\"Labels\":{\"io.hivelet.managed\":\"true\"},"
               "\"StopSignal\":\"SIGTERM\",\"StopTimeout\":11,\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
               "\"HostConfig\":{\"NetworkMode\":\"hivemind\","
               "\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"},"
               "{\"HostIp\":\"10.0.0.1\",\"HostPort\":\"\"}],\"53/udp\":[{\"HostIp\":\"::1\",\"HostPort\":\"53\"}]},"
               "\"RestartPolicy\":{\"Name\":\"no\"},\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"20m\"}},"
               "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"data\",\"Target\":\"/data\"},"
               "{\"Type\":\"bind\",\"Source\":\"/srv/data/x\",\"Target\":\"/etc/x\",\"ReadOnly\":true,"
               "\"BindOptions\":{\"Propagation\":\"rprivate\"}},"
               "{\"Type\":\"tmpfs\",\"Target\":\"/tmp\",\"TmpfsOptions\":{\"SizeBytes\":1048576,\"Mode\":1023}}],"
               "\"Memory\":536870912,\"MemorySwap\":536870912,\"NanoCpus\":1500000000,\"PidsLimit\":100,"
               "\"CgroupParent\":\"hivelet.slice\",\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":4096}],"
               "\"ReadonlyRootfs\":true,\"Init\":true,\"CapDrop\":[\"ALL\"],\"CapAdd\":[],"
               "\"SecurityOpt\":[\"no-new-privileges\"]},"
               "\"NetworkingConfig\":{\"EndpointsConfig\":{\"hivemind\":{\"Aliases\":[\"web\"]}}}}");
}

static void test_golden_by_policy(void **state) {
        struct hv_docker_create c = minimal();

        (void) state;
        c.privileged = true;
        c.network_mode = "host";
        golden(&c, &open_policy,
               "{\"Image\":\"nginx:1\",\"Env\":[],\"Labels\":{},\"HostConfig\":{\"NetworkMode\":\"host\","
               "\"RestartPolicy\":{\"Name\":\"no\"},\"Mounts\":[],\"Privileged\":true,\"ReadonlyRootfs\":false,"
               "\"Init\":false,\"CapDrop\":[],\"CapAdd\":[],\"SecurityOpt\":[]}}");
}

/* --- hostile: S3, S4, S6, S13, S54 --- */

struct hostile {
        const char *what;
        struct hv_docker_create c; /* name and image are filled in where they are not said */
        int code;
        const char *says;
};

static void refuse(const struct hostile *row, const struct hv_docker_policy *policy) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_docker_create c = row->c;
        struct hv_err err = {};
        int r;

        c.name = c.name ? c.name : "hive-web";
        c.image = c.image ? c.image : "nginx:1";
        r = body(&c, policy, &buf, &err);
        if (r != row->code || !strstr(err.msg, row->says) || buf.len)
                fail_msg("%s: %d: %s", row->what, r, err.msg);
}

#define MOUNT(...) .mounts = (const struct hv_mount[]){ { __VA_ARGS__ } }, .n_mounts = 1
#define VOLUME(s, t) MOUNT(.type = HV_MOUNT_VOLUME, .source = (s), .target = (t))
#define BIND(s) MOUNT(.type = HV_MOUNT_HOST_PATH, .source = (s), .target = "/x")
#define TMPFS(t) MOUNT(.type = HV_MOUNT_TMPFS, .target = (t))
#define WORDS(w) \
        { (const char *const[]){ (w), NULL }, 1 }
#define PAIR(a, b) \
        { (const struct hv_pair[]){ { (a), (b) } }, 1 }
#define PORT(...) .ports = (const struct hv_port[]){ { __VA_ARGS__ } }, .n_ports = 1
#define ULIMIT(n, s, h) .ulimits = (const struct hv_docker_ulimit[]){ { (n), (s), (h) } }, .n_ulimits = 1

static void test_hostile(void **state) {
        const struct hostile rows[] = {
                { "empty name", { .name = "" }, -EINVAL, "container name" },
                { "name with a slash", { .name = "a/../b" }, -EINVAL, "container name" },
                { "name with a query", { .name = "a&platform=x" }, -EINVAL, "container name" },
                { "name that begins with a dash", { .name = "-v" }, -EINVAL, "container name" },
                { "empty image", { .image = "" }, -EINVAL, "image" },
                { "image with a blank", { .image = "a b" }, -EINVAL, "image" },
                { "image with dots", { .image = "a/../b" }, -EINVAL, "image" },
                { "empty user", { .user = "" }, -EINVAL, "user \"\": is empty" },
                { "user with a line break", { .user = "1\n0" }, -EINVAL, "user" },
                { "empty working directory", { .workdir = "" }, -EINVAL, "working directory" },
                { "relative working directory", { .workdir = "a" }, -EINVAL, "not absolute" },
                { "empty host name", { .hostname = "" }, -EINVAL, "hostname" },
                { "empty stop signal", { .stop_signal = "" }, -EINVAL, "stop signal" },
                { "stop signal of blanks", { .stop_signal = "9 9" }, -EINVAL, "stop signal" },
                { "argument that is not UTF-8",
                  { .has_args = true, .args = WORDS("\xff") },
                  -EINVAL,
                  "arguments: word 1" },

                { "env without a name", { .env = PAIR("", "x") }, -EINVAL, "environment variable" },
                { "env name with =", { .env = PAIR("A=B", "x") }, -EINVAL, "environment variable" },
                { "env name with a blank", { .env = PAIR("A B", "x") }, -EINVAL, "environment variable" },
                { "env value with a line break",
                  { .env = PAIR("A", "x\nLD_PRELOAD=/x") },
                  -EINVAL,
                  "line break" },
                { "env value that is not UTF-8", { .env = PAIR("A", "\xc0\xaf") }, -EINVAL, "UTF-8" },
                { "env without a value", { .env = PAIR("A", NULL) }, -EINVAL, "missing" },
                { "label without a name", { .labels = PAIR("", "x") }, -EINVAL, "label" },
                { "label with a control character",
                  { .labels = PAIR("a\x1b[0m", "x") },
                  -EINVAL,
                  "control character" },
                { "label value with a line break", { .labels = PAIR("a", "x\ny") }, -EINVAL, "line break" },

                { "privileged", { .privileged = true }, -EPERM, "privileged" },
                { "all capabilities", { .cap_add = WORDS("ALL") }, -EPERM, "capability ALL" },
                { "SYS_ADMIN", { .cap_add = WORDS("SYS_ADMIN") }, -EPERM, "capability SYS_ADMIN" },
                { "CAP_ in front", { .cap_add = WORDS("CAP_CHOWN") }, -EINVAL, "without CAP_" },
                { "lower case", { .cap_add = WORDS("sys_admin") }, -EINVAL, "is not a capability" },
                { "empty capability", { .cap_add = WORDS("") }, -EINVAL, "is not a capability" },
                { "empty capability to drop", { .cap_drop = WORDS("") }, -EINVAL, "is not a capability" },

                { "host network", { .network_mode = "host" }, -EPERM, "denied by the node's policy" },
                { "network of another container",
                  { .network_mode = "container:db" },
                  -EPERM,
                  "none of none, host" },
                { "network of a path",
                  { .network_mode = "ns:/proc/1/ns/net" },
                  -EPERM,
                  "none of none, host" },
                { "empty network mode", { .network_mode = "" }, -EPERM, "none of none, host" },
                { "host as a network", { .network = "host" }, -EPERM, "name of a mode" },
                { "container as a network", { .network = "container:db" }, -EINVAL, "network" },
                { "empty network", { .network = "" }, -EINVAL, "network" },
                { "mode and network",
                  { .network_mode = "none", .network = "a" },
                  -EINVAL,
                  "exclude each other" },
                { "alias without a network", { .aliases = WORDS("a") }, -EINVAL, "aliases need a network" },
                { "alias with a blank",
                  { .network = "n", .aliases = WORDS("a b") },
                  -EINVAL,
                  "network alias" },

                { "port 0",
                  { PORT(.container = 0, .protocol = "tcp", .address = "127.0.0.1") },
                  -EINVAL,
                  "port 0" },
                { "port without an address",
                  { PORT(.container = 80, .protocol = "tcp") },
                  -EINVAL,
                  "address" },
                { "port with an empty address",
                  { PORT(.container = 80, .protocol = "tcp", .address = "") },
                  -EINVAL,
                  "address" },
                { "port at a name",
                  { PORT(.container = 80, .protocol = "tcp", .address = "localhost") },
                  -EINVAL,
                  "address" },
                { "protocol with a slash",
                  { PORT(.container = 80, .protocol = "tcp/x", .address = "127.0.0.1") },
                  -EINVAL,
                  "protocol" },

                { "volume without a source", { VOLUME(NULL, "/x") }, -EINVAL, "volume" },
                { "volume with an empty source", { VOLUME("", "/x") }, -EINVAL, "volume" },
                { "volume that is a path", { VOLUME("/", "/x") }, -EINVAL, "volume" },
                { "volume that is a relative path", { VOLUME("../x", "/x") }, -EINVAL, "volume" },
                { "volume with options", { VOLUME("a:/b:rw", "/x") }, -EINVAL, "volume" },
                { "no target", { VOLUME("a", NULL) }, -EINVAL, "mount target" },
                { "empty target", { VOLUME("a", "") }, -EINVAL, "mount target" },
                { "relative target", { VOLUME("a", "x") }, -EINVAL, "not absolute" },
                { "target /", { VOLUME("a", "/") }, -EPERM, "root" },
                { "target with ..", { VOLUME("a", "/x/../proc") }, -EINVAL, "simplest form" },
                { "target with //", { VOLUME("a", "//proc") }, -EINVAL, "simplest form" },
                { "target with a colon", { VOLUME("a", "/x:/y") }, -EINVAL, "':'" },
                { "target with a comma", { VOLUME("a", "/x,readonly=false") }, -EINVAL, "','" },
                { "target with a line break", { VOLUME("a", "/x\n/y") }, -EINVAL, "control character" },
                { "target /proc", { VOLUME("a", "/proc") }, -EPERM, "kernel's" },
                { "target below /sys", { VOLUME("a", "/sys/fs") }, -EPERM, "kernel's" },
                { "target /dev/shm of a volume", { VOLUME("a", "/dev/shm") }, -EPERM, "kernel's" },
                { "tmpfs over /dev", { TMPFS("/dev") }, -EPERM, "kernel's" },
                { "tmpfs with a source",
                  { MOUNT(.type = HV_MOUNT_TMPFS, .source = "/", .target = "/x") },
                  -EINVAL,
                  "source" },
                { "mount of an unknown type",
                  { MOUNT(.type = (enum hv_mount_type) 7, .source = "a", .target = "/x") },
                  -EINVAL,
                  "type" },
                { "bind without a source", { BIND(NULL) }, -EINVAL, "host path" },
                { "bind with an empty source", { BIND("") }, -EINVAL, "host path" },
                { "bind of a relative path", { BIND("srv/data") }, -EINVAL, "not absolute" },

                { "cgroup /", { .cgroup_parent = "/" }, -EINVAL, "cgroup parent" },
                { "empty cgroup", { .cgroup_parent = "" }, -EINVAL, "cgroup parent" },
                { "cgroup with ..",
                  { .cgroup_parent = "/hivelet/../system.slice" },
                  -EINVAL,
                  "cgroup parent" },
                { "ulimit without a name", { ULIMIT("", 1, 1) }, -EINVAL, "ulimit" },
                { "ulimit with =", { ULIMIT("nofile=1", 1, 1) }, -EINVAL, "ulimit" },
                { "ulimit soft above hard", { ULIMIT("nofile", 2, 1) }, -EINVAL, "ulimit" },
                { "memory above 2^63", { .limits = { .memory_bytes = UINT64_MAX } }, -EINVAL, "2^63" },
                { "log driver of a plugin", { .log_driver = "vendor/driver:1" }, -EPERM, "log driver" },
                { "log driver that sends", { .log_driver = "syslog" }, -EPERM, "log driver" },
                { "log option without a driver", { .log_options = PAIR("a", "b") }, -EINVAL, "log options" },
                { "log option with a line break",
                  { .log_driver = "local", .log_options = PAIR("a", "b\nc") },
                  -EINVAL,
                  "line break" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                refuse(&rows[i], NULL);
}

/* What stays forbidden although a prefix of the policy covers it, however it is written. */
static void test_hostile_host_paths(void **state) {
        static const char *const everything[] = { "/", NULL };
        const struct hv_docker_policy policy = { .host_paths = { everything, 1 } };
        static const struct {
                const char *path;
                int code;
                const char *says;
        } rows[] = {
                { "/", -EPERM, "holds /proc" },
                { "/proc", -EPERM, "/proc is never" },
                { "/proc/1/root", -EPERM, "/proc is never" },
                { "/sys/fs/cgroup", -EPERM, "/sys is never" },
                { "/dev", -EPERM, "/dev is never" },
                { "/dev/shm", -EPERM, "/dev is never" },
                { "/run", -EPERM, "/run is never" },
                { "/run/docker.sock", -EPERM, "/run is never" },
                { "/var/run/docker.sock", -EPERM, "/var/run is never" },
                { "/var/run/../run/docker.sock", -EINVAL, "simplest form" },
                { "/var/./run", -EINVAL, "simplest form" },
                { "/run/", -EINVAL, "simplest form" },
                { "//run", -EINVAL, "simplest form" },
                { "/var", -EPERM, "holds /var/run" },
                { "/var/lib", -EPERM, "holds /var/lib/docker" },
                { "/var/lib/docker/volumes", -EPERM, "/var/lib/docker is never" },
                { "/var/lib/hivelet", -EPERM, "/var/lib/hivelet is never" },
                { "/var/lib/hivelet/secrets", -EPERM, "/var/lib/hivelet is never" },
                { "/etc", -EPERM, "/etc is never" },
                { "/etc/shadow", -EPERM, "/etc is never" },
                { "/srv/data/docker.sock", -EPERM, "/srv/data/docker.sock is never" },
                { "/srv/data", -EPERM, "holds /srv/data/docker.sock" },
                { "/srv/x:/etc:rw", -EINVAL, "':'" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hostile row = {
                        rows[i].path, { BIND(rows[i].path) }, rows[i].code, rows[i].says
                };

                refuse(&row, &policy);
        }
}

static void test_host_paths_need_a_prefix(void **state) {
        static const char *const refused[] = { "/srv", "/srv/database", "/srv/data2/x", "/home/x" };
        static const char *const allowed[] = { "/srv/data/x", "/srv/data/x/y", "/srv/data/docker.sock2" };
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_docker_create c;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(refused); i++) {
                const struct hostile row = {
                        refused[i], { BIND(refused[i]) }, -EPERM, i == 0 ? "holds" : "not below"
                };

                refuse(&row, &open_policy);
        }
        refuse(&(const struct hostile){ "no policy", { BIND("/srv/data/x") }, -EPERM, "not below" }, NULL);
        refuse(&(const struct hostile){ "an empty prefix", { BIND("/srv/x") }, -EPERM, "not below" },
               &(const struct hv_docker_policy){ .host_paths = { (const char *const[]){ "", NULL }, 1 } });
        for (size_t i = 0; i < HV_ARRAY_SIZE(allowed); i++) {
                c = (struct hv_docker_create){ .name = "a", .image = "b", BIND(allowed[i]) };
                assert_int_equal(body(&c, &open_policy, &buf, NULL), 0);
        }
}

/* A word of the driver's that is no UUID gives more than was assigned. */
static void test_gpus_are_named_by_uuid(void **state) {
        static const char *const refused[] = { "",           "all",          "0",
                                               "void",       "GPU-",         "MIG-",
                                               "MIG-GPU-",   "gpu-5d5ba0d6", "GPU-5d5b,all",
                                               "GPU-5d5b/0", "MIG-5d5b/0/0", "MIG-GPU-5d5b/x",
                                               "GPU-5d5b a" };
        static const char *const allowed[] = { "GPU-5d5ba0d6-9d33", "MIG-c7f1e4a2-11",
                                               "MIG-GPU-5d5ba0d6-9d33/1/0" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(refused); i++)
                refuse(&(const struct hostile){ refused[i],
                                                { .gpus = WORDS(refused[i]) },
                                                -EINVAL,
                                                "is not the UUID of a GPU" },
                       NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(allowed); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf buf = {}, wanted = {};
                struct hv_docker_create c = minimal();

                c.gpus = (struct hv_strv) WORDS(allowed[i]);
                assert_int_equal(body(&c, NULL, &buf, NULL), 0);
                hv_buf_printf(&wanted, "\"DeviceIDs\":[\"%s\"]", allowed[i]);
                assert_non_null(strstr(hv_buf_str(&buf), hv_buf_str(&wanted)));
        }
}

static void test_capabilities_of_the_policy(void **state) {
        static const char *const net_admin[] = { "NET_ADMIN", NULL };
        const struct hv_docker_policy policy = { .capabilities = { net_admin, 1 } };
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_docker_create c = minimal();

        (void) state;
        c.cap_add = (struct hv_strv) WORDS("NET_ADMIN");
        assert_int_equal(body(&c, &policy, &buf, NULL), 0);
        assert_int_equal(body(&c, NULL, &buf, NULL), -EPERM);
        c.cap_add = (struct hv_strv) WORDS("CHOWN"); /* the policy's list is the list */
        assert_int_equal(body(&c, &policy, &buf, NULL), -EPERM);
        assert_int_equal(body(&c, NULL, &buf, NULL), 0);
}

static void test_two_mounts_at_one_place(void **state) {
        static const struct hv_mount mounts[] = {
                { .type = HV_MOUNT_VOLUME, .source = "a", .target = "/x" },
                { .type = HV_MOUNT_TMPFS, .target = "/x" },
        };

        (void) state;
        refuse(
                &(const struct hostile){
                        "same target", { .mounts = mounts, .n_mounts = 2 }, -EINVAL, "two mounts" },
                NULL);
}

/* A secret in the environment does not come out in an error. */
static void test_errors_keep_secrets(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_docker_create c = minimal();
        struct hv_err err = {};

        (void) state;
        c.env = (struct hv_pairs) PAIR("TOKEN", "hunter2\n");
        assert_int_equal(body(&c, NULL, &buf, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "TOKEN"));
        assert_null(strstr(err.msg, "hunter2"));
}

/* --- random: S1 --- */

/* Every place in a body; "*" stands for a name that the caller chose. */
static const char *const allowed_places[] = {
        "/Image",
        "/Entrypoint",
        "/Cmd",
        "/WorkingDir",
        "/Hostname",
        "/User",
        "/Env",
        "/Labels",
        "/Labels/*",
        "/StopSignal",
        "/StopTimeout",
        "/ExposedPorts",
        "/ExposedPorts/*",
        "/HostConfig",
        "/HostConfig/NetworkMode",
        "/HostConfig/PortBindings",
        "/HostConfig/PortBindings/*",
        "/HostConfig/PortBindings/*/HostIp",
        "/HostConfig/PortBindings/*/HostPort",
        "/HostConfig/RestartPolicy",
        "/HostConfig/RestartPolicy/Name",
        "/HostConfig/LogConfig",
        "/HostConfig/LogConfig/Type",
        "/HostConfig/LogConfig/Config",
        "/HostConfig/LogConfig/Config/*",
        "/HostConfig/Mounts",
        "/HostConfig/Mounts/Type",
        "/HostConfig/Mounts/Source",
        "/HostConfig/Mounts/Target",
        "/HostConfig/Mounts/ReadOnly",
        "/HostConfig/Mounts/BindOptions",
        "/HostConfig/Mounts/BindOptions/Propagation",
        "/HostConfig/Mounts/TmpfsOptions",
        "/HostConfig/Mounts/TmpfsOptions/SizeBytes",
        "/HostConfig/Mounts/TmpfsOptions/Mode",
        "/HostConfig/Memory",
        "/HostConfig/MemorySwap",
        "/HostConfig/NanoCpus",
        "/HostConfig/PidsLimit",
        "/HostConfig/CgroupParent",
        "/HostConfig/Ulimits",
        "/HostConfig/Ulimits/Name",
        "/HostConfig/Ulimits/Soft",
        "/HostConfig/Ulimits/Hard",
        "/HostConfig/Privileged",
        "/HostConfig/ReadonlyRootfs",
        "/HostConfig/Init",
        "/HostConfig/CapDrop",
        "/HostConfig/CapAdd",
        "/HostConfig/SecurityOpt",
        "/NetworkingConfig",
        "/NetworkingConfig/EndpointsConfig",
        "/NetworkingConfig/EndpointsConfig/*",
        "/NetworkingConfig/EndpointsConfig/*/Aliases",
};

static bool is_allowed(const char *place) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(allowed_places); i++)
                if (strcmp(allowed_places[i], place) == 0)
                        return true;
        return false;
}

static bool has_free_names(const char *place) {
        _hv_cleanup_(hv_buf_done) struct hv_buf any = {};

        hv_buf_printf(&any, "%s/*", place);
        return is_allowed(any.data);
}

static void check_places(const struct hv_json *j, const char *place) {
        const struct hv_json *value;
        const char *key;
        void *it = NULL;

        for (size_t i = 0; hv_json_type(j) == HV_JSON_ARRAY && i < hv_json_size(j); i++)
                check_places(hv_json_at(j, i), place);
        while (hv_json_next(j, &it, &key, &value)) {
                _hv_cleanup_(hv_buf_done) struct hv_buf below = {};

                hv_buf_printf(&below, "%s/%s", place, has_free_names(place) ? "*" : key);
                if (!is_allowed(below.data))
                        fail_msg("a body holds %s", below.data);
                check_places(value, below.data);
        }
}

/* Texts that are fine, odd or evil, by chance. */
static const char *pick(struct hv_rng *rng) {
        static const char *const texts[] = {
                "a",
                "web",
                "/x",
                "/srv/data/y",
                "none",
                "host",
                "bridge",
                "A",
                "CHOWN",
                "ALL",
                "tcp",
                "127.0.0.1",
                "local",
                "SIGTERM",
                "hivelet.slice",
                "Privileged",
                "a\":1,\"Privileged\":true,\"b",
                "\\",
                "/proc",
                "",
                "a b",
                "x\ny",
                "\xff",
        };
        size_t i = hv_rng_below(rng, HV_ARRAY_SIZE(texts) + 6);

        return i < HV_ARRAY_SIZE(texts) ? texts[i] : NULL;
}

static void test_random_bodies(void **state) {
        struct hv_rng rng = { 2 };
        unsigned n_ok = 0;

        (void) state;
        for (int round = 0; round < 200000; round++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
                _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
                const char *word[2] = { pick(&rng), NULL }, *alias[2] = { pick(&rng), NULL };
                const struct hv_pair pair = { pick(&rng), pick(&rng) };
                const struct hv_mount mount = { (enum hv_mount_type) hv_rng_below(&rng, 3), pick(&rng),
                                                pick(&rng), hv_rng_below(&rng, 2), hv_rng_below(&rng, 2) };
                const struct hv_port port = { .container = (uint16_t) hv_rng_below(&rng, 3),
                                              .protocol = pick(&rng),
                                              .address = pick(&rng) };
                uint64_t bits =
                        hv_rng_next(&rng) & hv_rng_next(&rng); /* few things at a time: some must pass */
                struct hv_docker_create c = {
                        .name = "web",
                        .image = "a",
                        .has_command = bits & 1,
                        .command = { word, bits & 1 },
                        .workdir = bits & 2 ? pick(&rng) : NULL,
                        .user = bits & 4 ? pick(&rng) : NULL,
                        .hostname = bits & 8 ? pick(&rng) : NULL,
                        .env = { &pair, (bits >> 4) & 1 },
                        .labels = { &pair, (bits >> 5) & 1 },
                        .network_mode = bits & 64 ? pick(&rng) : NULL,
                        .network = bits & 128 ? pick(&rng) : NULL,
                        .aliases = { alias, (bits >> 8) & 1 },
                        .mounts = &mount,
                        .n_mounts = (bits >> 9) & 1,
                        .ports = &port,
                        .n_ports = (bits >> 10) & 1,
                        .limits = { bits & 2048, bits & 4096, bits & 8192 },
                        .cgroup_parent = bits & 16384 ? pick(&rng) : NULL,
                        .read_only_root = bits & 32768,
                        .cap_add = { word, (bits >> 16) & 1 },
                        .privileged = (bits >> 17) & 1,
                        .stop_signal = bits & (1 << 18) ? pick(&rng) : NULL,
                        .log_driver = bits & (1 << 19) ? pick(&rng) : NULL,
                        .log_options = { &pair, (bits >> 20) & 1 },
                        .no_new_privileges = (bits >> 21) & 1,
                };
                bool is_open = bits & (1 << 22);

                if (body(&c, is_open ? &open_policy : NULL, &buf, NULL) < 0)
                        continue;
                n_ok++;
                assert_int_equal(hv_json_parse(buf.data, buf.len, buf.len, &j, NULL), 0);
                check_places(j, "");
                assert_true(is_open || !hv_json_get(hv_json_get(j, "HostConfig"), "Privileged"));
                assert_true(is_open ||
                            !hv_streq(hv_json_str(hv_json_get(j, "HostConfig"), "NetworkMode"), "host"));
                assert_null(hv_json_get(hv_json_get(j, "HostConfig"), "Binds"));
        }
        assert_true(n_ok > 5000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden_minimal),
                cmocka_unit_test(test_golden_restricted),
                cmocka_unit_test(test_golden_by_policy),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_hostile_host_paths),
                cmocka_unit_test(test_host_paths_need_a_prefix),
                cmocka_unit_test(test_gpus_are_named_by_uuid),
                cmocka_unit_test(test_capabilities_of_the_policy),
                cmocka_unit_test(test_two_mounts_at_one_place),
                cmocka_unit_test(test_errors_keep_secrets),
                cmocka_unit_test(test_random_bodies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
