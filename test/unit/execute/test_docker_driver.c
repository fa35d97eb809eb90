/* docker_driver, executor: what becomes of each action when the engine misbehaves. An engine that does as it should is
 * real: test/integration/execute. */
#include <errno.h>
#include <unistd.h>

#include "lib/fakeengine.h"
#include "lib/loop.h"
#include "wish.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "execute/docker_driver.h"
#include "execute/executor.h"
#include "log/redact.h"
#include "reconcile/labels.h"

struct told { /* a copy of one input */
        enum hv_input_type type;
        uint64_t action_id;
        enum hv_outcome outcome;
        char *message, *created_id, *what;
        unsigned parts;
        bool ours;
};

struct fixture {
        char dir[64], socket[96];
        sd_event *event;
        struct hv_fake_engine *engine;
        struct hv_docker *docker;
        struct hv_executor *executor;
        struct hv_desired *desired;
        HV_VEC(struct told) told;
        unsigned n_ended;
        bool inside_submit;
        const struct hv_secret *secret;
        struct hv_image_source images;
};

static void on_input(void *userdata, const struct hv_input *in) {
        struct fixture *x = userdata;
        struct told *t = hv_vec_add(&x->told);

        assert_false(x->inside_submit);
        t->type = in->type;
        t->action_id = in->action_id;
        t->outcome = in->outcome;
        t->message = hv_strdup(in->message);
        t->created_id = hv_strdup(in->created_id);
        if (in->listing)
                t->parts = in->listing->parts;
        if (in->type == HV_INPUT_EVENT) {
                t->what = hv_asprintf("%s %s", in->event.action, in->event.id);
                t->ours = in->event.ours;
        }
}

static void on_ended(void *userdata, const struct hv_action *action, enum hv_outcome outcome,
                     uint64_t duration_us) {
        struct fixture *x = userdata;

        (void) action;
        (void) outcome;
        assert_true(duration_us < HV_USEC_PER_MIN);
        x->n_ended++;
}

static const struct hv_secret *find_secret(void *userdata, const char *name) {
        const struct fixture *x = userdata;

        return hv_streq(name, "login") ? x->secret : NULL;
}

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);
        const struct hv_executor_handler handler = { .input = on_input, .ended = on_ended, .userdata = x };
        struct hv_docker_options docker = { .call_timeout_us =
                                                    2 * HV_TEST_PATIENCE_US }; /* never the first to end */
        struct hv_docker_driver_options driver = { .node_id = "node-1",
                                                   .input = hv_executor_input,
                                                   .images = &x->images };
        _hv_cleanup_free_ char *url = NULL;

        (void) snprintf(x->dir, sizeof x->dir, "/tmp/hv-driver-XXXXXX");
        assert_non_null(mkdtemp(x->dir));
        (void) snprintf(x->socket, sizeof x->socket, "%s/sock", x->dir);
        url = hv_asprintf("unix://%s", x->socket);
        docker.url = url;
        assert_true(sd_event_new(&x->event) >= 0);
        x->engine = hv_fake_engine_new(x->event, x->socket);
        assert_int_equal(hv_docker_new(x->event, &docker, &x->docker, NULL), 0);
        assert_int_equal(hv_executor_new(x->event, &handler, &x->executor, NULL), 0);
        x->images = (struct hv_image_source){ .docker = x->docker, .secret = find_secret, .userdata = x };
        driver.docker = x->docker;
        driver.input_userdata = x->executor;
        hv_executor_add(x->executor, hv_docker_driver_new(&driver));
        x->desired =
                wish("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n"
                     "  registries: [{name: r, host: registry.example.org, auth: {secret: login}}]\n"
                     "  secrets: [{name: login, fromFile: /run/none}]\n"
                     "  volumes: [{name: data}]\n"
                     "  services: [{name: web, image: docker.io/library/busybox:1, mounts: [{volume: data, "
                     "target: /data}]}]\n");
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        (void) hv_executor_free(x->executor);
        (void) hv_docker_free(x->docker);
        (void) hv_fake_engine_free(x->engine);
        (void) hv_desired_unref(x->desired);
        (void) sd_event_unref(x->event);
        (void) unlink(x->socket);
        assert_int_equal(rmdir(x->dir), 0);
        for (size_t i = 0; i < x->told.n; i++) {
                free(x->told.v[i].message);
                free(x->told.v[i].created_id);
                free(x->told.v[i].what);
        }
        hv_vec_done(&x->told);
        free(x);
        return 0;
}

