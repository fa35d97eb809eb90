/* agent/backend_logs.c - the log of one replica or of one task, streamed from the engine to a client as fast as the client
 * reads. That of a task that does not run yet is opened when it does.
 *
 *      the run before: inspect --> its part of the log (runs.h) --> last lines only? counted --> the log, without those in front
 *
 * An engine takes the last lines of all that there is, the present run's too: those of a part are counted here, which reads it twice
 * and keeps nothing of it. */
#include <errno.h>
#include <time.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/rfc3339.h"
#include "docker/container.h"

struct hv_api_log {
        struct hv_api_call *call;
        struct hv_docker_call *stream; /* NULL: waits for its task to run */
        struct hv_docker_logs options;
        bool at_line_start;
        char *container; /* of a run that is over; who: replica, for people */
        char *who;
        uint64_t tail;       /* last lines of it; UINT64_MAX: all */
        uint64_t n_lines;    /* that were counted */
        uint64_t skip_lines; /* in front of those that are wanted */
        char *task;          /* id, while it waits */
        struct hv_agent *agent;
        struct hv_api_log *next; /* agent->waiting_logs */
};

static void log_free(struct hv_api_log *log) {
        for (struct hv_api_log **p = &log->agent->waiting_logs; *p; p = &(*p)->next)
                if (*p == log) {
                        *p = log->next;
                        break;
                }
        free(log->task);
        free(log->container);
        free(log->who);
        free(log);
}

/* What is left of a piece behind the lines that are not wanted. */
static size_t skip(struct hv_api_log *log, const char *data, size_t len) {
        size_t at = 0;

        while (log->skip_lines > 0 && at < len) {
                const char *newline = memchr(data + at, '\n', len - at);

                if (newline)
                        log->skip_lines--;
                at = newline ? (size_t) (newline + 1 - data) : len;
        }
        return at;
}

/* Framing is gone, lines are whole again; a time stands at the beginning of each line only. */
static void on_log(void *userdata, const struct hv_docker_log *piece) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_api_log *log = userdata;
        size_t skipped = skip(log, piece->data, piece->len);

        if (skipped == piece->len)
                return;
        if (log->options.timestamps && log->at_line_start && piece->time_us) {
                char text[HV_RFC3339_SIZE];

                hv_rfc3339_format(piece->time_us, text);
                hv_buf_printf(&b, "%s ", text);
        }
        hv_buf_add(&b, piece->data + skipped, piece->len - skipped);
        log->at_line_start = piece->len > 0 && ((const char *) piece->data)[piece->len - 1] == '\n';
        if (!hv_api_logs_write(log->call, b.data, b.len))
                hv_docker_call_pause(log->stream, true);
}

static void done(struct hv_api_log *log, const struct hv_docker_result *result) {
        struct hv_err err = {};

        if (result->outcome != HV_DOCKER_OK)
                (void) hv_err_set(&err, result->error, "%s", result->message);
        hv_api_logs_done(log->call, result->outcome == HV_DOCKER_OK ? NULL : &err);
        log_free(log);
}

static void on_end(void *userdata, struct hv_docker_result *result) {
        done(userdata, result);
}

static void attach(struct hv_api_log *log, const char *container) {
        log->stream = hv_docker_container_logs(log->agent->docker, container, &log->options,
                                               (struct hv_docker_then){ .fn = on_end, .userdata = log });
}

/* ---- of the run before ---- */

static void on_counted_piece(void *userdata, const struct hv_docker_log *piece) {
        struct hv_api_log *log = userdata;
        const char *newline = piece->data, *end = piece->data + piece->len;

        while ((newline = memchr(newline, '\n', (size_t) (end - newline)))) {
                newline++;
                log->n_lines++;
        }
        log->at_line_start = piece->len > 0 && end[-1] == '\n';
}

static void on_counted(void *userdata, struct hv_docker_result *result) {
        struct hv_api_log *log = userdata;
        uint64_t n = log->n_lines + !log->at_line_start;

        log->stream = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                done(log, result);
                return;
        }
        log->skip_lines = n > log->tail ? n - log->tail : 0;
        log->at_line_start = true;
        attach(log, log->container);
}

static void on_inspected(void *userdata, struct hv_docker_result *result) {
        struct hv_api_log *log = userdata;
        const struct hv_docker_container *c;
        struct hv_docker_logs count;
        struct hv_run_span span;
        struct hv_err err = {};
        bool is_running;

        log->stream = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                done(log, result);
                return;
        }
        c = result->container;
        is_running = c->state == HV_DOCKER_STATE_RUNNING || c->state == HV_DOCKER_STATE_PAUSED;
        if (!hv_runs_last_over(&log->agent->runs, log->container, is_running, c->started_us, c->finished_us,
                               &span)) {
                (void) hv_err_set(&err, -ENOENT, "%s has not run before%s", log->who,
                                  is_running ? " its present start, in this container: what one before it "
                                               "wrote went with it"
                                             : "");
                hv_api_logs_done(log->call, &err);
                log_free(log);
                return;
        }
        log->options.since_us = HV_MAX(log->options.since_us, span.since_us);
        log->options.until_us = span.until_us;
        if (log->tail == UINT64_MAX) {
                attach(log, log->container);
                return;
        }
        count = log->options;
        count.fn = on_counted_piece;
        log->stream = hv_docker_container_logs(log->agent->docker, log->container, &count,
                                               (struct hv_docker_then){ .fn = on_counted, .userdata = log });
}

