/* agent/backend_session.c - another process in a container, because somebody says so: hivectl exec.
 *
 *      made (exec create) -> begun (its streams) -> streams end -> how did it end? -> told
 *
 * No wish and no order: the engine is asked at once, and what the process does is its own. It is not hivelet's to end one, since
 * the engine has no call for it: a client that leaves ends its standard input. */
#include <errno.h>
#include <time.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "docker/exec.h"
#include "log/log.h"

/* Streams end a moment before the engine knows of the process's end. A process that outlives them has detached. */
#define LOOK_FIRST_US (5 * HV_USEC_PER_MSEC)
#define LOOKS_MAX 9
/* Engines say that a process has begun a moment before its terminal can be sized. */
#define RESIZE_AGAIN_US (10 * HV_USEC_PER_MSEC)
#define RESIZES_MAX 10

struct hv_api_session {
        struct hv_agent *agent;
        struct hv_api_call *api_call;
        struct hv_arena *arena;
        struct hv_docker_call *call, *resizing;
        struct hv_docker_streams *streams;
        const char *id; /* of the process; NULL: it is being made */
        bool tty, input, is_open;
        unsigned rows, columns; /* the terminal should have */
        bool is_size_wanted;
        unsigned n_looks, n_resizes;
        sd_event_source *again, *resize_again;
};

static void session_free(struct hv_api_session *s) {
        hv_docker_call_cancel(s->call);
        hv_docker_call_cancel(s->resizing);
        (void) hv_docker_streams_free(s->streams);
        sd_event_source_disable_unref(s->again);
        sd_event_source_disable_unref(s->resize_again);
        (void) hv_arena_free(s->arena);
        free(s);
}

static void end(struct hv_api_session *s, const struct hv_api_session_end *e) {
        hv_api_session_ended(s->api_call, e);
        session_free(s);
}

static void fail(struct hv_api_session *s, const struct hv_err *err) {
        end(s, &(struct hv_api_session_end){ .err = err });
}

static void fail_as(struct hv_api_session *s, const struct hv_docker_result *result) {
        struct hv_err err = {};

        (void) hv_err_set(&err, result->error, "%s", result->message);
        fail(s, &err);
}

/* ---- the end ---- */

static void look(struct hv_api_session *s);

static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        look(userdata);
        return 0;
}

static void on_looked(void *userdata, struct hv_docker_result *result) {
        struct hv_api_session *s = userdata;

        s->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                fail_as(s, result);
        } else if (!result->exec->is_running) {
                end(s, &(struct hv_api_session_end){ .code = (unsigned) result->exec->code });
        } else if (s->n_looks >= LOOKS_MAX) {
                end(s, &(struct hv_api_session_end){ .is_detached = true });
        } else {
                uint64_t wait_us = LOOK_FIRST_US << s->n_looks++;

                s->again = sd_event_source_disable_unref(s->again);
                if (sd_event_add_time_relative(s->agent->event, &s->again, CLOCK_MONOTONIC, wait_us, 1,
                                               on_again, s) < 0)
                        end(s, &(struct hv_api_session_end){ .is_detached = true });
        }
}

static void look(struct hv_api_session *s) {
        s->call = hv_docker_exec_look(s->agent->docker, s->id,
                                      (struct hv_docker_then){ .fn = on_looked, .userdata = s });
}

static void on_streams_ended(void *userdata, const struct hv_err *err) {
        struct hv_api_session *s = userdata;

        if (err)
                fail(s, err);
        else
                look(s);
}

/* ---- streams ---- */

static void resize(struct hv_api_session *s);

static int on_resize_again(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        resize(userdata);
        return 0;
}

static void on_resized(void *userdata, struct hv_docker_result *result) {
        struct hv_api_session *s = userdata;

        s->resizing = NULL;
        if (s->is_size_wanted) {
                resize(s);
        } else if (result->outcome != HV_DOCKER_OK && s->n_resizes < RESIZES_MAX) {
                s->resize_again = sd_event_source_disable_unref(s->resize_again);
                (void) sd_event_add_time_relative(s->agent->event, &s->resize_again, CLOCK_MONOTONIC,
                                                  RESIZE_AGAIN_US * ++s->n_resizes, 1, on_resize_again, s);
        }
}

/* One at a time: two that overtake each other would leave the older size. */
static void resize(struct hv_api_session *s) {
        s->is_size_wanted = s->resizing != NULL;
        if (!s->resizing)
                s->resizing =
                        hv_docker_exec_resize(s->agent->docker, s->id, s->rows, s->columns,
                                              (struct hv_docker_then){ .fn = on_resized, .userdata = s });
}

static void on_opened(void *userdata) {
        struct hv_api_session *s = userdata;

        s->is_open = true;
        if (s->tty && s->rows > 0 && s->columns > 0)
                resize(s);
        hv_api_session_opened(s->api_call);
}

static void on_output(void *userdata, enum hv_docker_output output, const char *data, size_t len) {
        struct hv_api_session *s = userdata;

        if (!hv_api_session_output(s->api_call, output == HV_DOCKER_STDERR, data, len))
                hv_docker_streams_hold(s->streams, true);
}

static void on_room(void *userdata) {
        struct hv_api_session *s = userdata;

        hv_api_session_drained(s->api_call);
}

