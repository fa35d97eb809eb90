/* The client's own part of a call: greeting, versions, faults of the transport, counters, and silence after the end. */
#include "fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

/* --- greeting --- */

static void test_addresses(void **state) {
        static const struct {
                const char *url;
                int code;
        } rows[] = {
                { NULL, 0 },
                { "unix:///run/x.sock", 0 },
                { "tcp://127.0.0.1:2375", 0 },
                { "tcp://[::1]:2375", 0 },
                { "", -EINVAL },
                { "unix://relative", -EINVAL },
                { "/run/x.sock", -EINVAL },
                { "http://127.0.0.1", -EINVAL },
                { "tcp://", -EINVAL },
                { "tcp://host/path", -EINVAL },
                { "tcp://user@host", -EINVAL },
                { "ssh://host", -EINVAL },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_docker_freep) struct hv_docker *d = NULL;
                const struct hv_docker_options options = { .url = rows[i].url };
                struct hv_err err = {};

                if (hv_docker_new(x->event, &options, &d, &err) != rows[i].code)
                        fail_msg("%s: %s", rows[i].url, err.msg);
        }
}

static void test_versions(void **state) {
        static const struct {
                const char *engine, *spoken; /* NULL: refused */
        } rows[] = {
                { "1.41", "1.41" },  { "1.45", "1.45" }, { "1.51", "1.51" }, { "1.52", "1.51" },
                { "1.100", "1.51" }, { "1.40", NULL },   { "1.9", NULL },    { "2.0", NULL },
                { "1.41x", NULL },   { "", NULL },       { "1.-1", NULL },   { "1.", NULL },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf raw = {};
                const struct hv_docker_result *r;

                hv_buf_printf(&raw, "HTTP/1.1 200 OK\r\nApi-Version: %s\r\nContent-Length: 2\r\n\r\nOK",
                              rows[i].engine);
                hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /_ping", .raw = raw.data });
                r = CALL(x, hv_docker_connect);
                if (!rows[i].spoken) {
                        assert_int_equal(r->outcome, HV_DOCKER_REFUSED);
                        assert_int_equal(r->error, -EPROTONOSUPPORT);
                        assert_non_null(strstr(r->message, "1.41"));
                        continue;
                }
                if (r->outcome != HV_DOCKER_OK || !hv_streq(r->engine->api_version, rows[i].spoken) ||
                    !hv_streq(r->engine->max_api_version, rows[i].engine) ||
                    r->engine->kind != HV_DOCKER_KIND_DOCKER)
                        fail_msg("%s: %s", rows[i].engine, r->message);
        }
        assert_non_null(strstr(hv_fake_head(x->fake, 0), "GET /_ping HTTP/1.1")); /* no version in the path */
}

static void test_version_is_in_the_path(void **state) {
        struct fixture *x = *state;

        hv_fake_reply(x->fake, "GET /containers/json", 200, "[]");
        assert_int_equal(CALL(x, hv_docker_container_list, true)->outcome, HV_DOCKER_OK);
        assert_non_null(strstr(
                hv_fake_head(x->fake, 1),
                "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22io.hivelet.managed%3Dtrue%22%5D%7D "));
}

static void test_before_the_greeting(void **state) {
        struct fixture *x = *state;
        const struct hv_docker_result *r = CALL(x, hv_docker_container_list, false);

        assert_int_equal(r->outcome, HV_DOCKER_UNREACHABLE);
        assert_true(r->no_effect);
        assert_int_equal(hv_fake_requests(x->fake), 0);
}

static void test_podman_is_told_by_its_header(void **state) {
        struct fixture *x = *state;

        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){
                            .match = "GET /_ping",
                            .raw = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nLibpod-Api-Version: 4.3.1\r\n"
                                   "Content-Length: 2\r\n\r\nOK" });
        assert_int_equal(CALL(x, hv_docker_connect)->engine->kind, HV_DOCKER_KIND_PODMAN);
        hv_fake_reply(
                x->fake, "POST /containers/a/kill", 500,
                "{\"cause\":\"x\",\"message\":\"can only kill running containers: container state improper\",\"response\":500}");
        assert_int_equal(CALL(x, hv_docker_container_kill, "a", NULL)->outcome, HV_DOCKER_CONFLICT);
}