static void submit(struct fixture *x, const struct hv_action *a) {
        x->inside_submit = true;
        hv_executor_submit(x->executor, a);
        x->inside_submit = false;
}

/* Performs one action and gives what was told at its end. */
static const struct told *perform(struct fixture *x, struct hv_action a) {
        static uint64_t last_id;
        size_t before = x->told.n;

        a.id = ++last_id;
        a.desired = a.desired ? a.desired : x->desired;
        submit(x, &a);
        hv_test_run_until(x->event, x->told.n > before && x->told.v[x->told.n - 1].action_id == a.id);
        assert_int_equal(hv_executor_in_flight(x->executor), 0);
        return &x->told.v[x->told.n - 1];
}

#define EVENTS_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

static void stream(struct fixture *x) {
        hv_fake_add(x->engine, &(struct hv_fake_rule){
                                       .match = "GET /events", .raw = EVENTS_HEAD, .then = HV_FAKE_HANG });
}

static void push(struct fixture *x, const char *json) {
        char chunk[1024];

        (void) snprintf(chunk, sizeof chunk, "%zx\r\n%s\n\r\n", strlen(json) + 1, json);
        hv_fake_push(x->engine, chunk, strlen(chunk));
}

static void connect(struct fixture *x) {
        hv_fake_ping(x->engine, "1.41");
        stream(x);
        hv_fake_reply(x->engine, "GET /info", 200, "{\"CgroupDriver\": \"cgroupfs\"}");
        assert_int_equal(perform(x, (struct hv_action){ .type = HV_ACTION_CONNECT })->outcome, HV_OUTCOME_OK);
}

#define DIE(t)                                                                                                       \
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"c1\",\"Attributes\":{\"name\":\"hive-web\"," \
        "\"io.hivelet.managed\":\"true\",\"io.hivelet.node\":\"node-1\",\"io.hivelet.kind\":\"service\","            \
        "\"io.hivelet.name\":\"web\"}},\"timeNano\":" t "}"

/* --- connect, events --- */

static void connecting_ends_with_an_open_stream(void **state) {
        struct fixture *x = *state;

        connect(x);
        assert_int_equal(hv_docker_engine(x->docker)->cgroup_driver, HV_DOCKER_CGROUP_CGROUPFS);
        push(x, DIE("1700000000000000005"));
        hv_test_run_until(x->event, x->told.n == 2);
        assert_int_equal(x->told.v[1].type, HV_INPUT_EVENT);
        assert_string_equal(x->told.v[1].what, "die c1");
        assert_true(x->told.v[1].ours);
        push(x, "{\"Type\":\"plugin\",\"Action\":\"enable\",\"Actor\":{\"ID\":\"p\"},\"timeNano\":1}");
        push(x, "no event at all");
        hv_fake_push(x->engine, NULL, 0);
        hv_test_run_until(x->event, x->told.n == 3);
        assert_int_equal(x->told.v[2].type, HV_INPUT_ENGINE_LOST);
        assert_non_null(x->told.v[2].message);
}

static void reconnecting_asks_for_what_was_missed(void **state) {
        struct fixture *x = *state;
        const char *last = NULL;

        connect(x);
        push(x, DIE("1700000000000000005"));
        hv_test_run_until(x->event, x->told.n == 2);
        hv_fake_push(x->engine, NULL, 0);
        hv_test_run_until(x->event, x->told.n == 3);
        connect(x);
        for (unsigned i = 0; i < hv_fake_requests(x->engine); i++)
                if (strstr(hv_fake_request(x->engine, i), "/events"))
                        last = hv_fake_request(x->engine, i);
        assert_non_null(strstr(last, "since=1700000000.000000005"));
}