static void on_made(void *userdata, struct hv_docker_result *result) {
        struct hv_api_session *s = userdata;
        const struct hv_docker_streams_hooks hooks = {
                .opened = on_opened,
                .output = on_output,
                .room = on_room,
                .ended = on_streams_ended,
                .userdata = s,
        };
        const struct hv_docker_exec exec = { .tty = s->tty, .rows = s->rows, .columns = s->columns };
        struct hv_err err = {};

        s->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                fail_as(s, result);
                return;
        }
        s->id = hv_arena_strdup(s->arena, result->created->id);
        if (hv_docker_exec_start(s->agent->docker, s->id, &exec, &hooks, &s->streams, &err) < 0)
                fail(s, &err);
}

/* ---- which container ---- */

static const struct hv_unit_status *replica_of(const struct hv_status *s,
                                               const struct hv_agent_place *place) {
        for (size_t i = 0; i < s->n_unit_status; i++)
                if (s->units[i].kind == place->kind && s->units[i].replica == place->replica &&
                    hv_streq(s->units[i].object, place->name))
                        return &s->units[i];
        return NULL;
}

static const char *container_of_task(struct hv_agent *a, const char *id, bool runs, struct hv_arena *arena,
                                     const char **ret_shown, struct hv_err *err) {
        struct hv_task_status t;

        if (!hv_core_task_status(a->core, id, hv_agent_now_us(), arena, &t)) {
                (void) hv_err_set(err, -ENOENT, "there is no task \"%s\" that has not ended", id);
                return NULL;
        }
        *ret_shown = t.container;
        if (t.container && t.started_wall_us && (t.state == HV_TASK_RUNNING || !runs))
                return t.container;
        (void) hv_err_set(err, -EBUSY, "task \"%s\" %s: it is %s", id,
                          runs ? "does not run" : "has no container", hv_task_state_name(t.state));
        return NULL;
}

const char *hv_agent_container_of(struct hv_agent *a, const struct hv_agent_place *place, bool runs,
                                  struct hv_arena *arena, const char **ret_shown, struct hv_err *err) {
        const struct hv_unit_status *u;
        struct hv_status s;

        if (!a->docker) {
                (void) hv_err_set(err, -ENOTCONN, "no container engine: node.docker.enabled is false");
                return NULL;
        }
        if (place->kind == HV_KIND_TASK)
                return container_of_task(a, place->name, runs, arena, ret_shown, err);
        hv_core_status(a->core, hv_agent_now_us(), arena, &s);
        u = replica_of(&s, place);
        if (!u) {
                (void) hv_err_set(err, -ENOENT, "service \"%s\" has no replica %u", place->name,
                                  place->replica);
                return NULL;
        }
        *ret_shown = u->container;
        if (u->id && (u->phase == HV_PHASE_RUNNING || !runs))
                return u->id;
        (void) hv_err_set(err, -EBUSY, "%s %s%s%s", u->container, runs ? "does not run" : "is not there yet",
                          *u->message ? ": " : "", u->message);
        return NULL;
}

/* ---- what the API asks ---- */

struct hv_api_session *hv_agent_session_open(void *userdata, const struct hv_api_exec *asked,
                                             struct hv_api_call *call, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_docker_exec exec = {
                .command = asked->command,
                .env = asked->env,
                .user = asked->user,
                .directory = asked->directory,
                .tty = asked->tty,
                .input = asked->input,
        };
        const struct hv_agent_place place = { asked->kind, asked->name, asked->replica };
        const char *container, *shown = NULL;
        struct hv_agent *a = userdata;
        struct hv_api_session *s;

        container = hv_agent_container_of(a, &place, true, arena, &shown, err);
        if (!container)
                return NULL;
        /* Arguments and variables may be secrets: the first word has to do. */
        hv_log_event(
                HV_EVENT_EXEC,
                HV_LOG_FIELDS(.kind = asked->kind == HV_KIND_TASK ? "task" : "service", .name = asked->name),
                "%s runs %.200s in %s", asked->by, asked->command.v[0], shown);
        s = HV_NEW(struct hv_api_session);
        *s = (struct hv_api_session){
                .agent = a,
                .api_call = call,
                .arena = HV_STEAL(arena),
                .tty = asked->tty,
                .input = asked->input,
                .rows = asked->rows,
                .columns = asked->columns,
        };
        s->call = hv_docker_exec_create(a->docker, container, &exec,
                                        (struct hv_docker_then){ .fn = on_made, .userdata = s });
        return s;
}

size_t hv_agent_session_room(const struct hv_api_session *s) {
        return hv_docker_streams_room(s->streams);
}

void hv_agent_session_input(struct hv_api_session *s, const void *data, size_t len) {
        hv_docker_streams_write(s->streams, data, len);
}

void hv_agent_session_end_input(struct hv_api_session *s) {
        hv_docker_streams_end_input(s->streams);
}

void hv_agent_session_resize(struct hv_api_session *s, unsigned rows, unsigned columns) {
        s->rows = rows;
        s->columns = columns;
        if (s->tty)
                resize(s);
}

void hv_agent_session_resume(struct hv_api_session *s) {
        hv_docker_streams_hold(s->streams, false);
}

void hv_agent_session_close(struct hv_api_session *s) {
        session_free(s);
}