/* --- faults --- */

static void test_replies_that_make_no_sense(void **state) {
        static const struct {
                const char *what, *body;
                const char *says;
        } rows[] = {
                { "cut JSON", "[{\"Id\":\"a\"", "makes no sense" },
                { "no JSON", "<html>", "makes no sense" },
                { "another document", "{\"message\":\"x\"}", "expected form" },
                { "null", "null", "expected form" },
                { "nothing", "", "makes no sense" },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_result *r;

                hv_fake_reply(x->fake, "GET /containers/json", 200, rows[i].body);
                r = CALL(x, hv_docker_container_list, false);
                if (r->outcome != HV_DOCKER_ENGINE_ERROR || r->error != -EBADMSG ||
                    !strstr(r->message, rows[i].says))
                        fail_msg("%s: %s: %s", rows[i].what, hv_docker_outcome_name(r->outcome), r->message);
        }
}

static void test_lost_replies(void **state) {
        const struct hv_docker_volume_create volume = { .name = "v" };
        struct fixture *x = *state;
        const struct hv_docker_result *r;
        struct hv_docker_then then;

        /* Closed after the request was read. */
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "POST /containers/a/start", .then = HV_FAKE_CLOSE });
        r = CALL(x, hv_docker_container_start, "a");
        assert_int_equal(r->outcome, HV_DOCKER_UNKNOWN);
        assert_false(r->no_effect);
        assert_int_equal(hv_fake_requests(x->fake), 2); /* not sent again */

        /* A body shorter than promised, one that is longer than any list, and one that never comes. */
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /networks",
                                                     .raw = "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n[]",
                                                     .then = HV_FAKE_CLOSE });
        r = CALL(x, hv_docker_network_list, false);
        assert_int_equal(r->outcome, HV_DOCKER_UNKNOWN);
        assert_true(r->no_effect);
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /volumes",
                                                     .raw = "HTTP/1.1 200 OK\r\n\r\n{\"Volumes\":",
                                                     .repeat_body = 33 << 20,
                                                     .then = HV_FAKE_HANG });
        r = CALL(x, hv_docker_volume_list, false);
        assert_int_equal(r->outcome, HV_DOCKER_ENGINE_ERROR);
        assert_int_equal(r->error, -EMSGSIZE);
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "POST /volumes/create", .then = HV_FAKE_HANG });
        then = call_begin(x);
        then.timeout_us = HV_USEC_PER_SEC; /* by then it has been sent */
        (void) hv_docker_volume_create(x->d, &volume, then);
        r = call_end(x);
        assert_int_equal(r->outcome, HV_DOCKER_UNKNOWN);
        assert_int_equal(r->error, -ETIMEDOUT);

        /* Created, but under which id? */
        hv_fake_reply(x->fake, "POST /networks/create", 201, "{\"Warning\":\"\"}");
        r = CALL(x, hv_docker_network_create, &(const struct hv_docker_network_create){ .name = "n" });
        assert_int_equal(r->outcome, HV_DOCKER_UNKNOWN);
        assert_int_equal(r->error, -EBADMSG);

        /* An error, then all is well. */
        hv_fake_reply(x->fake, "DELETE /containers/a", 500, "{\"message\":\"device or resource busy\"}");
        hv_fake_reply(x->fake, "DELETE /containers/a", 204, "");
        r = CALL(x, hv_docker_container_remove, "a", true, false);
        assert_int_equal(r->outcome, HV_DOCKER_ENGINE_ERROR);
        assert_string_equal(r->message, "device or resource busy");
        assert_int_equal(CALL(x, hv_docker_container_remove, "a", true, false)->outcome, HV_DOCKER_OK);
}

static void test_error_messages(void **state) {
        static const struct {
                const char *body, *message;
        } rows[] = {
                { "{\"message\":\"No such container: a\"}", "No such container: a" },
                { "{\"message\":7}", "{\"message\":7}" },
                { "404 page not found\n", "404 page not found" },
                { "", "HTTP status 404" },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                hv_fake_reply(x->fake, "GET /containers/a/json", 404, rows[i].body);
                assert_string_equal(CALL(x, hv_docker_container_inspect, "a")->message, rows[i].message);
        }
}