static void a_connect_that_fails_says_how(void **state) {
        struct fixture *x = *state;
        const struct told *t;

        hv_fake_ping(x->engine, "1.41");
        stream(x);
        hv_fake_reply(x->engine, "GET /info", 500, "{\"message\": \"not today\"}");
        t = perform(x, (struct hv_action){ .type = HV_ACTION_CONNECT });
        assert_int_equal(t->outcome, HV_OUTCOME_FAILED);
        assert_non_null(strstr(t->message, "not today"));

        hv_fake_add(x->engine,
                    &(struct hv_fake_rule){ .match = "GET /events", .raw = "", .then = HV_FAKE_CLOSE });
        hv_fake_add(x->engine, &(struct hv_fake_rule){ .match = "GET /info", .then = HV_FAKE_HANG });
        t = perform(x, (struct hv_action){ .type = HV_ACTION_CONNECT });
        assert_int_equal(t->outcome, HV_OUTCOME_UNKNOWN);
        assert_int_equal(x->told.n, 2); /* and nothing else was told */
}

/* The stream of a connect that failed ends later: nobody was told of an engine that could be lost. */
static void what_never_opened_is_not_lost(void **state) {
        struct fixture *x = *state;
        unsigned before;

        hv_fake_ping(x->engine, "1.41");
        hv_fake_add(x->engine, &(struct hv_fake_rule){ .match = "GET /events", .then = HV_FAKE_HANG });
        hv_fake_reply(x->engine, "GET /info", 500, "{}");
        assert_int_equal(perform(x, (struct hv_action){ .type = HV_ACTION_CONNECT })->outcome,
                         HV_OUTCOME_FAILED);
        before = hv_fake_open(x->engine);
        hv_fake_push(x->engine, NULL, 0);
        hv_test_run_until(x->event, hv_fake_open(x->engine) < before);
        hv_test_drain(x->event);
        assert_int_equal(x->told.n, 1);
}

static void nobody_there_is_unreachable(void **state) {
        struct fixture *x = *state;

        x->engine = hv_fake_engine_free(x->engine);
        (void) unlink(x->socket);
        assert_int_equal(perform(x, (struct hv_action){ .type = HV_ACTION_CONNECT })->outcome,
                         HV_OUTCOME_UNREACHABLE);
}

/* --- looks --- */

static void a_listing_has_the_parts_that_could_be_read(void **state) {
        static const struct {
                const char *what;
                unsigned containers, networks, volumes; /* status; 0: cut off */
                unsigned asked, parts;
                enum hv_outcome outcome;
        } rows[] = {
                { "all", 200, 200, 200, HV_LOOK_ALL, HV_LOOK_ALL, HV_OUTCOME_OK },
                { "only networks", 0, 200, 0, HV_LOOK_NETWORKS, HV_LOOK_NETWORKS, HV_OUTCOME_OK },
                { "one fails", 200, 500, 200, HV_LOOK_ALL, HV_LOOK_CONTAINERS | HV_LOOK_VOLUMES,
                  HV_OUTCOME_OK },
                { "all fail", 500, 500, 500, HV_LOOK_ALL, 0, HV_OUTCOME_FAILED },
                { "one is cut off", 200, 200, 0, HV_LOOK_ALL, 0, HV_OUTCOME_UNKNOWN },
                { "one fails, one is cut off", 500, 0, 200, HV_LOOK_ALL, 0, HV_OUTCOME_UNKNOWN },
        };
        struct fixture *x = *state;

        connect(x);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct {
                        enum hv_look part;
                        const char *match, *body;
                        unsigned status;
                } parts[] = {
                        { HV_LOOK_CONTAINERS, "GET /containers/json", "[]", rows[i].containers },
                        { HV_LOOK_NETWORKS, "GET /networks", "[]", rows[i].networks },
                        { HV_LOOK_VOLUMES, "GET /volumes", "{\"Volumes\": []}", rows[i].volumes },
                };
                const struct told *t;

                for (size_t k = 0; k < HV_ARRAY_SIZE(parts); k++) {
                        if (!(rows[i].asked & parts[k].part))
                                continue;
                        if (parts[k].status)
                                hv_fake_reply(x->engine, parts[k].match, parts[k].status,
                                              parts[k].status == 200 ? parts[k].body : "{}");
                        else
                                hv_fake_add(x->engine,
                                            &(struct hv_fake_rule){
                                                    .match = parts[k].match,
                                                    .raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[",
                                                    .then = HV_FAKE_CLOSE });
                }
                t = perform(x, (struct hv_action){ .type = HV_ACTION_LIST, .parts = rows[i].asked });
                if (t->outcome != rows[i].outcome || t->parts != rows[i].parts)
                        fail_msg("%s: outcome %d, parts %u", rows[i].what, t->outcome, t->parts);
        }
}

