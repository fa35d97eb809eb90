/* Engine documents: every field may be missing, null or of another type, and nothing else is lost by it. */
#include "testing.h"

#include <errno.h>

#include "base/buf.h"
#include "docker/container_parse.h"
#include "docker/parse.h"

static const char inspected[] =
        "{\"Id\":\"abc\",\"Name\":\"/hive-web\",\"Image\":\"sha256:1\",\"Created\":\"2026-11-21T10:00:00.123456789Z\","
        "\"RestartCount\":2,"
        "\"State\":{\"Status\":\"running\",\"Running\":true,\"ExitCode\":7,\"OOMKilled\":true,\"Error\":\"boom\",\"Pid\":42,"
        "\"StartedAt\":\"2026-11-21T11:00:00.5+01:00\",\"FinishedAt\":\"0001-01-01T00:00:00Z\",\"Health\":{\"Status\":\"healthy\"}},"
        "\"HostConfig\":{\"NetworkMode\":\"web\",\"RestartPolicy\":{\"Name\":\"always\"},\"Memory\":1024,\"MemorySwap\":2048,"
        "\"NanoCpus\":5,\"PidsLimit\":6,\"Privileged\":true,\"ReadonlyRootfs\":true,\"Init\":true,\"CapAdd\":[\"CAP_CHOWN\",\"KILL\"],"
        "\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges=true\"],\"CgroupParent\":\"/h\",\"LogConfig\":{\"Type\":\"local\"}},"
        "\"Config\":{\"Image\":\"nginx:1\",\"Labels\":{\"b\":\"2\",\"a\":\"1\"},\"Tty\":true,\"User\":\"1:1\",\"Hostname\":\"h\","
        "\"StopSignal\":\"SIGINT\",\"Entrypoint\":[\"/a\"],\"Cmd\":[\"b\",\"c\"],\"Env\":[\"TOKEN=secret\"]},"
        "\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"v\",\"Source\":\"/s\",\"Destination\":\"/z\",\"RW\":false},"
        "{\"Type\":\"bind\",\"Source\":\"/t\",\"Destination\":\"/a\",\"RW\":true}],"
        "\"NetworkSettings\":{\"Networks\":{\"web\":{\"NetworkID\":\"n1\",\"IPAddress\":\"10.0.0.2\",\"Gateway\":\"10.0.0.1\","
        "\"MacAddress\":\"02:42\",\"Aliases\":[\"x\"]},\"db\":{}},"
        "\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},{\"HostIp\":\"::\",\"HostPort\":\"8081\"}],\"53/udp\":null}}}";

static struct hv_json *parse(const char *text) {
        struct hv_json *j = NULL;
        struct hv_err err = {};

        if (hv_json_parse(text, strlen(text), HV_JSON_MAX_BYTES, &j, &err) < 0)
                fail_msg("%s: %s", text, err.msg);
        return j;
}

static void test_inspect(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = parse(inspected);
        struct hv_docker_result r = { .arena = arena };
        const struct hv_docker_container *c;

        (void) state;
        assert_int_equal(hv_docker_parse_container(j, &r), 0);
        c = r.container;
        assert_string_equal(c->name, "hive-web");
        assert_string_equal(c->image, "nginx:1");
        assert_string_equal(c->image_id, "sha256:1");
        assert_int_equal(c->created_us, 1795255200123456);
        assert_int_equal(c->started_us, 1795255200500000);
        assert_int_equal(c->finished_us, 0);
        assert_int_equal(c->state, HV_DOCKER_STATE_RUNNING);
        assert_int_equal(c->health, HV_DOCKER_HEALTH_HEALTHY);
        assert_true(c->exit_code == 7 && c->oom_killed && c->pid == 42 && c->restart_count == 2);
        assert_string_equal(c->error, "boom");
        assert_string_equal(c->restart_policy, "always");
        assert_true(c->limits.memory_bytes == 1024 && c->memory_swap_bytes == 2048 &&
                    c->limits.nano_cpus == 5 && c->limits.pids == 6);
        assert_true(c->privileged && c->read_only_root && c->init && c->tty && c->no_new_privileges);
        assert_string_equal(c->cap_add.v[0], "CHOWN");
        assert_string_equal(c->cap_drop.v[0], "ALL");
        assert_string_equal(c->cgroup_parent, "/h");
        assert_string_equal(c->log_driver, "local");
        assert_string_equal(c->labels.v[0].name, "a");
        assert_string_equal(c->command.v[0], "/a");
        assert_string_equal(c->args.v[1], "c");
        assert_string_equal(c->mounts[0].target, "/a");
        assert_true(c->mounts[1].read_only && !c->mounts[0].read_only);
        assert_string_equal(c->endpoints[0].network, "db");
        assert_string_equal(c->endpoints[0].ip, "");
        assert_string_equal(c->endpoints[1].aliases.v[0], "x");
        assert_int_equal(c->n_ports, 3);
        assert_true(c->ports[0].container == 53 && c->ports[0].host == 0);
        assert_true(c->ports[1].container == 80 && c->ports[1].host == 8080 && c->ports[2].host == 8081);
}