/* --- what is sent --- */

static void test_bodies_and_queries(void **state) {
        const struct hv_limits limits = { .memory_bytes = 1024, .pids = 5 }, no_pids = { .nano_cpus = 7 };
        struct fixture *x = *state;
        unsigned n = 1;

        hv_fake_add(x->fake, &(struct hv_fake_rule){
                                     .match = "POST /", .raw = "HTTP/1.1 204 X\r\n\r\n", .forever = true });
        hv_fake_add(x->fake, &(struct hv_fake_rule){
                                     .match = "DELETE /", .raw = "HTTP/1.1 204 X\r\n\r\n", .forever = true });
        (void) CALL(x, hv_docker_container_update, "a", &limits);
        assert_string_equal(
                hv_fake_body(x->fake, n++),
                "{\"Memory\":1024,\"MemorySwap\":1024,\"PidsLimit\":5,\"RestartPolicy\":{\"Name\":\"no\"}}");
        (void) CALL(x, hv_docker_container_update, "a", &no_pids);
        assert_string_equal(hv_fake_body(x->fake, n++),
                            "{\"NanoCpus\":7,\"PidsLimit\":-1,\"RestartPolicy\":{\"Name\":\"no\"}}");
        (void) CALL(x, hv_docker_container_stop, "a", "SIGINT", (uint64_t) 1500000);
        assert_string_equal(hv_fake_request(x->fake, n++),
                            "POST /containers/a/stop?t=2"); /* signal needs 1.42 */
        (void) CALL(x, hv_docker_container_stop, "a", NULL, HV_TIME_NEVER);
        assert_string_equal(hv_fake_request(x->fake, n++), "POST /containers/a/stop");
        (void) CALL(x, hv_docker_container_kill, "a b", "SIGHUP");
        assert_string_equal(hv_fake_request(x->fake, n++), "POST /containers/a%20b/kill?signal=SIGHUP");
        (void) CALL(x, hv_docker_container_remove, "a", true, true);
        assert_string_equal(hv_fake_request(x->fake, n++), "DELETE /containers/a?force=1&v=1");
        (void) CALL(x, hv_docker_network_disconnect, "n", "c", true);
        assert_string_equal(hv_fake_body(x->fake, n++), "{\"Container\":\"c\",\"Force\":true}");
        (void) CALL(x, hv_docker_image_remove, "127.0.0.1:5000/a/b:1", false);
        assert_string_equal(hv_fake_request(x->fake, n++), "DELETE /images/127.0.0.1:5000/a/b:1");
        assert_int_equal(hv_fake_requests(x->fake), n);
}

static void test_nothing_is_left_to_a_default(void **state) {
        struct fixture *x = *state;

        assert_int_equal(CALL(x, hv_docker_container_rename, "a", "")->outcome, HV_DOCKER_REFUSED);
        assert_int_equal(CALL(x, hv_docker_container_rename, "a", NULL)->outcome, HV_DOCKER_REFUSED);
        assert_int_equal(CALL(x, hv_docker_container_kill, "a", "")->outcome, HV_DOCKER_REFUSED);
        assert_int_equal(CALL(x, hv_docker_image_tag, "a", "b", NULL)->outcome, HV_DOCKER_REFUSED);
        assert_int_equal(hv_docker_mutations_total(x->d), 0);
}

static void test_signal_of_stop(void **state) {
        struct fixture *x = *state;

        hv_fake_ping(x->fake, "1.45");
        assert_int_equal(CALL(x, hv_docker_connect)->outcome, HV_DOCKER_OK);
        hv_fake_reply(x->fake, "POST /containers/a/stop", 204, "");
        (void) CALL(x, hv_docker_container_stop, "a", "SIGINT", (uint64_t) 0);
        assert_string_equal(hv_fake_request(x->fake, 1), "POST /containers/a/stop?t=0&signal=SIGINT");
}

