/* What the API shows, and that it shows the same at every place. */
#include "testing.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "gpu/gpu.h"

static void the_status_says_it_all(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/status");
        static const char *const types[] = { "Ready",         "Converged",      "EngineReachable",
                                             "ConfigValid",   "Listening",      "Capped",
                                             "Admitting",     "DiskSufficient", "Preloaded",
                                             "ConfirmPending" };

        (void) state;
        assert_int_equal(a.status, 200);
        assert_string_equal(text_at(a.json, "kind"), "NodeStatus");
        assert_string_equal(text_at(a.json, "nodeId"), "worker-1");
        assert_string_equal(text_at(a.json, "revision"), s->desired->revision);
        assert_true(hv_json_bool(a.json, "converged", false));
        assert_true(hv_json_bool(a.json, "synced", false));
        assert_int_equal(hv_json_type(at(a.json, "parked")), HV_JSON_NULL);
        assert_string_equal(text_at(a.json, "engine.version"), "20.10.24");
        assert_int_equal(hv_json_as_int(at(a.json, "units.total"), -1), 5);
        for (size_t i = 0; i < HV_ARRAY_SIZE(types); i++) {
                const struct hv_json *c = hv_json_at(at(a.json, "conditions"), i);

                assert_string_equal(hv_json_str(c, "type"), types[i]);
                assert_string_equal(hv_json_str(c, "status"),
                                    hv_streq(types[i], "ConfirmPending") ? "False" : "True");
                assert_string_equal(hv_json_str(c, "reason"), "Ok");
                assert_non_null(hv_json_str(c, "lastTransitionTime"));
        }
}