/* The document with the value at one place replaced, for every place in it. */
static unsigned n_places;

static void copy_but(struct hv_buf *out, const struct hv_json *j, unsigned place, unsigned *count,
                     const char *instead) {
        const struct hv_json *value;
        const char *key, *comma = "";
        void *it = NULL;

        if ((*count)++ == place) {
                hv_buf_puts(out, instead);
                return;
        }
        if (hv_json_type(j) == HV_JSON_OBJECT) {
                hv_buf_putc(out, '{');
                for (; hv_json_next(j, &it, &key, &value); comma = ",") {
                        hv_buf_printf(out, "%s\"%s\":", comma, key);
                        copy_but(out, value, place, count, instead);
                }
                hv_buf_putc(out, '}');
        } else if (hv_json_type(j) == HV_JSON_ARRAY) {
                hv_buf_putc(out, '[');
                for (size_t i = 0; i < hv_json_size(j); i++, comma = ",") {
                        hv_buf_puts(out, comma);
                        copy_but(out, hv_json_at(j, i), place, count, instead);
                }
                hv_buf_putc(out, ']');
        } else {
                hv_json_dump(j, out);
        }
}

static void mutilate(const char *document,
                     int (*parse_it)(const struct hv_json *, struct hv_docker_result *)) {
        static const char *const instead[] = {
                "null", "7",  "-1",     "1e99",  "true",         "\"text\"",           "\"\"",
                "[]",   "{}", "[null]", "[[1]]", "{\"a\":null}", "9223372036854775807"
        };
        _hv_cleanup_(hv_json_freep) struct hv_json *original = parse(document);

        for (size_t k = 0; k < HV_ARRAY_SIZE(instead); k++)
                for (unsigned place = 0;; place++) {
                        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
                        struct hv_docker_result r = { .arena = arena };
                        unsigned count = 0;
                        int e;

                        copy_but(&text, original, place, &count, instead[k]);
                        if (place >= count)
                                break;
                        j = parse(text.data);
                        e = parse_it(j, &r);
                        if (e != 0 && e != -EBADMSG)
                                fail_msg("%s: %d", text.data, e);
                        if (e == 0 && parse_it == hv_docker_parse_container) {
                                assert_true(r.container->name && r.container->image && r.container->user &&
                                            r.container->error);
                                assert_true(*r.container->id);
                        }
                        n_places++;
                }
}

static const char listed[] =
        "[{\"Id\":\"abc\",\"Names\":[\"/other/alias\",\"/hive-web\"],\"Image\":\"nginx\",\"ImageID\":\"sha256:1\","
        "\"Created\":1795255200,\"State\":\"exited\",\"Status\":\"Exited (0)\",\"Labels\":{\"a\":\"1\"},"
        "\"HostConfig\":{\"NetworkMode\":\"none\"},\"NetworkSettings\":{\"Networks\":{\"none\":{}}},"
        "\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"v\",\"Destination\":\"/d\"}],"
        "\"Ports\":[{\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\",\"IP\":\"::\"}]}]";
static const char usage[] =
        "{\"read\":\"2026-11-21T10:00:00Z\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5},\"system_cpu_usage\":9,"
        "\"online_cpus\":2},\"memory_stats\":{\"usage\":100,\"limit\":1000,\"stats\":{\"total_inactive_file\":30}},"
        "\"pids_stats\":{\"current\":3},\"networks\":{\"eth0\":{\"rx_bytes\":1,\"tx_bytes\":2},\"eth1\":{\"rx_bytes\":10}},"
        "\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":\"Read\",\"value\":4},{\"op\":\"write\",\"value\":6}]}}";