/* S4: the driver "local" mounts whatever it is told. */
static void test_hostile_volumes(void **state) {
        static const struct {
                const char *what;
                struct hv_pair options[3];
                size_t n;
                const char *driver;
                bool is_allowed;
        } rows[] = {
                { "a bind of the root",
                  { { "device", "/" }, { "o", "bind" }, { "type", "none" } },
                  3,
                  NULL,
                  false },
                { "bind alone", { { "o", "rw,rbind" } }, 1, NULL, false },
                { "a device", { { "device", "/dev/sda1" }, { "type", "ext4" } }, 2, NULL, false },
                { "a device of no type", { { "device", "x" } }, 1, NULL, false },
                { "overlay",
                  { { "device", "overlay" }, { "o", "lowerdir=/" }, { "type", "overlay" } },
                  3,
                  NULL,
                  false },
                { "a loop", { { "device", "x" }, { "o", "loop" }, { "type", "tmpfs" } }, 3, "local", false },
                { "an unknown option", { { "mountpoint", "/" } }, 1, NULL, false },
                { "a line break", { { "type", "tmpfs\nnone" } }, 1, NULL, false },
                { "tmpfs",
                  { { "device", "tmpfs" }, { "o", "size=1m" }, { "type", "tmpfs" } },
                  3,
                  NULL,
                  true },
                { "nfs",
                  { { "device", ":/export" }, { "o", "addr=10.0.0.1" }, { "type", "nfs" } },
                  3,
                  NULL,
                  true },
                { "another driver's own affair", { { "device", "/x" } }, 1, "vendor", true },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_volume_create v = { .name = "v",
                                                           .driver = rows[i].driver,
                                                           .options = { rows[i].options, rows[i].n } };
                enum hv_docker_outcome outcome;

                if (rows[i].is_allowed)
                        hv_fake_reply(x->fake, "POST /volumes/create", 201, "{\"Name\":\"v\"}");
                outcome = CALL(x, hv_docker_volume_create, &v)->outcome;
                if (outcome != (rows[i].is_allowed ? HV_DOCKER_OK : HV_DOCKER_REFUSED))
                        fail_msg("%s: %s", rows[i].what, hv_docker_outcome_name(outcome));
        }
        assert_int_equal(
                CALL(x, hv_docker_volume_create, &(const struct hv_docker_volume_create){ .name = "" })
                        ->outcome,
                HV_DOCKER_REFUSED);
        assert_int_equal(hv_docker_mutations_total(x->d), 3);
}

/* The engine's own socket is private without being told. */
static void test_socket_is_never_mounted(void **state) {
        static const char *const tmp[] = { "/tmp", NULL };
        struct fixture *x = *state;
        const struct hv_docker_policy policy = { .host_paths = { tmp, 1 } };
        const char *const sources[] = { x->socket, x->dir };

        hv_docker_set_policy(x->d, &policy);
        for (size_t i = 0; i < HV_ARRAY_SIZE(sources); i++) {
                const struct hv_mount mount = { .type = HV_MOUNT_HOST_PATH,
                                                .source = sources[i],
                                                .target = "/x" };
                const struct hv_docker_create c = {
                        .name = "a", .image = "b", .mounts = &mount, .n_mounts = 1
                };
                const struct hv_docker_result *r = CALL(x, hv_docker_container_create, &c);

                assert_int_equal(r->outcome, HV_DOCKER_REFUSED);
                assert_int_equal(r->error, -EPERM);
                assert_non_null(strstr(r->message, x->socket));
        }
        assert_int_equal(hv_docker_mutations_total(x->d), 0);
}

