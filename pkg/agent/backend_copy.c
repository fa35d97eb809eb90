/* agent/backend_copy.c - files out of a container and into one, because somebody says so: hivectl cp.
 *
 * The engine packs and unpacks (docker/archive.h): hivelet only carries, and keeps no more than a little on the way. Of what a task
 * or a service is given and leaves, nothing goes this way. */
#include <errno.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "docker/archive.h"
#include "log/log.h"

#define INPUT_MAX_BYTES ((size_t) 256 << 10) /* on the way in */

struct hv_api_copy {
        struct hv_agent *agent;
        struct hv_api_call *api_call;
        struct hv_docker_call *call;
        char *container, *path, *shown; /* shown: the container, for people */
        bool is_looking;                /* on the way in: whether the folder is there */
        struct hv_buf input;
        size_t taken; /* of input, by the engine */
        bool is_whole, is_full;
};

static void copy_free(struct hv_api_copy *c) {
        hv_docker_call_cancel(c->call);
        hv_buf_done(&c->input);
        free(c->container);
        free(c->path);
        free(c->shown);
        free(c);
}

/* ---- out ---- */

static void on_data(void *userdata, const char *data, size_t len) {
        struct hv_api_copy *c = userdata;

        if (!hv_api_copy_data(c->api_call, data, len))
                hv_docker_call_pause(c->call, true);
}

/* ---- in ---- */

static size_t waiting(const struct hv_api_copy *c) {
        return c->input.len - c->taken;
}

/* The engine wants more. */
static ssize_t on_read(void *userdata, void *buf, size_t size) {
        struct hv_api_copy *c = userdata;
        size_t n = HV_MIN(waiting(c), size);

        memcpy(buf, hv_buf_str(&c->input) + c->taken, n);
        c->taken += n;
        if (waiting(c) == 0) {
                hv_buf_clear(&c->input);
                c->taken = 0;
        }
        if (c->is_full && waiting(c) <= INPUT_MAX_BYTES / 2) {
                c->is_full = false;
                hv_api_copy_drained(c->api_call);
        }
        return n == 0 && !c->is_whole ? -EAGAIN : (ssize_t) n;
}

/* Of a look, nothing is to be woken. */
static void wake(struct hv_api_copy *c) {
        if (!c->is_looking)
                hv_docker_archive_wake(c->call);
}

size_t hv_agent_copy_input(struct hv_api_copy *c, const void *data, size_t len) {
        size_t n = HV_MIN(len, INPUT_MAX_BYTES - HV_MIN(c->input.len, INPUT_MAX_BYTES));

        hv_buf_add(&c->input, data, n);
        c->is_full = n < len;
        wake(c);
        return n;
}

void hv_agent_copy_end_input(struct hv_api_copy *c) {
        c->is_whole = true;
        wake(c);
}

static void on_done(void *userdata, struct hv_docker_result *result);

static void put(struct hv_api_copy *c) {
        c->is_looking = false;
        c->call = hv_docker_archive_put(c->agent->docker, c->container, c->path,
                                        &(struct hv_docker_archive_source){ on_read, c },
                                        (struct hv_docker_then){ .fn = on_done, .userdata = c });
}

/* ---- the end ---- */

static void on_done(void *userdata, struct hv_docker_result *result) {
        struct hv_api_copy *c = userdata;
        struct hv_err err = {};

        c->call = NULL;
        if (c->is_looking && result->outcome == HV_DOCKER_OK) {
                put(c);
                return;
        }
        if (result->outcome == HV_DOCKER_NOT_FOUND) /* of a look an engine says nothing more */
                (void) hv_err_set(&err, -ENOENT, "there is no %s in %s", c->path, c->shown);
        else if (result->outcome != HV_DOCKER_OK)
                (void) hv_err_set(&err, result->error, "%s", result->message);
        if (result->op == HV_DOCKER_OP_ARCHIVE_LOOK && err.code == 0)
                hv_api_copy_looked(c->api_call, &(struct hv_api_path){ .name = result->path->name,
                                                                       .size_bytes = result->path->size_bytes,
                                                                       .changed_us = result->path->changed_us,
                                                                       .mode = result->path->mode,
                                                                       .link = result->path->link });
        else
                hv_api_copy_done(c->api_call, err.code < 0 ? &err : NULL);
        copy_free(c);
}

/* ---- what the API asks ---- */

static void audit(const struct hv_api_copy_wish *wish, const char *shown) {
        const struct hv_log_fields fields = { .kind = wish->kind == HV_KIND_TASK ? "task" : "service",
                                              .name = wish->name };

        if (wish->what == HV_API_COPY_IN)
                hv_log_event(HV_EVENT_COPY, &fields, "%s copies into %s of %s", wish->by, wish->path, shown);
        else if (wish->what == HV_API_COPY_OUT)
                hv_log_event(HV_EVENT_COPY, &fields, "%s copies %s out of %s", wish->by, wish->path, shown);
}

static void begin(struct hv_api_copy *c, enum hv_api_copy_direction what) {
        const struct hv_docker_then then = { .fn = on_done, .userdata = c };
        struct hv_docker *d = c->agent->docker;

        switch (what) {
        case HV_API_COPY_LOOK:
                c->call = hv_docker_archive_look(d, c->container, c->path, then);
                break;
        case HV_API_COPY_OUT:
                c->call = hv_docker_archive_get(d, c->container, c->path,
                                                &(struct hv_docker_archive_sink){ on_data, c }, then);
                break;
        case HV_API_COPY_IN: /* podman makes a folder that is missing, Docker does not: neither is asked to */
                c->is_looking = true;
                c->call = hv_docker_archive_look(d, c->container, c->path, then);
                break;
        }
}

struct hv_api_copy *hv_agent_copy_open(void *userdata, const struct hv_api_copy_wish *wish,
                                       struct hv_api_call *call, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_agent_place place = { wish->kind, wish->name, wish->replica };
        const char *container, *shown = NULL;
        struct hv_agent *a = userdata;
        struct hv_api_copy *c;

        container = hv_agent_container_of(a, &place, false, arena, &shown, err);
        if (!container)
                return NULL;
        audit(wish, shown);
        c = HV_NEW(struct hv_api_copy);
        c->agent = a;
        c->api_call = call;
        c->container = hv_strdup(container);
        c->path = hv_strdup(wish->path);
        c->shown = hv_strdup(shown);
        begin(c, wish->what);
        return c;
}

void hv_agent_copy_resume(struct hv_api_copy *c) {
        hv_docker_call_pause(c->call, false);
}

void hv_agent_copy_close(struct hv_api_copy *c) {
        copy_free(c);
}