/* --- effects --- */

static void a_create_tells_its_failures_apart(void **state) {
        static const struct {
                const char *what;
                unsigned status;
                const char *body;
                enum hv_outcome outcome;
        } rows[] = {
                { "made", 201, "{\"Id\": \"c1\", \"Warnings\": []}", HV_OUTCOME_OK },
                { "no image", 404, "{\"message\": \"No such image: busybox:1\"}", HV_OUTCOME_NOT_FOUND },
                { "no image, in podman's words", 404, "{\"message\": \"busybox:1: image not known\"}",
                  HV_OUTCOME_NOT_FOUND },
                { "no network of an image", 404, "{\"message\": \"network images not found\"}",
                  HV_OUTCOME_FAILED },
                { "no network", 404, "{\"message\": \"network hivemind not found\"}", HV_OUTCOME_FAILED },
                { "name taken", 409, "{\"message\": \"the name is in use\"}", HV_OUTCOME_CONFLICT },
                { "nonsense", 400, "{\"message\": \"bad\"}", HV_OUTCOME_REFUSED },
                { "trouble", 500, "{\"message\": \"no space left\"}", HV_OUTCOME_FAILED },
                { "made, without an id", 201, "{}", HV_OUTCOME_UNKNOWN },
        };
        struct fixture *x = *state;

        connect(x);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct told *t;

                hv_fake_reply(x->engine, "POST /containers/create", rows[i].status, rows[i].body);
                t = perform(x, (struct hv_action){ .type = HV_ACTION_CREATE, .unit = &x->desired->units[0] });
                if (t->outcome != rows[i].outcome)
                        fail_msg("%s: outcome %d", rows[i].what, t->outcome);
                if (t->outcome == HV_OUTCOME_OK)
                        assert_string_equal(t->created_id, "c1");
                else
                        assert_non_null(t->message);
        }
        hv_fake_add(x->engine,
                    &(struct hv_fake_rule){ .match = "POST /containers/create", .then = HV_FAKE_CLOSE });
        assert_int_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_CREATE, .unit = &x->desired->units[0] })
                        ->outcome,
                HV_OUTCOME_UNKNOWN);
}