static void find_run(struct hv_api_log *log, const struct hv_api_log_options *o, const char *container) {
        log->container = hv_strdup(container);
        log->who = hv_asprintf("%s/%u", o->name, o->replica);
        log->tail = o->tail;
        log->options.tail = -1;
        log->stream =
                hv_docker_container_inspect(log->agent->docker, container,
                                            (struct hv_docker_then){ .fn = on_inspected, .userdata = log });
}

static const struct hv_unit_status *replica_of(const struct hv_status *s,
                                               const struct hv_api_log_options *o) {
        for (size_t i = 0; i < s->n_unit_status; i++)
                if (s->units[i].kind == o->kind && s->units[i].replica == o->replica &&
                    hv_streq(s->units[i].object, o->name))
                        return &s->units[i];
        return NULL;
}

/* Of the container, or NULL with an error. Of a task only what runs, or ran and is being collected, has a log. */
static const char *container_of(struct hv_agent *a, const struct hv_api_log_options *o,
                                struct hv_arena *arena, bool *ret_may_come, struct hv_err *err) {
        const struct hv_unit_status *u;
        struct hv_task_status t;
        struct hv_status s;

        *ret_may_come = false;
        if (o->kind == HV_KIND_TASK) {
                if (!hv_core_task_status(a->core, o->name, hv_agent_now_us(), arena, &t)) {
                        (void) hv_err_set(err, -ENOENT, "there is no task \"%s\"", o->name);
                        return NULL;
                }
                /* A container that is only made has an empty log, whose end would come at once. */
                if (t.container &&
                    (t.state == HV_TASK_COLLECTING || (t.state == HV_TASK_RUNNING && t.started_wall_us)))
                        return t.container;
                *ret_may_come = !hv_task_state_is_end(t.state);
                (void) hv_err_set(err, -ENOENT, "task \"%s\" has no log yet: it is %s%s%s", o->name,
                                  hv_task_state_name(t.state), hv_str_empty(t.message) ? "" : ": ",
                                  t.message ? t.message : "");
                return NULL;
        }
        hv_core_status(a->core, hv_agent_now_us(), arena, &s);
        u = replica_of(&s, o);
        if (u && u->id)
                return u->id;
        (void) hv_err_set(err, -ENOENT, u ? "%s \"%s\" has no container yet: %s" : "there is no %s \"%s\"%s",
                          hv_kind_label(o->kind), o->name, u ? u->message : "");
        return NULL;
}

struct hv_api_log *hv_agent_logs_open(void *userdata, const struct hv_api_log_options *o,
                                      struct hv_api_call *call, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_agent *a = userdata;
        const char *container;
        struct hv_api_log *log;
        bool may_come;

        container = container_of(a, o, arena, &may_come, err);
        if (!container && !(may_come && o->follow))
                return NULL;
        if (!a->docker) {
                (void) hv_err_set(err, -ENOTCONN, "no container engine: node.docker.enabled is false");
                return NULL;
        }
        log = HV_NEW(struct hv_api_log);
        *log = (struct hv_api_log){ .call = call,
                                    .agent = a,
                                    .at_line_start = true,
                                    .options = {
                                            .follow = o->follow,
                                            .out = o->streams & HV_API_STDOUT,
                                            .err = o->streams & HV_API_STDERR,
                                            .timestamps = o->timestamps,
                                            .since_us = o->since_wall_us,
                                            .tail = o->tail > INT64_MAX ? -1 : (int64_t) o->tail,
                                            .fn = on_log,
                                            .userdata = log,
                                    } };
        if (o->previous)
                find_run(log, o, container);
        else if (container)
                attach(log, container);
        else {
                log->task = hv_strdup(o->name);
                log->next = a->waiting_logs;
                a->waiting_logs = log;
        }
        return log;
}

/* What ended before it was attached to is shown from what was kept of it. */
void hv_agent_logs_passed(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = a->waiting_logs ? hv_arena_new() : NULL;
        struct hv_api_log *next;

        for (struct hv_api_log *log = a->waiting_logs; log; log = next) {
                const struct hv_api_log_options o = { .kind = HV_KIND_TASK, .name = log->task };
                struct hv_err err = {};
                const char *container;
                bool may_come;

                next = log->next;
                container = container_of(a, &o, arena, &may_come, &err);
                if (container) {
                        struct hv_api_log **p = &a->waiting_logs;

                        while (*p != log)
                                p = &(*p)->next;
                        *p = log->next;
                        log->next = NULL;
                        attach(log, container);
                } else if (!may_come) {
                        hv_api_logs_done(log->call, NULL);
                        log_free(log);
                }
        }
}

void hv_agent_logs_resume(struct hv_api_log *log) {
        hv_docker_call_pause(log->stream, false);
}

void hv_agent_logs_close(struct hv_api_log *log) {
        if (log->stream)
                hv_docker_call_cancel(log->stream);
        log_free(log);
}
