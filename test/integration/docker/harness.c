/* harness.c - see harness.h. */
#include "harness.h"

#include "base/alloc.h"
#include "base/buf.h"

static const struct differences docker = {
        .update = HV_DOCKER_OK,
        .remove_network_in_use = HV_DOCKER_DENIED,
        .start_of_nonsense = HV_DOCKER_REFUSED,
        .gone_event = "destroy",
        .knows_oom = true,
};

static const struct differences podman = {
        .update = HV_DOCKER_UNSUPPORTED,
        .remove_network_in_use = HV_DOCKER_CONFLICT,
        .start_of_nonsense = HV_DOCKER_ENGINE_ERROR,
        .adds_newline = true,
        .gone_event = "remove",
};

struct hv_docker *new_client(struct fixture *x, const struct hv_engine *engine, bool read_only) {
        const struct hv_docker_options options = { .url = hv_engine_url(engine), .read_only = read_only };
        struct hv_docker *d;
        struct hv_err err = {};

        if (hv_docker_new(x->event, &options, &d, &err) < 0)
                fail_msg("%s", err.msg);
        return d;
}

static void clean(struct fixture *x) {
        const struct hv_docker_result *r = CALL(x, hv_docker_container_list, false);

        expect(r, HV_DOCKER_OK);
        for (size_t i = 0; i < r->containers->n; i++)
                expect(CALL(x, hv_docker_container_remove, r->containers->v[i].id, true, true), HV_DOCKER_OK);
        r = CALL(x, hv_docker_volume_list, false);
        for (size_t i = 0; i < r->volumes->n; i++)
                expect(CALL(x, hv_docker_volume_remove, r->volumes->v[i].name), HV_DOCKER_OK);
        r = CALL(x, hv_docker_network_list, false);
        for (size_t i = 0; i < r->networks->n; i++)
                if (hv_has_prefix(r->networks->v[i].name, "hive-"))
                        expect(CALL(x, hv_docker_network_remove, r->networks->v[i].id), HV_DOCKER_OK);
}

int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        assert_true(sd_event_new(&x->event) >= 0);
        x->engine = hv_engine_shared(HV_ENGINE_KIND);
        x->differs = hv_streq(HV_ENGINE_KIND, "podman") ? &podman : &docker;
        x->d = new_client(x, x->engine, false);
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        clean(x);
        *state = x;
        return 0;
}

int tear_down(void **state) {
        struct fixture *x = *state;

        /* A new client: the old one may be another engine's, or call into a test that failed half way. */
        hv_docker_free(x->d);
        x->d = new_client(x, x->engine, false);
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        clean(x);
        hv_docker_free(x->d);
        hv_engine_free(x->engine);
        hv_engine_free(x->own);
        sd_event_unref(x->event);
        for (size_t i = 0; i < x->results.n; i++) {
                hv_arena_free(x->results.v[i]->arena);
                free(x->results.v[i]);
        }
        hv_vec_done(&x->results);
        free(x);
        return 0;
}

static void on_done(void *userdata, struct hv_docker_result *result) {
        struct fixture *x = userdata;
        struct hv_docker_result *copy = HV_NEW(struct hv_docker_result);

        *copy = *result;
        result->arena = NULL;
        hv_vec_push(&x->results, copy);
        x->done = true;
}

struct hv_docker_then call_begin(struct fixture *x) {
        x->done = false;
        return (struct hv_docker_then){ .fn = on_done, .userdata = x };
}

const struct hv_docker_result *call_end(struct fixture *x) {
        assert_false(x->done); /* never from inside the call */
        hv_test_run_until(x->event, x->done);
        return x->results.v[x->results.n - 1];
}

void expect_at(const struct hv_docker_result *r, enum hv_docker_outcome outcome, const char *file, int line) {
        if (r->outcome != outcome) {
                print_error("%s: %s, expected %s: status %u, error %d: %s\n", hv_docker_op_name(r->op),
                            hv_docker_outcome_name(r->outcome), hv_docker_outcome_name(outcome), r->status,
                            r->error, r->message);
                _fail(file, line);
        }
}

struct hv_docker_create container(const char *name, const char *script, const struct hv_docker_create *more) {
        static const char *const shell[] = { "/bin/sh", "-c", NULL };
        static const char *args[8][2];
        static unsigned n;
        struct hv_docker_create c =
                more ? *more : (struct hv_docker_create){ .stop_grace_us = HV_TIME_NEVER };
        const char **arg = args[n++ % HV_ARRAY_SIZE(args)];

        arg[0] = script;
        c.name = name;
        c.image = "hv/busybox:1";
        c.has_command = c.has_args = true;
        c.command = (struct hv_strv){ shell, 2 };
        c.args = (struct hv_strv){ arg, 1 };
        if (!c.network && !c.network_mode)
                c.network_mode = "none"; /* three times as fast as a bridge */
        return c;
}

const char *create(struct fixture *x, const char *name, const char *script) {
        struct hv_docker_create c = container(name, script, NULL);
        const struct hv_docker_result *r = CALL(x, hv_docker_container_create, &c);

        expect(r, HV_DOCKER_OK);
        return r->created->id;
}

const char *run(struct fixture *x, const char *name, const char *script) {
        const char *id = create(x, name, script);

        expect(CALL(x, hv_docker_container_start, id), HV_DOCKER_OK);
        return id;
}

struct hearing {
        struct hv_buf text;
        bool is_over;
};

static void on_said(void *userdata, const struct hv_docker_log *log) {
        hv_buf_add(&((struct hearing *) userdata)->text, log->data, log->len);
}

static void on_silent(void *userdata, struct hv_docker_result *r) {
        (void) r;
        ((struct hearing *) userdata)->is_over = true;
}

void wait_said(struct fixture *x, const char *id, const char *text) {
        struct hearing h = {};
        const struct hv_docker_logs logs = {
                .out = true, .follow = true, .tail = -1, .fn = on_said, .userdata = &h
        };
        struct hv_docker_call *call =
                hv_docker_container_logs(x->d, id, &logs, (struct hv_docker_then){ on_silent, &h, 0 });

        hv_test_run_until(x->event, h.is_over || strstr(hv_buf_str(&h.text), text));
        if (h.is_over)
                fail_msg("%s ended without a word of %s", id, text);
        hv_docker_call_cancel(call);
        hv_buf_done(&h.text);
}

const struct hv_docker_container *inspect(struct fixture *x, const char *id) {
        const struct hv_docker_result *r = CALL(x, hv_docker_container_inspect, id);

        expect(r, HV_DOCKER_OK);
        return r->container;
}

const struct hv_docker_container *find(const struct hv_docker_containers *list, const char *name) {
        for (size_t i = 0; i < list->n; i++)
                if (hv_streq(list->v[i].name, name))
                        return &list->v[i];
        return NULL;
}