/* What the agent keeps for itself is refused under every name that it has, and so is what the engine keeps. */
static void test_private_paths_are_never_mounted(void **state) {
        static const char *const tmp[] = { "/tmp", NULL };
        const struct hv_docker_policy policy = { .host_paths = { tmp, 1 } };
        struct fixture *x = *state;
        _hv_cleanup_free_ char *real = hv_asprintf("%s/real", x->dir), *link = hv_asprintf("%s/link", x->dir),
                               *deep = hv_asprintf("%s/real/state", x->dir),
                               *named = hv_asprintf("%s/link/state", x->dir),
                               *url = hv_asprintf("unix://%s", x->socket),
                               *info = hv_asprintf("{\"ID\":\"e\",\"DockerRootDir\":\"%s/data\"}", x->dir),
                               *data = hv_asprintf("%s/data/volumes", x->dir);
        const char *paths[] = { named, NULL };
        const struct hv_docker_options options = { .url = url, .private_paths = { paths, 1 } };
        const char *const sources[] = { deep, real, data };

        assert_int_equal(mkdir(real, 0700), 0);
        assert_int_equal(mkdir(deep, 0700), 0);
        assert_int_equal(symlink("real", link), 0);
        x->d = hv_docker_free(x->d);
        assert_int_equal(hv_docker_new(x->event, &options, &x->d, NULL), 0);
        hv_docker_set_policy(x->d, &policy);
        assert_int_equal(CALL(x, hv_docker_connect)->outcome, HV_DOCKER_OK);
        hv_fake_reply(x->fake, "GET /info", 200, info);
        assert_int_equal(CALL(x, hv_docker_info)->outcome, HV_DOCKER_OK);
        for (size_t i = 0; i < HV_ARRAY_SIZE(sources); i++) {
                const struct hv_mount mount = { .type = HV_MOUNT_HOST_PATH,
                                                .source = sources[i],
                                                .target = "/x" };
                const struct hv_docker_create c = {
                        .name = "a", .image = "b", .mounts = &mount, .n_mounts = 1
                };

                if (CALL(x, hv_docker_container_create, &c)->outcome != HV_DOCKER_REFUSED)
                        fail_msg("%s", sources[i]);
        }
        (void) unlink(link);
        (void) rmdir(deep);
        (void) rmdir(real);
}

/* --- counters and observer --- */

static void observe(void *userdata, enum hv_docker_op op, const char *target,
                    const struct hv_docker_result *result) {
        hv_buf_printf(userdata, "%s %s %s;", hv_docker_op_name(op), target,
                      result ? hv_docker_outcome_name(result->outcome) : "...");
}

static void test_counters(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
        const struct hv_docker_counters *n = hv_docker_counters(x->d, HV_DOCKER_OP_CONTAINER_START);
        struct hv_docker_call *call;
        uint64_t sum = 0;

        hv_docker_set_observer(x->d, observe, &seen);
        hv_fake_reply(x->fake, "POST /containers/a/start", 204, "");
        hv_fake_reply(x->fake, "POST /containers/a/start", 304, "");
        hv_fake_reply(x->fake, "POST /containers/b/start", 404, "{\"message\":\"no\"}");
        (void) CALL(x, hv_docker_container_start, "a");
        (void) CALL(x, hv_docker_container_start, "a");
        (void) CALL(x, hv_docker_container_start, "b");
        (void) CALL(x, hv_docker_container_start, "");
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "POST /containers/c/start", .then = HV_FAKE_HANG });
        call = hv_docker_container_start(x->d, "c", call_begin(x));
        hv_docker_call_cancel(call);
        assert_int_equal(n->n_begun, 4);
        assert_int_equal(n->n_ended[HV_DOCKER_OK], 1);
        assert_int_equal(n->n_ended[HV_DOCKER_NOT_MODIFIED], 1);
        assert_int_equal(n->n_ended[HV_DOCKER_NOT_FOUND], 1);
        assert_int_equal(n->n_ended[HV_DOCKER_REFUSED], 1);
        assert_int_equal(n->n_cancelled, 1);
        assert_true(n->bytes_out > 300 && n->bytes_in >= strlen("{\"message\":\"no\"}"));
        for (size_t i = 0; i < HV_DOCKER_N_BUCKETS; i++)
                sum += n->n_duration[i];
        assert_int_equal(sum, 4);
        assert_int_equal(hv_docker_calls_total(x->d, HV_DOCKER_N_OPS), 5); /* with the greeting */
        assert_int_equal(hv_docker_mutations_total(x->d), 4);
        assert_string_equal(
                hv_buf_str(&seen),
                "container_start POST /containers/a/start ...;container_start POST /containers/a/start ok;"
                "container_start POST /containers/a/start ...;container_start POST /containers/a/start not_modified;"
                "container_start POST /containers/b/start ...;container_start POST /containers/b/start not_found;"
                "container_start POST /containers//start refused;container_start POST /containers/c/start ...;");
}