static void conditions_tell_what_is_wrong(void **state) {
        static const struct {
                const char *what;
                void (*make)(struct stage *s);
                const char *status[9], *reason[9]; /* in the order of the types */
        } rows[] = {
                { "in sync",
                  NULL,
                  { "True", "True", "True", "True", "True", "True", "True", "True", "True" },
                  { "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok" } },
                { "a replica is in the way",
                  stage_break_web,
                  { "True", "False", "True", "True", "True", "True", "True", "True", "True" },
                  { "Ok", "OOMKilled", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok" } },
                { "no engine",
                  stage_lose_engine,
                  { "False", "Unknown", "False", "True", "True", "True", "True", "True", "True" },
                  { "DockerDown", "DockerDown", "DockerDown", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok" } },
                { "parked",
                  stage_park,
                  { "True", "False", "True", "True", "True", "True", "True", "True", "True" },
                  { "Ok", "PruneBlocked", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok" } },
                { "refused",
                  stage_refuse,
                  { "True", "False", "True", "False", "True", "True", "True", "True", "True" },
                  { "Ok", "RevisionRejected", "Ok", "RevisionRejected", "Ok", "Ok", "Ok", "Ok", "Ok" } },
                { "a port that is taken",
                  stage_lose_port,
                  { "True", "True", "True", "True", "False", "True", "True", "True", "True" },
                  { "Ok", "Ok", "Ok", "Ok", "NotListening", "Ok", "Ok", "Ok", "Ok" } },
                { "a machine that runs short",
                  stage_run_short,
                  { "True", "True", "True", "True", "True", "True", "False", "True", "True" },
                  { "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "WaitingPressure", "Ok", "Ok" } },
                { "CPUs that are busy",
                  stage_be_busy,
                  { "True", "True", "True", "True", "True", "True", "False", "True", "True" },
                  { "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "WaitingCpu", "Ok", "Ok" } },
                { "a disk that is full",
                  stage_fill_disk,
                  { "True", "True", "True", "True", "True", "True", "True", "False", "True" },
                  { "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "WaitingDisk", "Ok" } },
                { "an image that cannot be preloaded",
                  stage_miss_image,
                  { "True", "True", "True", "True", "True", "True", "True", "True", "False" },
                  { "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "Ok", "PullFailed" } },
                { "a slice that cannot be capped",
                  stage_lose_caps,
                  { "True", "True", "True", "True", "True", "False", "True", "True", "True" },
                  { "Ok", "Ok", "Ok", "Ok", "Ok", "CapsFailed", "Ok", "Ok", "Ok" } },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct answer a;

                if (rows[i].make)
                        rows[i].make(s);
                stage_changed(s);
                a = get(s, "/api/v1/status");
                for (size_t j = 0; j < 9; j++) {
                        const struct hv_json *c = hv_json_at(at(a.json, "conditions"), j);

                        if (!hv_streq(hv_json_str(c, "status"), rows[i].status[j]) ||
                            !hv_streq(hv_json_str(c, "reason"), rows[i].reason[j]))
                                fail_msg("%s: %s is %s (%s)", rows[i].what, hv_json_str(c, "type"),
                                         hv_json_str(c, "status"), hv_json_str(c, "reason"));
                }
                answer_done(&a);
        }
}

/* The condition, its metric; "": left out. */
static void gpus_are_judged_where_there_are_some(void **state) {
        static const struct hv_gpu_selector nvidia = { .vendor = "nvidia", .min_memory_bytes = 1u << 20 };
        static const struct {
                const char *what;
                bool is_told, is_asked_for;
                struct hv_gpus told;
                const char *status, *reason, *message;
        } rows[] = {
                { "nobody was asked", false, false, {}, "", "", "" },
                { "nobody was asked, and some are wanted",
                  false,
                  true,
                  {},
                  "Unknown",
                  "Pending",
                  "their driver was not asked yet" },
                { "no driver", true, false, { .is_known = true }, "", "", "" },
                { "no driver, and some are wanted",
                  true,
                  true,
                  { .is_known = true },
                  "False",
                  "GpuUnreachable",
                  "none of 0 GPUs is like resources.gpus.select[0]" },
                { "a driver of another version",
                  true,
                  false,
                  { .problem = "the NVIDIA driver does not answer: Driver/library version mismatch" },
                  "False",
                  "GpuUnreachable",
                  "the NVIDIA driver does not answer: Driver/library version mismatch" },
                { "one that works",
                  true,
                  true,
                  { .is_known = true,
                    .driver = "550",
                    .n = 1,
                    .v = { { .uuid = "GPU-a",
                             .memory_bytes = 1u << 20,
                             .temperature_c = 89,
                             .slowdown_c = 90 } } },
                  "True",
                  "Ok",
                  "1 GPU, NVIDIA driver 550" },
                { "one that is too small for what is wanted",
                  true,
                  true,
                  { .is_known = true, .driver = "550", .n = 1, .v = { { .uuid = "GPU-a" } } },
                  "False",
                  "GpuUnreachable",
                  "none of 1 GPUs is like resources.gpus.select[0]" },
                { "a second one that is lost",
                  true,
                  false,
                  { .is_known = true,
                    .driver = "550",
                    .n = 2,
                    .v = { { .uuid = "GPU-a" }, { .uuid = "GPU-b", .state = HV_GPU_LOST } } },
                  "False",
                  "GpuLost",
                  "GPU 1 (GPU-b) is lost: its driver does not reach it" },
                { "one that is too hot",
                  true,
                  false,
                  { .is_known = true,
                    .driver = "550",
                    .n = 1,
                    .v = { { .uuid = "GPU-a", .temperature_c = 90, .slowdown_c = 90 } } },
                  "False",
                  "GpuTooHot",
                  "GPU-a has 90 C; from 90 C on it slows itself down" },
                { "one of which no limit is known",
                  true,
                  false,
                  { .is_known = true,
                    .driver = "550",
                    .n = 1,
                    .v = { { .uuid = "GPU-a", .temperature_c = 90, .slowdown_c = -1 } } },
                  "True",
                  "Ok",
                  "1 GPU, NVIDIA driver 550" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                const struct hv_json *c;
                struct answer a, m;

                print_message("%s\n", rows[i].what);
                s->gpus = rows[i].is_told ? &rows[i].told : NULL;
                if (rows[i].is_asked_for) {
                        s->desired->settings.gpus.select = &nvidia;
                        s->desired->settings.gpus.n_select = 1;
                }
                stage_changed(s);
                a = get(s, "/api/v1/status");
                m = get(s, "/metrics");
                c = at(a.json, "conditions.9");
                if (!*rows[i].status)
                        assert_string_equal(hv_json_str(c, "type"), "ConfirmPending");
                else {
                        assert_string_equal(hv_json_str(c, "type"), "GPUHealthy");
                        assert_string_equal(hv_json_str(c, "status"), rows[i].status);
                        assert_string_equal(hv_json_str(c, "reason"), rows[i].reason);
                        assert_string_equal(hv_json_str(c, "message"), rows[i].message);
                }
                assert_int_equal(!!strstr(hv_buf_str(&m.text), "\nhivelet_gpu_healthy "), !!*rows[i].status);
                assert_int_equal(!!strstr(hv_buf_str(&m.text), "\nhivelet_gpu_healthy 1\n"),
                                 hv_streq(rows[i].status, "True"));
                answer_done(&a);
                answer_done(&m);
        }
}

static void a_revision_on_trial_is_told_everywhere(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct answer a = get(s, "/api/v1/status"), b, c;

        (void) state;
        assert_int_equal(hv_json_type(at(a.json, "confirm")), HV_JSON_NULL);
        answer_done(&a);
        stage_try_out(s);
        stage_changed(s);
        a = get(s, "/api/v1/status");
        b = get(s, "/api/v1/why");
        c = get(s, "/metrics");
        assert_string_equal(text_at(a.json, "confirm.state"), "Pending");
        assert_string_equal(text_at(a.json, "confirm.goesBackTo"), "aaaaaaaa11111111");
        assert_string_equal(text_at(a.json, "confirm.by"), "unix:uid=0");
        assert_non_null(text_at(a.json, "confirm.deadline"));
        assert_string_equal(text_at(a.json, "conditions.9.status"), "True");
        assert_string_equal(text_at(a.json, "conditions.9.reason"), "ConfirmPending");
        assert_string_equal(text_at(a.json, "conditions.1.status"), "True");
        assert_non_null(
                strstr(text_at(b.json, "node.0"), "without hivectl confirm, revision aaaaaaaa comes back"));
        assert_non_null(strstr(hv_buf_str(&c.text), "\nhivelet_confirm_pending 1\n"));
        answer_done(&a);
        answer_done(&b);
        answer_done(&c);

        stage_roll_back(s);
        stage_changed(s);
        a = get(s, "/api/v1/status");
        b = get(s, "/api/v1/sources");
        c = get(s, "/api/v1/revisions");
        assert_string_equal(text_at(a.json, "confirm.state"), "RolledBack");
        assert_string_equal(text_at(a.json, "confirm.why"), "somebody rolled it back");
        assert_string_equal(text_at(a.json, "conditions.9.reason"), "RolledBack");
        assert_string_equal(text_at(a.json, "conditions.1.status"), "False");
        assert_string_equal(text_at(a.json, "conditions.1.reason"), "RolledBack");
        assert_string_equal(text_at(b.json, "items.0.state"), "HeldOff");
        assert_string_equal(text_at(c.json, "items.1.state"), "RolledBack");
        answer_done(&a);
        answer_done(&b);
        answer_done(&c);

        stage_take_back(s);
        stage_changed(s);
        a = get(s, "/api/v1/status");
        b = get(s, "/api/v1/why");
        c = get(s, "/metrics");
        assert_string_equal(text_at(a.json, "confirm.state"), "Reverted");
        assert_string_equal(text_at(a.json, "confirm.why"), "nobody confirmed it in time");
        assert_true(hv_json_as_bool(at(a.json, "confirm.filesHeldOff"), false));
        assert_string_equal(text_at(a.json, "conditions.9.status"), "False");
        assert_string_equal(text_at(a.json, "conditions.9.reason"), "Reverted");
        assert_string_equal(text_at(a.json, "conditions.1.reason"), "Reverted"); /* not what the files say */
        assert_non_null(strstr(text_at(b.json, "node.0"), "are held off until they change"));
        assert_non_null(strstr(hv_buf_str(&c.text), "\nhivelet_files_held_off 1\n"));
        answer_done(&a);
        answer_done(&b);
        answer_done(&c);
}

static void a_condition_remembers_since_when(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct answer a = get(s, "/api/v1/status"), b, c;
        char first[64];

        (void) state;
        (void) snprintf(first, sizeof first, "%s", text_at(a.json, "conditions.1.lastTransitionTime"));
        s->wall_us += 60 * HV_USEC_PER_SEC;
        stage_changed(s);
        b = get(s, "/api/v1/status");
        assert_string_equal(text_at(b.json, "conditions.1.lastTransitionTime"),
                            first); /* the same answer as before */
        stage_break_web(s);
        stage_changed(s);
        c = get(s, "/api/v1/status");
        assert_string_not_equal(text_at(c.json, "conditions.1.lastTransitionTime"), first);
        assert_string_equal(text_at(c.json, "conditions.0.lastTransitionTime"), first);
        answer_done(&a);
        answer_done(&b);
        answer_done(&c);
}

static void a_service_is_shown_with_its_replicas(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        stage_break_web(s);
        stage_changed(s);
        a = get(s, "/api/v1/services/web");
        assert_int_equal(a.status, 200);
        assert_string_equal(text_at(a.json, "kind"), "Service");
        assert_string_equal(text_at(a.json, "metadata.name"), "web");
        assert_string_equal(text_at(a.json, "metadata.labels.tier"), "front");
        assert_string_equal(text_at(a.json, "metadata.declaredAt.file"), "/etc/hivelet/node.yaml");
        assert_true(hv_json_as_int(at(a.json, "metadata.declaredAt.line"), 0) > 20);
        assert_string_equal(text_at(a.json, "spec.image"), "docker.io/library/nginx:1.27-alpine");
        assert_int_equal(hv_json_as_int(at(a.json, "spec.replicas"), 0), 2);
        assert_int_equal(hv_json_as_int(at(a.json, "spec.ports.1.host"), 0), 8081);
        assert_string_equal(text_at(a.json, "spec.dependsOn.0.service"), "db");
        assert_false(hv_json_as_bool(at(a.json, "status.inSync"), true));
        assert_string_equal(text_at(a.json, "status.phase"), "BackOff");
        assert_string_equal(text_at(a.json, "status.reason"), "PullFailed");
        assert_int_equal(hv_json_as_int(at(a.json, "status.replicasReady"), 0), 1);
        assert_string_equal(text_at(a.json, "status.units.0.container"), "hive-web");
        assert_string_equal(text_at(a.json, "status.units.1.next.action"), "pull");
        assert_non_null(text_at(a.json, "status.units.1.next.at"));
        assert_int_equal(hv_json_type(at(a.json, "status.units.1.id")), HV_JSON_NULL);
}

static void values_of_variables_are_never_shown(void **state) {
        static const char *const paths[] = { "/api/v1/services", "/api/v1/services/db", "/api/v1/why",
                                             "/api/v1/status" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                _hv_cleanup_(answer_done) struct answer a = get(s, paths[i]);

                assert_int_equal(a.status, 200);
                assert_null(strstr(hv_buf_str(&a.text), "hunter2"));
        }
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/services/db");

        assert_string_equal(text_at(a.json, "spec.env.0.name"), "POSTGRES_PASSWORD");
}

static void every_kind_is_listed(void **state) {
        static const struct {
                const char *folder, *kind, *name, *phase;
        } rows[] = {
                { "services", "Service", "cache", "Running" },
                { "networks", "Network", "backend", "Ready" },
                { "volumes", "Volume", "data", "Ready" },
                { "secrets", "Secret", "db-password", "Declared" },
                { "configs", "Config", "web-conf", "Declared" },
                { "images", "Image", "redis", "Ready" },
                { "registries", "Registry", "private", "Ready" },
                { "crontasks", "CronTask", "nightly", "Scheduled" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char path[80];
                struct answer list, one, part;

                (void) snprintf(path, sizeof path, "/api/v1/%s", rows[i].folder);
                list = get(s, path);
                assert_int_equal(list.status, 200);
                assert_string_equal(text_at(list.json, "items.0.kind"), rows[i].kind);
                assert_string_equal(text_at(list.json, "items.0.metadata.name"), rows[i].name);
                if (!hv_streq(text_at(list.json, "items.0.status.phase"), rows[i].phase))
                        fail_msg("%s is %s", path, text_at(list.json, "items.0.status.phase"));

                (void) snprintf(path, sizeof path, "/api/v1/%s/%s", rows[i].folder, rows[i].name);
                one = get(s, path);
                assert_int_equal(one.status, 200);
                assert_string_equal(text_at(one.json, "metadata.name"), rows[i].name);
                (void) snprintf(path, sizeof path, "/api/v1/%s/%s/status", rows[i].folder, rows[i].name);
                part = get(s, path);
                assert_string_equal(text_at(part.json, "phase"), rows[i].phase);
                answer_done(&list);
                answer_done(&one);
                answer_done(&part);
        }
        _hv_cleanup_(answer_done) struct answer c = get(s, "/api/v1/configs/web-conf");

        assert_string_equal(text_at(c.json, "spec.keys.0.key"), "nginx.conf");
        assert_int_equal(hv_json_as_int(at(c.json, "spec.keys.0.bytes"), 0), 10);
        assert_int_equal(strlen(text_at(c.json, "spec.keys.0.sha256")), 64);
        assert_null(strstr(hv_buf_str(&c.text), "events {}"));
        assert_int_equal(hv_json_type(at(c.json, "status.inSync")), HV_JSON_NULL);
}

static void an_unknown_name_gets_a_guess(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/services/wbe"),
                                                b = get(s, "/api/v1/services/zzzzzz");

        (void) state;
        assert_int_equal(a.status, 404);
        assert_string_equal(text_at(a.json, "code"), "NotFound");
        assert_string_equal(text_at(a.json, "detail"), "there is no service \"wbe\"; did you mean \"web\"?");
        assert_int_equal(b.status, 404);
        assert_string_equal(text_at(b.json, "detail"), "there is no service \"zzzzzz\"");
}

static void long_lists_come_in_pages(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/services?limit=3"), b = {}, c = {};
        _hv_cleanup_free_ char *path = NULL;

        (void) state;
        assert_int_equal(hv_json_size(at(a.json, "items")), 3);
        assert_int_equal(hv_json_as_int(at(a.json, "metadata.remaining"), 0), 1);
        path = hv_asprintf("/api/v1/services?limit=3&continue=%s", text_at(a.json, "metadata.continue"));
        b = get(s, path);
        assert_int_equal(hv_json_size(at(b.json, "items")), 1);
        assert_string_equal(text_at(b.json, "items.0.metadata.name"), "web");
        assert_int_equal(hv_json_type(at(b.json, "metadata.continue")), HV_JSON_NULL);
        c = get(s, "/api/v1/services?limit=0");
        assert_int_equal(c.status, 400);
}

static void what_did_not_change_is_not_sent_again(void **state) {
        static const char *const paths[] = { "/api/v1/status", "/api/v1/services", "/api/v1/services/web",
                                             "/api/v1/node", "/api/v1/sources" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                struct answer a = get(s, paths[i]), b, c;
                const char *tag = strstr(hv_buf_str(&a.text), "ETag: ");
                char header[120];

                assert_non_null(tag);
                (void) snprintf(header, sizeof header, "If-None-Match: %.*s\r\n",
                                (int) strcspn(tag + 6, "\r"), tag + 6);
                b = ask(s, false, "GET", paths[i], header, NULL);
                assert_int_equal(b.status, 304);
                stage_changed(s);
                c = ask(s, false, "GET", paths[i], header, NULL);
                assert_int_equal(c.status, 200);
                answer_done(&a);
                answer_done(&b);
                answer_done(&c);
        }
        /* "why" counts the seconds, so it is always new. */
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/services/web/why");

        assert_null(strstr(hv_buf_str(&a.text), "ETag"));
}

static uint64_t clock_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

/* Rendered once while nothing changes (for a second), for each of those who see different things of it. */
static void the_status_is_rendered_once(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer changed = {}, viewer = {};
        unsigned before;
        uint64_t begin_us;

        (void) state;
        do {
                _hv_cleanup_(answer_done) struct answer a = {}, b = {};

                begin_us = clock_us();
                a = get(s, "/api/v1/status");
                before = s->n_snapshots;
                b = get(s, "/api/v1/status");
                assert_string_equal(text_at(b.json, "summary"), text_at(a.json, "summary"));
        } while (clock_us() - begin_us >= HV_USEC_PER_SEC);
        assert_int_equal(s->n_snapshots, before);
        viewer = ask(s, true, "GET", "/api/v1/status", NULL, NULL);
        assert_int_equal(viewer.status, 200);
        assert_true(s->n_snapshots > before);
        s->refused = true;
        stage_changed(s);
        changed = get(s, "/api/v1/status");
        assert_true(hv_json_as_bool(at(changed.json, "refused"), false));
}

static void why_tells_what_is_in_the_way(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, node = {}, task = {}, fine = {};

        (void) state;
        stage_break_web(s);
        stage_changed(s);
        a = get(s, "/api/v1/services/web/why");
        assert_string_equal(text_at(a.json, "wanted"),
                            "2 containers of docker.io/library/nginx:1.27-alpine, kept running");
        assert_true(hv_has_prefix(text_at(a.json, "declaredAt"), "/etc/hivelet/node.yaml:"));
        assert_true(hv_has_prefix(text_at(a.json, "units.0.seen"), "hive-web runs since 20"));
        assert_int_equal(hv_json_type(at(a.json, "units.0.blocking")), HV_JSON_NULL);
        assert_string_equal(text_at(a.json, "units.1.seen"), "hive-web-2 does not exist");
        assert_string_equal(
                text_at(a.json, "units.1.blocking"),
                "PullFailed: docker.io/library/nginx:1.27-alpine: cannot pull (try 3): manifest unknown");
        assert_string_equal(text_at(a.json, "units.1.next"), "pull hive-web-2 in 12s");
        node = get(s, "/api/v1/why");
        assert_int_equal(hv_json_size(at(node.json, "items")), 2);
        assert_string_equal(text_at(node.json, "items.0.name"), "proxy");
        assert_string_equal(text_at(node.json, "items.0.units.0.seen"),
                            "hive-proxy was killed because it ran out of memory");
        task = get(s, "/api/v1/configs/web-conf/why");
        assert_string_equal(text_at(task.json, "next"), "nothing in this version");
        fine = get(s, "/api/v1/networks/backend/why");
        assert_true(hv_json_bool(fine.json, "inSync", false));
        assert_int_equal(hv_json_type(at(fine.json, "blocking")), HV_JSON_NULL);
}

/* A volume that is declared no more, and whose reclaim is retain. */
static void what_is_kept_is_called_so(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {};
        struct hv_object_status *v = &s->objects[s->status.n_objects++];

        (void) state;
        *v = (struct hv_object_status){ HV_KIND_VOLUME,  "old",          NULL,
                                        .in_sync = true, .exists = true, .message = "" };
        a = get(s, "/api/v1/volumes/old");
        assert_string_equal(text_at(a.json, "status.phase"), "Kept");
        assert_true(hv_json_as_bool(at(a.json, "status.inSync"), false));
        assert_int_equal(hv_json_type(at(a.json, "metadata.declaredAt")), HV_JSON_NULL);
        v->in_sync = false;
        stage_changed(s);
        b = get(s, "/api/v1/volumes/old");
        assert_string_equal(text_at(b.json, "status.phase"), "Orphan");
}

/* The guard's sentence may say how to consent; then nobody says it again. */
static void consent_is_asked_for_once(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        stage_park(s);
        s->status.parked_message = "refused; run: hivectl apply --accept-prune bb112233";
        a = get(s, "/api/v1/services/web/why");
        assert_string_equal(
                text_at(a.json, "node.0"),
                "revision bb112233 is parked: refused; run: hivectl apply --accept-prune bb112233");
}

static void why_knows_about_the_node(void **state) {
        static const struct {
                const char *what;
                void (*make)(struct stage *s);
                const char *note, *seen;
        } rows[] = {
                { "engine", stage_lose_engine, "connect to /var/run/docker.sock: Connection refused",
                  "hive-web is not known: the engine is not answering" },
                { "parked", stage_park,
                  "revision bb112233 is parked (it would remove 3 of 5 objects; safety.maxPrune is 50%); to let it "
                  "remove: hivectl apply --accept-prune bb112233",
                  "hive-web runs since 20" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = {};

                rows[i].make(s);
                stage_changed(s);
                a = get(s, "/api/v1/services/web/why");
                assert_string_equal(text_at(a.json, "node.0"), rows[i].note);
                assert_true(hv_has_prefix(text_at(a.json, "units.0.seen"), rows[i].seen));
        }
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        stage_refuse(s);
        a = get(s, "/api/v1/services/web/why");
        assert_true(
                hv_has_prefix(text_at(a.json, "node.0"), "the sources were refused (2 errors; the first: "));
}

static void why_names_the_caps_and_what_is_in_their_way(void **state) {
        static const struct {
                const char *what;
                void (*make)(struct stage *s);
                const char *said;
        } rows[] = {
                { "none are asked for", NULL, NULL },
                { "one holds", stage_cap, "hivelet.slice: CPU 1500m, memory all" },
                { "one does not", stage_lose_caps,
                  "hivelet.slice: CPU all, memory all; it is not so: cannot make cgroup "
                  "/sys/fs/cgroup/cpu/hivelet.slice: Permission denied" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = {};

                if (rows[i].make)
                        rows[i].make(s);
                stage_changed(s);
                a = get(s, "/api/v1/why");
                assert_int_equal(hv_json_size(at(a.json, "caps")), rows[i].said ? 1 : 0);
                if (rows[i].said)
                        assert_string_equal(text_at(a.json, "caps.0"), rows[i].said);
        }
}

/* Two readings of two clocks differ by what lies between them. */
static void an_instant_stays_where_it_is(void **state) {
        static const uint64_t wall_us = UINT64_C(1700000000000000), boot_us = 5000000;
        int64_t ahead_us = 0;

        (void) state;
        assert_true(hv_api_steady_wall_us(&ahead_us, boot_us, wall_us) == wall_us);
        assert_true(hv_api_steady_wall_us(&ahead_us, boot_us + 1000, wall_us + 1007) == wall_us + 1000);
        assert_true(hv_api_steady_wall_us(&ahead_us, boot_us + 2000, wall_us + 1995) == wall_us + 2000);
        /* Somebody sets the clock, forth and back. */
        assert_true(hv_api_steady_wall_us(&ahead_us, boot_us + 3000, wall_us + 3000000) == wall_us + 3000000);
        assert_true(hv_api_steady_wall_us(&ahead_us, boot_us + 4000, wall_us + 3001007) == wall_us + 3001000);
        assert_true(hv_api_steady_wall_us(&ahead_us, boot_us + 5000, wall_us) == wall_us);
}

/* The files are private, and a finding's line may hold the value of a variable: only who may change them sees it. */
static void lines_of_files_are_for_admins(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer admin = {}, viewer = {};

        (void) state;
        stage_refuse(s);
        stage_changed(s);
        admin = get(s, "/api/v1/status");
        assert_non_null(strstr(text_at(admin.json, "errors.0.source"), "image: nginx"));
        assert_non_null(strstr(text_at(admin.json, "errors.0.text"), "image: nginx"));
        viewer = ask(s, true, "GET", "/api/v1/status", NULL, NULL);
        assert_int_equal(viewer.status, 200);
        assert_null(strstr(hv_buf_str(&viewer.text), "image: nginx"));
        assert_int_equal(hv_json_type(at(viewer.json, "errors.0.source")), HV_JSON_NULL);
        assert_string_equal(text_at(viewer.json, "errors.0.message"),
                            text_at(admin.json, "errors.0.message"));
        assert_non_null(
                strstr(text_at(viewer.json, "errors.0.text"), text_at(viewer.json, "errors.0.message")));
}

static void sources_and_revisions_are_listed(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/sources"), b = {};

        (void) state;
        assert_string_equal(text_at(a.json, "items.0.state"), "Ok");
        assert_string_equal(text_at(a.json, "items.1.state"), "Empty");
        assert_string_equal(text_at(a.json, "items.0.location"), "/etc/hivelet/node.yaml");
        stage_park(s);
        stage_changed(s);
        b = get(s, "/api/v1/revisions");
        assert_string_equal(text_at(b.json, "items.0.state"), "Parked");
        assert_string_equal(text_at(b.json, "items.1.state"), "Active");
        assert_string_equal(text_at(b.json, "items.2.state"), "Previous");
        assert_int_equal(hv_json_type(at(b.json, "items.2.since")), HV_JSON_NULL);
}

static void probes_answer_by_their_status(void **state) {
        static const struct {
                const char *what;
                void (*make)(struct stage *s);
                const char *path;
                unsigned status;
                const char *body;
        } rows[] = {
                { "alive", NULL, "/livez", 200, "ok\n" },
                { "alias", NULL, "/healthz", 200, "ok\n" },
                { "alive without an engine", stage_lose_engine, "/livez", 200, "ok\n" },
                { "ready", NULL, "/readyz", 200, "ok\n" },
                { "ready, in full", NULL, "/readyz?verbose", 200,
                  "[+]loop ok\n[+]engine ok\n[+]observation ok\n[+]revision ok\nreadyz check passed\n" },
                { "not ready", stage_lose_engine, "/readyz", 503,
                  "[+]loop ok\n[-]engine failed: DockerDown\n[+]observation ok\n[+]revision ok\nreadyz check failed\n" },
                { "a check left out", stage_lose_engine, "/readyz?verbose&exclude=engine", 200,
                  "[+]loop ok\n[+]engine excluded\n[+]observation ok\n[+]revision ok\nreadyz check passed\n" },
                { "two left out", stage_lose_engine, "/readyz?exclude=revision,engine", 200, "ok\n" },
                { "another left out", stage_lose_engine, "/readyz?exclude=revision,eng", 503,
                  "[+]loop ok\n[-]engine failed: DockerDown\n[+]observation ok\n[+]revision excluded\n"
                  "[!]no check is called \"eng\"; there are loop, engine, observation, revision\n"
                  "readyz check failed\n" },
                { "out of sync is ready all the same", stage_break_web, "/readyz", 200, "ok\n" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = {};

                if (rows[i].make)
                        rows[i].make(s);
                a = ask(s, true, "GET", rows[i].path, NULL, NULL);
                if (a.status != rows[i].status || !hv_streq(web_body(&a.text), rows[i].body))
                        fail_msg("%s: %u %s", rows[i].what, a.status, web_body(&a.text));
        }
}

static void usage_is_the_last_sample(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/usage"), history = {}, node = {},
                                                service = {}, none = {}, empty = {};

        (void) state;
        assert_int_equal(a.status, 200);
        assert_true(hv_json_as_real(at(a.json, "host.cpu.percent"), -1) == 50);
        assert_int_equal(hv_json_as_int(at(a.json, "host.memory.used"), 0), INT64_C(2) << 30);
        assert_true(hv_json_as_real(at(a.json, "host.disks.0.percent"), 0) == 50);
        assert_true(hv_json_as_real(at(a.json, "host.pressure.cpu.some"), 0) == 1.5);
        assert_int_equal(hv_json_type(at(a.json, "host.pressure.io")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "host.temperatureCelsius")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "hivelet")), HV_JSON_NULL);
        assert_string_equal(text_at(a.json, "containers.0.container"), "hive-web-1");
        assert_int_equal(hv_json_as_int(at(a.json, "containers.0.replica"), 0), 1);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.0.memory.workingSet"), 0), 3072);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.0.memory.oomKills"), 0), 2);
        assert_true(hv_json_as_real(at(a.json, "containers.0.cpu.seconds"), 0) == 1.5);
        assert_true(hv_json_as_real(at(a.json, "containers.0.network.receivedPerSecond"), 0) == 10);
        assert_true(hv_json_as_real(at(a.json, "containers.0.io.writtenPerSecond"), 0) == 9);
        /* What is not known is not 0. */
        assert_int_equal(hv_json_type(at(a.json, "containers.0.memory.peak")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "containers.1.cpu.percent")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "containers.1.network")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "containers.1.io.writtenPerSecond")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "containers.1.memory.limit")), HV_JSON_NULL);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.1.attempt"), 0), 1);
        assert_int_equal(hv_json_size(at(a.json, "containers.0.gpus")), 1);
        assert_string_equal(text_at(a.json, "containers.1.gpus.0.uuid"), "GPU-aaaa");
        assert_int_equal(hv_json_as_int(at(a.json, "containers.1.gpus.0.use"), 0), 45);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.1.gpus.0.memory.used"), 0), INT64_C(2) << 30);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.1.gpus.0.memory.total"), 0), INT64_C(24)
                                                                                                    << 30);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.1.gpus.0.processes"), 0), 1);
        assert_true(hv_json_as_bool(at(a.json, "containers.1.gpus.0.assigned"), false));
        assert_int_equal(hv_json_type(at(a.json, "containers.1.gpus.1.use")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "containers.1.gpus.1.memory.used")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(a.json, "containers.1.gpus.1.memory.total")), HV_JSON_NULL);
        assert_int_equal(hv_json_as_int(at(a.json, "gpus.0.processes.0.use"), 0), 45);
        assert_null(at(a.json, "host.history"));
        history = get(s, "/api/v1/usage?history=1");
        assert_true(hv_json_as_real(at(history.json, "host.history.0.cpuPercent"), 0) == 50);
        assert_non_null(at(history.json, "containers.0.history.0.at"));
        assert_null(at(history.json, "host.history.0.gpuPercent"));
        assert_null(at(history.json, "host.history.0.readPerSecond"));
        assert_true(hv_json_as_real(at(history.json, "containers.1.history.0.readPerSecond"), 0) == 7);
        assert_true(hv_json_as_real(at(history.json, "containers.1.history.0.writtenPerSecond"), 0) == 8);
        assert_int_equal(hv_json_type(at(history.json, "containers.1.history.1.readPerSecond")),
                         HV_JSON_NULL);
        assert_true(hv_json_as_real(at(history.json, "containers.1.history.0.gpuPercent"), 0) == 45);
        assert_int_equal(hv_json_as_int(at(history.json, "containers.1.history.0.gpuMemory"), 0),
                         INT64_C(2) << 30);
        assert_int_equal(hv_json_type(at(history.json, "containers.1.history.1.gpuPercent")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(history.json, "containers.1.history.1.gpuMemory")), HV_JSON_NULL);
        node = get(s, "/api/v1/node");
        assert_true(hv_json_as_real(at(node.json, "usage.cpu.percent"), -1) == 50);
        service = get(s, "/api/v1/services/web/stats");
        assert_string_equal(text_at(service.json, "containers.0.container"), "hive-web-1");
        assert_null(at(service.json, "containers.1"));
        none = get(s, "/api/v1/services/wbe/stats");
        assert_int_equal(none.status, 404);
        s->usage = (struct hv_monitor_view){};
        empty = get(s, "/api/v1/usage");
        assert_int_equal(hv_json_type(at(empty.json, "host")), HV_JSON_NULL);
}

static void usage_is_sent_again_with_each_sample(void **state) {
        static const char *const paths[] = { "/api/v1/usage", "/api/v1/node", "/api/v1/services/web/stats" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                _hv_cleanup_(answer_done) struct answer first = get(s, paths[i]), same = {}, later = {};
                const char *tag = strstr(hv_buf_str(&first.text), "ETag: ");
                char header[120];

                assert_non_null(tag);
                (void) snprintf(header, sizeof header, "If-None-Match: %.*s\r\n",
                                (int) strcspn(tag + 6, "\r"), tag + 6);
                same = ask(s, false, "GET", paths[i], header, NULL);
                s->usage.generation++;
                later = ask(s, false, "GET", paths[i], header, NULL);
                if (same.status != 304 || later.status != 200)
                        fail_msg("%s: %u, then %u", paths[i], same.status, later.status);
        }
}

static void a_revision_is_found_by_the_start_of_its_id(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer all = get(s, "/api/v1/revisions"), one = {}, none = {},
                                                both = {}, many = {}, first = {};
        size_t n = 0;
        _hv_cleanup_free_ char *like = NULL;
        const char *id = text_at(all.json, "items.0.revision");
        _hv_cleanup_free_ char *path = hv_asprintf("/api/v1/revisions/%.12s", id);

        (void) state;
        one = get(s, path);
        assert_int_equal(one.status, 200);
        assert_string_equal(text_at(one.json, "revision"), id);
        assert_string_equal(text_at(one.json, "state"), "Active");
        assert_string_equal(text_at(one.json, "by"), "unix:uid=0");
        assert_true(hv_has_prefix(text_at(one.json, "before"), "aa00"));
        for (size_t i = 0; i < hv_json_size(at(one.json, "changes")); i++) {
                const struct hv_json *c = hv_json_at(at(one.json, "changes"), i);

                n += hv_streq(hv_json_str(c, "change"), "changed") && hv_streq(hv_json_str(c, "name"), "web");
                n += hv_streq(hv_json_str(c, "change"), "removed") && hv_streq(hv_json_str(c, "name"), "old");
        }
        assert_int_equal(n, 2);
        first = get(s, "/api/v1/revisions/aa00"); /* what it was made of is not known */
        assert_int_equal(hv_json_type(at(first.json, "before")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(first.json, "changes")), HV_JSON_ABSENT);
        none = get(s, "/api/v1/revisions/zzzz");
        assert_int_equal(none.status, 404);
        s->revisions[1].revision =
                s->revisions[0].revision; /* of one that is parked and kept: the kept one */
        both = get(s, path);
        assert_int_equal(both.status, 200);
        s->revisions[1].revision = like = hv_asprintf("%.12sffff", id);
        many = get(s, path);
        assert_int_equal(many.status, 409);
}

static void sync_in_short(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer well = get(s, "/api/v1/sync"), broken = {};

        (void) state;
        assert_true(hv_json_bool(well.json, "converged", false));
        assert_string_equal(text_at(well.json, "revision"), s->desired->revision);
        stage_break_web(s);
        broken = get(s, "/api/v1/sync");
        assert_false(hv_json_bool(broken.json, "converged", true));
        assert_non_null(text_at(broken.json, "message"));
}

static void exposure_names_every_published_port(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/exposure");

        (void) state;
        assert_int_equal(hv_json_size(at(a.json, "items")), 2); /* web has two replicas */
        assert_string_equal(text_at(a.json, "items.0.name"), "web");
        assert_string_equal(text_at(a.json, "items.0.bind"), "loopback");
        assert_string_equal(text_at(a.json, "items.0.address"), "127.0.0.1");
        assert_int_equal(hv_json_as_int(at(a.json, "items.0.containerPort"), 0), 80);
        assert_int_equal(hv_json_as_int(at(a.json, "items.1.hostPort"), 0), 8081);
        assert_string_equal(text_at(a.json, "items.0.mode"), "published");
        assert_string_equal(text_at(a.json, "items.0.reach"), "loopback");
        assert_string_equal(text_at(a.json, "listen"), "127.0.0.1:5000");
}

/* No list says what a container opens there: it must not be missing for that. */
static void exposure_names_who_shares_the_network_of_the_node(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct answer a;
        size_t n;

        (void) state;
        for (size_t i = 0; i < s->desired->n_units; i++)
                if (hv_streq(s->desired->units[i].object, "db"))
                        ((struct hv_unit *) &s->desired->units[i])->network_mode = "host";
        a = get(s, "/api/v1/exposure");
        n = hv_json_size(at(a.json, "items"));
        assert_int_equal(n, 3);
        for (size_t i = 0; i < n; i++) {
                const struct hv_json *item = hv_json_at(at(a.json, "items"), i);
                bool is_db = hv_streq(hv_json_str(item, "name"), "db");

                assert_string_equal(hv_json_str(item, "mode"), is_db ? "hostNetwork" : "published");
                assert_string_equal(hv_json_str(item, "reach"), is_db ? "reachable" : "loopback");
        }
        answer_done(&a);
}

static void each_field_has_an_origin(void **state) {
        static const struct {
                const char *path, *value, *origin;
                unsigned line; /* 0: of no file */
        } rows[] = {
                { "services/web/origin?field=image", "docker.io/library/nginx:1.27-alpine", "file", 31 },
                { "services/web/origin?field=ports%5B0%5D.host", "8080-8081", "file", 35 },
                { "services/web/origin?field=ports%5B0%5D.protocol", "tcp", "default", 0 },
                { "services/web/origin?field=restart.policy", "always", "default", 0 },
                { "services/db/origin?field=env%5B0%5D.name", NULL, "file", 26 },
                { "services/db/origin?field=env%5B0%5D.value", NULL, "file", 26 },
                { "services/db/origin?field=env", NULL, "file", 26 },
                { "configs/web-conf/origin?field=data", NULL, "file", 15 },
                { "crontasks/nightly/origin?field=task", NULL, "file", 21 },
                { "crontasks/nightly/origin?field=schedule", "15 3 * * *", "file", 21 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *path = hv_asprintf("/api/v1/%s", rows[i].path);
                struct answer a = get(s, path);

                if (a.status != 200 || !hv_streq(text_at(a.json, "origin"), rows[i].origin) ||
                    !hv_streq(hv_json_as_str(at(a.json, "value")), rows[i].value) ||
                    hv_json_as_int(at(a.json, "line"), -1) != (int64_t) rows[i].line)
                        fail_msg("%s: %s", path, hv_buf_str(&a.text));
                assert_null(strstr(hv_buf_str(&a.text), "hunter2"));
                answer_done(&a);
        }
}

static void an_object_is_given_as_it_was_written(void **state) {
        static const struct {
                const char *path;
                unsigned status;
                const char *part;
        } rows[] = {
                { "services/web/document", 200,
                  "\"metadata\":{\"name\":\"web\",\"labels\":{\"tier\":\"front\"}},\"spec\":{\"image\":\"docker.io/library/nginx:1.27-alpine\",\"replicas\":2," },
                { "services/db/document", 200, "\"withheld\":[\"spec.env[0].value\"]" },
                { "crontasks/nightly/document", 200,
                  "\"task\":{\"image\":\"docker.io/library/alpine:3.20\",\"command\":[\"date\"]}" },
                { "networks/backend/document", 200, "\"spec\":{\"subnet\":\"172.30.0.0/24\"}" },
                { "networks/hivemind/document", 404, "network \\\"hivemind\\\" is not declared" },
                { "services/absent/document", 404, "absent" },
                { "secrets/db-password/document", 404, "" },
                { "configs/web-conf/document", 404, "" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *path = hv_asprintf("/api/v1/%s", rows[i].path);
                struct answer a = get(s, path);

                if (a.status != rows[i].status || !strstr(hv_buf_str(&a.text), rows[i].part))
                        fail_msg("%s: %s", path, hv_buf_str(&a.text));
                assert_null(strstr(hv_buf_str(&a.text), "hunter2"));
                answer_done(&a);
        }
}

static void images_of_the_engine_say_why_they_stay(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/node/images");
        struct answer broken;

        (void) state;
        assert_int_equal(a.status, 200);
        assert_int_equal(hv_json_size(at(a.json, "items")), 3);
        assert_string_equal(text_at(a.json, "items.0.usedBy.1"), "hive-web-2");
        assert_string_equal(text_at(a.json, "items.1.why"), "pinned (images.preload)");
        assert_true(hv_json_as_bool(at(a.json, "items.1.pinned"), false));
        assert_false(hv_json_as_bool(at(a.json, "items.2.kept"), true));
        assert_int_equal(hv_json_type(at(a.json, "items.2.name")), HV_JSON_NULL);
        s->err = (struct hv_err){ .code = -ENOTCONN, .msg = "the engine cannot be reached" };
        broken = get(s, "/api/v1/node/images");
        assert_int_equal(broken.status, 503);
        answer_done(&broken);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_status_says_it_all),
                cmocka_unit_test(conditions_tell_what_is_wrong),
                cmocka_unit_test(gpus_are_judged_where_there_are_some),
                cmocka_unit_test(a_revision_on_trial_is_told_everywhere),
                cmocka_unit_test(a_condition_remembers_since_when),
                cmocka_unit_test(a_service_is_shown_with_its_replicas),
                cmocka_unit_test(values_of_variables_are_never_shown),
                cmocka_unit_test(every_kind_is_listed),
                cmocka_unit_test(an_unknown_name_gets_a_guess),
                cmocka_unit_test(long_lists_come_in_pages),
                cmocka_unit_test(what_did_not_change_is_not_sent_again),
                cmocka_unit_test(the_status_is_rendered_once),
                cmocka_unit_test(why_tells_what_is_in_the_way),
                cmocka_unit_test(why_knows_about_the_node),
                cmocka_unit_test(why_names_the_caps_and_what_is_in_their_way),
                cmocka_unit_test(what_is_kept_is_called_so),
                cmocka_unit_test(consent_is_asked_for_once),
                cmocka_unit_test(an_instant_stays_where_it_is),
                cmocka_unit_test(lines_of_files_are_for_admins),
                cmocka_unit_test(sources_and_revisions_are_listed),
                cmocka_unit_test(probes_answer_by_their_status),
                cmocka_unit_test(usage_is_the_last_sample),
                cmocka_unit_test(a_revision_is_found_by_the_start_of_its_id),
                cmocka_unit_test(sync_in_short),
                cmocka_unit_test(exposure_names_every_published_port),
                cmocka_unit_test(exposure_names_who_shares_the_network_of_the_node),
                cmocka_unit_test(each_field_has_an_origin),
                cmocka_unit_test(an_object_is_given_as_it_was_written),
                cmocka_unit_test(images_of_the_engine_say_why_they_stay),
                cmocka_unit_test(usage_is_sent_again_with_each_sample),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