static void what_cannot_be_is_never_sent(void **state) {
        static const struct hv_mount socket = { .type = HV_MOUNT_HOST_PATH,
                                                .source = "/var/run",
                                                .target = "/x" };
        struct fixture *x = *state;
        struct hv_unit u = x->desired->units[0];
        static const char *const prefixes[] = { "/var", "/nonexistent", NULL };
        const struct hv_docker_policy policy = { .host_paths = { prefixes, 2 } };
        const struct told *t;
        unsigned before;

        connect(x);
        hv_docker_set_policy(x->docker, &policy);
        before = hv_fake_requests(x->engine);
        u.mounts = &socket;
        u.n_mounts = 1;
        t = perform(x, (struct hv_action){ .type = HV_ACTION_CREATE, .unit = &u });
        assert_int_equal(t->outcome,
                         HV_OUTCOME_REFUSED); /* on Debian a link to /run, which is never mounted */
        u.mounts = &(struct hv_mount){ .type = HV_MOUNT_HOST_PATH, .source = "/nonexistent", .target = "/x" };
        t = perform(x, (struct hv_action){ .type = HV_ACTION_CREATE, .unit = &u });
        assert_int_equal(t->outcome, HV_OUTCOME_REFUSED); /* not "not found", which would start a pull */
        assert_non_null(strstr(t->message, "/nonexistent"));
        assert_int_equal(hv_fake_requests(x->engine), before);
}

/* An engine answers a stop when the container has ended: what a call may take comes on top of the grace. */
static void a_stop_waits_for_the_whole_grace(void **state) {
        struct fixture *x = *state;
        struct hv_desired *hasty =
                wish("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n"
                     "  node: {reconcile: {callTimeout: 1s}}\n"
                     "  services: [{name: web, image: docker.io/library/busybox:1}]\n");
        const uint64_t graces[] = { HV_USEC_PER_MIN, HV_TIME_NEVER };

        assert_int_equal(hasty->settings.call_timeout_us, HV_USEC_PER_SEC);
        connect(x);
        for (size_t i = 0; i < HV_ARRAY_SIZE(graces); i++) {
                hv_fake_add(x->engine, &(struct hv_fake_rule){ .match = "POST /containers/c1/stop",
                                                               .raw = "HTTP/1.1 204 No Content\r\n\r\n",
                                                               .delay_us = 1200 * HV_USEC_PER_MSEC });
                assert_int_equal(perform(x, (struct hv_action){ .type = HV_ACTION_STOP,
                                                                .target = "c1",
                                                                .stop_grace_us = graces[i],
                                                                .desired = hasty })
                                         ->outcome,
                                 HV_OUTCOME_OK);
        }
        (void) hv_desired_unref(hasty);
}

static void a_volume_of_somebody_else_is_a_conflict(void **state) {
        struct fixture *x = *state;
        const struct hv_volume *v = &x->desired->volumes[0];
        char body[1024];

        connect(x);
        hv_fake_reply(x->engine, "POST /volumes/create", 201, "{\"Name\": \"data\", \"Driver\": \"local\"}");
        assert_int_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_VOLUME_CREATE, .volume = v })->outcome,
                HV_OUTCOME_CONFLICT);
        (void) snprintf(
                body, sizeof body,
                "{\"Name\": \"data\", \"Labels\": {\"%s\": \"true\", \"%s\": \"node-1\", \"%s\": \"volume\", \"%s\": "
                "\"data\", \"%s\": \"%s\"}}",
                HV_LABEL_MANAGED, HV_LABEL_NODE, HV_LABEL_KIND, HV_LABEL_NAME, HV_LABEL_DIGEST, v->digest);
        hv_fake_reply(x->engine, "POST /volumes/create", 201, body);
        assert_int_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_VOLUME_CREATE, .volume = v })->outcome,
                HV_OUTCOME_OK);
}

/* --- pull --- */

static const struct told *pull(struct fixture *x, const char *image) {
        return perform(x, (struct hv_action){ .type = HV_ACTION_PULL, .image = image });
}

/* Pulls that the engine was asked for; *ret_head (may be NULL): of the last one. */
static unsigned pulls(const struct fixture *x, const char **ret_head) {
        unsigned n = 0;

        for (unsigned i = 0; i < hv_fake_requests(x->engine); i++)
                if (hv_has_prefix(hv_fake_request(x->engine, i), "POST /images/create")) {
                        if (ret_head)
                                *ret_head = hv_fake_head(x->engine, i);
                        n++;
                }
        return n;
}

