/* agent/pool_log.c - the live log of a task, for a pool that wants to see it. Opened when its container runs, over when that
 * ends: what is kept of it is handed over with the result. See pool.h. */
#include <stdlib.h>

#include "agent/pool.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "docker/container.h"

struct hv_pool_log {
        struct hv_agent_pool *pool;
        struct hv_pool_log *next;
        char *id;
        struct hv_docker_call *stream; /* NULL: it does not run yet */
        bool is_over;                  /* told, or not to be told any more */
        hv_pool_log_fn *on;
        void *on_data;
};

static void tell_end(struct hv_pool_log *log) {
        if (!log->is_over) {
                log->is_over = true;
                (void) log->on(log->on_data, NULL, 0);
        }
}

static void on_piece(void *userdata, const struct hv_docker_log *piece) {
        struct hv_pool_log *log = userdata;

        if (piece->len > 0 && !log->on(log->on_data, piece->data, piece->len))
                hv_docker_call_pause(log->stream, true);
}

static void on_end(void *userdata, struct hv_docker_result *result) {
        struct hv_pool_log *log = userdata;

        (void) result;
        log->stream = NULL;
        tell_end(log);
}

/* A container that is only made has an empty log, whose end would come at once. */
static void look(struct hv_pool_log *log, struct hv_arena *arena) {
        const struct hv_docker_logs all = {
                .follow = true, .out = true, .err = true, .tail = -1, .fn = on_piece, .userdata = log
        };
        struct hv_agent *a = log->pool->agent;
        struct hv_task_status s;

        if (log->stream || log->is_over)
                return;
        if (!hv_core_task_status(a->core, log->id, hv_agent_now_us(), arena, &s) ||
            hv_task_state_is_end(s.state) || s.state == HV_TASK_COLLECTING)
                tell_end(log);
        else if (a->docker && s.container && s.state == HV_TASK_RUNNING && s.started_wall_us)
                log->stream =
                        hv_docker_container_logs(a->docker, s.container, &all,
                                                 (struct hv_docker_then){ .fn = on_end, .userdata = log });
}

/* In the next pass, never from inside: whoever opens it has nothing in hand yet. */
struct hv_pool_log *hv_agent_pool_log_open(void *userdata, const char *id, hv_pool_log_fn *on,
                                           void *on_data) {
        struct hv_agent_pool *p = userdata;
        struct hv_pool_log *log = HV_NEW(struct hv_pool_log);

        *log = (struct hv_pool_log){
                .pool = p, .next = p->logs, .id = hv_strdup(id), .on = on, .on_data = on_data
        };
        p->logs = log;
        hv_agent_poke(p->agent);
        return log;
}

void hv_agent_pool_log_resume(struct hv_pool_log *log) {
        if (log->stream)
                hv_docker_call_pause(log->stream, false);
}

void hv_agent_pool_log_close(struct hv_pool_log *log) {
        struct hv_pool_log **at = &log->pool->logs;

        while (*at != log)
                at = &(*at)->next;
        *at = log->next;
        hv_docker_call_cancel(log->stream);
        free(log->id);
        free(log);
}

/* Whoever hears of an end may close that log, and no other. */
void hv_agent_pool_logs_passed(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = p->logs ? hv_arena_new() : NULL;
        struct hv_pool_log *next;

        for (struct hv_pool_log *log = p->logs; log; log = next) {
                next = log->next;
                look(log, arena);
        }
}