/* --- silence --- */

static void free_client(void *userdata, struct hv_docker_result *result) {
        struct fixture *x = userdata;

        (void) result;
        x->done = true;
        x->d = hv_docker_free(x->d);
}

static void never(void *userdata, struct hv_docker_result *result) {
        (void) userdata;
        (void) result;
        fail_msg("called after its end");
}

static void test_free_in_a_callback(void **state) {
        static const char *const ways[] = { "a", "" }; /* answered by the engine; refused on this side */
        struct fixture *x = *state;
        const struct hv_docker_then silent = { .fn = never };

        for (size_t i = 0; i < HV_ARRAY_SIZE(ways); i++) {
                if (!x->d) {
                        assert_int_equal(tear_down(state), 0);
                        assert_int_equal(set_up(state), 0);
                        x = *state;
                }
                hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /containers/h",
                                                             .then = HV_FAKE_HANG,
                                                             .forever = true });
                hv_fake_reply(x->fake, "POST /containers/a/start", 204, "");
                for (int k = 0; k < 7; k++)
                        (void) hv_docker_container_inspect(x->d, "h", silent);
                x->done = false;
                (void) hv_docker_container_start(x->d, ways[i], (struct hv_docker_then){ free_client, x, 0 });
                hv_test_run_until(x->event, x->done);
                hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        }
        assert_null(x->d);
}

static void cancel_itself(void *userdata, struct hv_docker_result *result) {
        struct fixture *x = userdata;

        (void) result;
        hv_docker_call_cancel(*(struct hv_docker_call **) x->kept);
        x->kept = NULL;
        x->done = true;
}

static void test_cancel(void **state) {
        struct fixture *x = *state;
        struct hv_docker_call *call;

        hv_fake_reply(x->fake, "POST /containers/a/start", 204, "");
        hv_docker_call_cancel(hv_docker_container_inspect(x->d, "", (struct hv_docker_then){ .fn = never }));
        hv_docker_call_cancel(hv_docker_container_inspect(x->d, "h", (struct hv_docker_then){ .fn = never }));
        hv_docker_call_cancel(NULL);
        hv_arena_free(HV_STEAL(x->kept));
        x->done = false;
        call = hv_docker_container_start(x->d, "a", (struct hv_docker_then){ cancel_itself, x, 0 });
        x->kept = (void *) &call;
        hv_test_run_until(x->event, x->done);
        hv_test_drain(x->event);

        hv_fake_reply(x->fake, "POST /containers/a/start", 204, "");
        (void) hv_docker_container_start(x->d, "a", (struct hv_docker_then){}); /* nobody wants to know */
        hv_test_run_until(x->event,
                          hv_docker_counters(x->d, HV_DOCKER_OP_CONTAINER_START)->n_ended[HV_DOCKER_OK] == 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_addresses),
                cmocka_unit_test_setup_teardown(test_versions, set_up_unconnected, tear_down),
                TEST(test_version_is_in_the_path),
                cmocka_unit_test_setup_teardown(test_before_the_greeting, set_up_unconnected, tear_down),
                cmocka_unit_test_setup_teardown(test_podman_is_told_by_its_header, set_up_unconnected,
                                                tear_down),
                TEST(test_replies_that_make_no_sense),
                TEST(test_lost_replies),
                TEST(test_error_messages),
                TEST(test_bodies_and_queries),
                cmocka_unit_test_setup_teardown(test_signal_of_stop, set_up_unconnected, tear_down),
                TEST(test_nothing_is_left_to_a_default),
                TEST(test_hostile_volumes),
                TEST(test_socket_is_never_mounted),
                TEST(test_private_paths_are_never_mounted),
                TEST(test_counters),
                TEST(test_free_in_a_callback),
                TEST(test_cancel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