static bool auth_was_sent(const struct fixture *x) {
        const char *head = "";

        (void) pulls(x, &head);
        return strcasestr(head, "X-Registry-Auth: ") != NULL;
}

static void no_image_is_there(struct fixture *x) {
        hv_fake_add(x->engine,
                    &(struct hv_fake_rule){ .match = "GET /images/",
                                            .raw = "HTTP/1.1 404 Not Found\r\nContent-Length: 29\r\n\r\n"
                                                   "{\"message\": \"No such image\"}\n",
                                            .forever = true });
}

static void a_pull_takes_the_login_of_its_registry(void **state) {
        static const char json[] = "{\"auths\": {\"registry.example.org\": {\"auth\": \"dXNlcjpwYXNz\"}}}";
        _hv_cleanup_(hv_secret_freep) struct hv_secret *secret = hv_secret_new(json, sizeof json - 1);
        _hv_cleanup_(hv_secret_freep) struct hv_secret *bad = hv_secret_new("pass", 4);
        struct fixture *x = *state;
        const struct told *t;
        unsigned before;

        connect(x);
        no_image_is_there(x);
        hv_fake_add(x->engine,
                    &(struct hv_fake_rule){
                            .match = "POST /images/create",
                            .raw = "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"status\":\"ok\"}\n",
                            .forever = true });
        assert_int_equal(pull(x, "docker.io/library/busybox:1")->outcome, HV_OUTCOME_OK);
        assert_false(auth_was_sent(x));
        x->secret = secret;
        assert_int_equal(pull(x, "registry.example.org/a:1")->outcome, HV_OUTCOME_OK);
        assert_true(auth_was_sent(x));
        assert_int_equal(pull(x, "docker.io/library/busybox:1")->outcome, HV_OUTCOME_OK);
        assert_false(auth_was_sent(x)); /* never to another registry */

        before = pulls(x, NULL);
        x->secret = NULL;
        t = pull(x, "registry.example.org/a:1");
        assert_int_equal(t->outcome, HV_OUTCOME_DENIED);
        assert_non_null(strstr(t->message, "\"login\""));
        x->secret = bad;
        t = pull(x, "registry.example.org/a:1");
        assert_int_equal(t->outcome, HV_OUTCOME_DENIED);
        assert_null(strstr(t->message, "pass"));
        assert_int_equal(pulls(x, NULL), before);
}

static void what_an_engine_quotes_of_a_login_is_not_told(void **state) {
        static const char config[] =
                "{\"auths\": {\"registry.example.org\": {\"auth\": \"dXNlcjpodW50ZXItMg==\"}}}";
        static const char *const replies[] = {
                "{\"message\": \"cannot log in with user:hunter-2\"}",
                "{\"message\": \"bad header Basic dXNlcjpodW50ZXItMg== of user\"}",
        };
        struct fixture *x = *state;
        _hv_cleanup_(hv_secret_freep) struct hv_secret *secret = hv_secret_new(config, sizeof config - 1);

        x->secret = secret;
        connect(x);
        no_image_is_there(x);
        for (size_t i = 0; i < HV_ARRAY_SIZE(replies); i++) {
                const struct told *t;

                hv_fake_reply(x->engine, "POST /images/create", 500, replies[i]);
                t = perform(x, (struct hv_action){ .type = HV_ACTION_PULL,
                                                   .image = "registry.example.org/app:1" });
                assert_non_null(strstr(t->message, HV_REDACTED));
                assert_non_null(strstr(t->message, "user"));
                assert_null(strstr(t->message, "hunter-2"));
                assert_null(strstr(t->message, "dXNlcjpo"));
        }
        hv_log_redact_clear();
}