static void test_mutilated(void **state) {
        (void) state;
        n_places = 0;
        mutilate(inspected, hv_docker_parse_container);
        mutilate(listed, hv_docker_parse_containers);
        mutilate(usage, hv_docker_parse_usage);
        mutilate("{\"Id\":\"x\",\"Warnings\":[\"w\"]}", hv_docker_parse_created);
        mutilate("{\"StatusCode\":1,\"Error\":{\"Message\":\"m\"}}", hv_docker_parse_exit);
        assert_true(n_places > 1500);
}

static void test_list(void **state) {
        static const char *const no_lists[] = {
                "null", "{}", "7", "{\"message\":\"no\"}", "[null]", "[{}]", "[{\"Id\":\"\"}]"
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = parse(listed), *empty = parse("[]");
        struct hv_docker_result r = { .arena = arena };

        (void) state;
        assert_int_equal(hv_docker_parse_containers(j, &r), 0);
        assert_int_equal(r.containers->n, 1);
        assert_string_equal(r.containers->v[0].name, "hive-web"); /* not the name of a link */
        assert_int_equal(r.containers->v[0].created_us, 1795255200000000);
        assert_int_equal(r.containers->v[0].state, HV_DOCKER_STATE_EXITED);
        assert_int_equal(r.containers->v[0].ports[0].host, 8080);
        assert_string_equal(r.containers->v[0].endpoints[0].network, "none");
        assert_int_equal(hv_docker_parse_containers(empty, &r), 0);
        assert_int_equal(r.containers->n, 0);

        /* "Could not be read" is never "there is none". */
        for (size_t i = 0; i < HV_ARRAY_SIZE(no_lists); i++) {
                _hv_cleanup_(hv_json_freep) struct hv_json *none = parse(no_lists[i]);

                if (hv_docker_parse_containers(none, &r) != -EBADMSG)
                        fail_msg("%s was taken for a list", no_lists[i]);
        }
}

static void test_usage(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = parse(usage);
        struct hv_docker_result r = { .arena = arena };

        (void) state;
        assert_int_equal(hv_docker_parse_usage(j, &r), 0);
        assert_true(r.usage->cpu_ns == 5 && r.usage->system_cpu_ns == 9 && r.usage->online_cpus == 2);
        assert_true(r.usage->memory_bytes == 70 && r.usage->memory_limit_bytes == 1000 && r.usage->pids == 3);
        assert_true(r.usage->received_bytes == 11 && r.usage->sent_bytes == 2);
        assert_true(r.usage->read_bytes == 4 && r.usage->written_bytes == 6);
}

static void test_states(void **state) {
        static const struct {
                const char *text;
                enum hv_docker_state state;
        } rows[] = {
                { "created", HV_DOCKER_STATE_CREATED },     { "running", HV_DOCKER_STATE_RUNNING },
                { "paused", HV_DOCKER_STATE_PAUSED },       { "restarting", HV_DOCKER_STATE_RESTARTING },
                { "removing", HV_DOCKER_STATE_REMOVING },   { "exited", HV_DOCKER_STATE_EXITED },
                { "dead", HV_DOCKER_STATE_DEAD },           { "stopped", HV_DOCKER_STATE_EXITED },
                { "configured", HV_DOCKER_STATE_CREATED },  { "initialized", HV_DOCKER_STATE_CREATED },
                { "hibernating", HV_DOCKER_STATE_UNKNOWN },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
                struct hv_docker_result r = { .arena = arena };

                hv_buf_printf(&text, "{\"Id\":\"a\",\"State\":{\"Status\":\"%s\"}}", rows[i].text);
                j = parse(text.data);
                assert_int_equal(hv_docker_parse_container(j, &r), 0);
                assert_int_equal(r.container->state, rows[i].state);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inspect), cmocka_unit_test(test_mutilated), cmocka_unit_test(test_list),
                cmocka_unit_test(test_usage),   cmocka_unit_test(test_states),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
