/* agent/backend_logs.c - the log of one replica, streamed from the engine to a client as fast as the client reads. */
#include <errno.h>
#include <time.h>

#include "agent/private.h"
#include "base/buf.h"
#include "base/rfc3339.h"
#include "docker/container.h"

struct hv_api_log {
        struct hv_api_call *call;
        struct hv_docker_call *stream;
        bool timestamps, at_line_start;
};

/* Framing is gone, lines are whole again; a time stands at the beginning of each line only. */
static void on_log(void *userdata, const struct hv_docker_log *piece) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_api_log *log = userdata;

        if (log->timestamps && log->at_line_start && piece->time_us) {
                char text[HV_RFC3339_SIZE];

                hv_rfc3339_format(piece->time_us, text);
                hv_buf_printf(&b, "%s ", text);
        }
        hv_buf_add(&b, piece->data, piece->len);
        log->at_line_start = piece->len > 0 && ((const char *) piece->data)[piece->len - 1] == '\n';
        if (!hv_api_logs_write(log->call, b.data, b.len))
                hv_docker_call_pause(log->stream, true);
}

static void on_end(void *userdata, struct hv_docker_result *result) {
        struct hv_api_log *log = userdata;
        struct hv_err err = {};

        if (result->outcome != HV_DOCKER_OK)
                (void) hv_err_set(&err, result->error, "%s", result->message);
        hv_api_logs_done(log->call, result->outcome == HV_DOCKER_OK ? NULL : &err);
        free(log);
}

static const struct hv_unit_status *replica_of(const struct hv_status *s,
                                               const struct hv_api_log_options *o) {
        for (size_t i = 0; i < s->n_unit_status; i++)
                if (s->units[i].kind == o->kind && s->units[i].replica == o->replica &&
                    hv_streq(s->units[i].object, o->name))
                        return &s->units[i];
        return NULL;
}

struct hv_api_log *hv_agent_logs_open(void *userdata, const struct hv_api_log_options *o,
                                      struct hv_api_call *call, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_agent *a = userdata;
        const struct hv_unit_status *u;
        struct hv_docker_logs options = {
                .follow = o->follow,
                .out = o->streams & HV_API_STDOUT,
                .err = o->streams & HV_API_STDERR,
                .timestamps = o->timestamps,
                .since_us = o->since_wall_us,
                .tail = o->tail > INT64_MAX ? -1 : (int64_t) o->tail,
                .fn = on_log,
        };
        struct hv_api_log *log;
        struct hv_status s;

        hv_core_status(a->core, hv_agent_now_us(), arena, &s);
        u = replica_of(&s, o);
        if (!u || !u->id) {
                (void) hv_err_set(err, -ENOENT,
                                  u ? "%s \"%s\" has no container yet: %s" : "there is no %s \"%s\"%s",
                                  hv_kind_label(o->kind), o->name, u ? u->message : "");
                return NULL;
        }
        if (!a->docker) {
                (void) hv_err_set(err, -ENOTCONN, "no container engine: node.docker.enabled is false");
                return NULL;
        }
        log = HV_NEW(struct hv_api_log);
        *log = (struct hv_api_log){ .call = call, .timestamps = o->timestamps, .at_line_start = true };
        options.userdata = log;
        log->stream = hv_docker_container_logs(a->docker, u->id, &options,
                                               (struct hv_docker_then){ .fn = on_end, .userdata = log });
        return log;
}

void hv_agent_logs_resume(struct hv_api_log *log) {
        hv_docker_call_pause(log->stream, false);
}

void hv_agent_logs_close(struct hv_api_log *log) {
        hv_docker_call_cancel(log->stream);
        free(log);
}