static void an_error_inside_a_pull_is_an_error(void **state) {
        static const char raw[] =
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"errorDetail\": {\"message\": \"toomanyrequests\"}, "
                "\"error\": \"toomanyrequests\"}\n";
        struct fixture *x = *state;
        const struct told *t;

        connect(x);
        no_image_is_there(x);
        hv_fake_add(x->engine, &(struct hv_fake_rule){
                                       .match = "POST /images/create", .raw = raw, .then = HV_FAKE_CLOSE });
        t = pull(x, "docker.io/library/busybox:1");
        assert_int_equal(t->outcome, HV_OUTCOME_FAILED);
        assert_non_null(strstr(t->message, "toomanyrequests"));
}

/* --- the executor --- */

static void without_an_engine_nothing_is_sent(void **state) {
        struct fixture *x = *state;
        const struct hv_executor_handler handler = { .input = on_input, .ended = on_ended, .userdata = x };

        x->executor = hv_executor_free(x->executor);
        assert_int_equal(hv_executor_new(x->event, &handler, &x->executor, NULL), 0);
        assert_int_equal(perform(x, (struct hv_action){ .type = HV_ACTION_CONNECT })->outcome,
                         HV_OUTCOME_UNREACHABLE);
        assert_int_equal(hv_fake_connections(x->engine), 0);
}

static void actions_are_performed_in_their_order(void **state) {
        struct fixture *x = *state;
        struct hv_action a[20];
        size_t before;

        connect(x);
        before = x->told.n;
        hv_fake_add(x->engine, &(struct hv_fake_rule){ .match = "POST /containers/",
                                                       .raw = "HTTP/1.1 204 No Content\r\n\r\n",
                                                       .forever = true });
        for (size_t i = 0; i < HV_ARRAY_SIZE(a); i++) {
                a[i] = (struct hv_action){
                        .id = 1000 + i, .type = HV_ACTION_START, .target = "c1", .desired = x->desired
                };
                submit(x, &a[i]);
        }
        assert_int_equal(hv_executor_in_flight(x->executor), HV_ARRAY_SIZE(a));
        hv_test_run_until(x->event, x->told.n == before + HV_ARRAY_SIZE(a));
        assert_int_equal(x->n_ended, 1 + HV_ARRAY_SIZE(a));
        assert_int_equal(hv_executor_in_flight(x->executor), 0);
}

static void freeing_tells_nobody(void **state) {
        struct fixture *x = *state;
        const struct hv_action stop = {
                .id = 7, .type = HV_ACTION_STOP, .target = "c1", .desired = x->desired
        };
        const struct hv_action start = {
                .id = 8, .type = HV_ACTION_START, .target = "c1", .desired = x->desired
        };
        unsigned before;
        size_t told;

        connect(x);
        hv_fake_add(x->engine, &(struct hv_fake_rule){ .match = "POST /containers/", .then = HV_FAKE_HANG });
        before = hv_fake_requests(x->engine);
        told = x->told.n;
        submit(x, &stop);
        hv_test_run_until(x->event, hv_fake_requests(x->engine) > before);
        submit(x, &start);
        x->executor = hv_executor_free(x->executor);
        hv_test_drain(x->event);
        assert_int_equal(x->told.n, told);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(connecting_ends_with_an_open_stream),
                T(reconnecting_asks_for_what_was_missed),
                T(a_connect_that_fails_says_how),
                T(what_never_opened_is_not_lost),
                T(nobody_there_is_unreachable),
                T(a_listing_has_the_parts_that_could_be_read),
                T(a_create_tells_its_failures_apart),
                T(what_cannot_be_is_never_sent),
                T(a_stop_waits_for_the_whole_grace),
                T(a_volume_of_somebody_else_is_a_conflict),
                T(a_pull_takes_the_login_of_its_registry),
                T(what_an_engine_quotes_of_a_login_is_not_told),
                T(an_error_inside_a_pull_is_an_error),
                T(without_an_engine_nothing_is_sent),
                T(actions_are_performed_in_their_order),
                T(freeing_tells_nobody),
        };

        return cmocka_run_group_tests_name("docker_driver", tests, NULL, NULL);
}
