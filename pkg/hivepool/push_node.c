/* hivepool/push_node.c - what nodes of dialect hivemind say: who they are, how they are, and what came of their tasks. */
#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "hivepool/message.h"
#include "hivepool/push_private.h"
#include "hivepool/reach.h"
#include "hivepool/shape.h"
#include "log/log.h"

#define UNKNOWN_NODE "節點 %s 未註冊" /* SEEN, and what nodes look for is only success=false */

/* An account speaks for the node of its name; the deployed pool lets anybody speak for anybody. */
static bool is_own(struct hv_push *p, const char *account, const char *node) {
        return p->options.like_deployed || hv_streq(account, node);
}

/* --- registration and status --- */

HV_PUSH_HANDLER(register) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        struct hv_hivepool_node node = {};
        Hivemind__RegisterWorkerNodeRequest *m;
        const char *account = NULL;
        struct hv_err err = {};
        unsigned char *said;
        uint64_t epoch;
        int r;

        m = hv_message_read(call, &hivemind__register_worker_node_request__descriptor, request, arena);
        if (!m || !hv_push_is_allowed(p, call, &account))
                return;
        if (!is_own(p, account, m->node_id)) {
                hv_push_ack(call, false, "node_id: expected the name of the account");
                return;
        }
        if (hv_reach_check(p->options.reach, m->hostname, m->port, &err) < 0) {
                hv_log_notice("node %.64s is not registered: %s", m->node_id, err.msg);
                hv_push_ack(call, false, err.msg);
                return;
        }
        said = hv_arena_alloc(arena, hivemind__register_worker_node_request__get_packed_size(m) + 1);
        r = hv_shape_node(HV_STORE_HIVEMIND, said, hivemind__register_worker_node_request__pack(m, said),
                          arena, &node, &err);
        if (r >= 0)
                r = hv_hivepool_register(p->options.pool, p->options.now_us(), &node, &epoch, &err);
        if (r < 0 && r != -EINVAL)
                hv_message_fail(call, r, &err);
        else
                hv_push_ack(call, r >= 0, r < 0 ? err.msg : "registered");
}

HV_PUSH_HANDLER(status) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        Hivemind__ReportStatusRequest *m;
        const char *account = NULL;
        struct hv_hivepool_beat beat;
        struct hv_err err = {};
        bool pending, is_idle;

        m = hv_message_read(call, &hivemind__report_status_request__descriptor, request, arena);
        if (!m || !hv_push_is_allowed(p, call, &account))
                return;
        is_idle = hv_streq(m->status, "Idle");
        beat = (struct hv_hivepool_beat){
                .node = m->node_id,
                .status = m->status,
                .is_open = is_idle || (!p->options.like_deployed && hv_has_prefix(m->status, "Running")),
        };
        if (!is_own(p, account, m->node_id) ||
            hv_hivepool_beat(p->options.pool, p->options.now_us(), &beat, &pending, &err) < 0) {
                hv_push_ack(call, false, hv_arena_printf(arena, UNKNOWN_NODE, m->node_id));
                return;
        }
        hv_push_ack(call, true, "");
}

/* --- usage and output --- */

static float percent(float value) {
        return isfinite(value) ? fminf(fmaxf(value, 0), 100) : 0;
}

HV_PUSH_HANDLER(usage) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        Hivemind__TaskUsageRequest *m;
        const char *account = NULL;
        struct hv_offer *o;

        m = hv_message_read(call, &hivemind__task_usage_request__descriptor, request, arena);
        if (!m || !hv_push_is_allowed(p, call, &account))
                return;
        if (hv_streq(m->task_id, "0")) { /* the whole node, whose id is in the field of the token */
                hv_push_ack(call,
                            is_own(p, account, m->token) &&
                                    hv_hivepool_heard(p->options.pool, p->options.now_us(), m->token, NULL) >=
                                            0,
                            "");
                return;
        }
        o = hv_map_get(p->offers, m->task_id);
        if (!o || !is_own(p, account, o->node)) {
                hv_push_ack(call, false, "no such task");
                return;
        }
        (void) hv_hivepool_heard(p->options.pool, p->options.now_us(), o->node, NULL);
        o->cpu = percent(m->cpu_usage);
        o->memory = percent(m->memory_usage);
        o->gpu = percent(m->gpu_usage);
        o->gpu_memory = percent(m->gpu_memory_usage);
        hv_push_ack(call, true, "");
}

struct row {
        uint64_t seq;
        unsigned n_attempts;
};

static int see_row(void *userdata, const struct hv_store_task *t) {
        struct row *row = userdata;

        *row = (struct row){ .seq = t->seq, .n_attempts = t->n_attempts };
        return 0;
}

/* The dialect knows no offsets: what comes is the end. */
static uint64_t log_size(struct hv_push *p, const char *task) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct row row = {};
        struct stat st;

        if (hv_store_find_task(hv_hivepool_store(p->options.pool), task, see_row, &row, NULL) <= 0)
                return 0;
        fd = hv_hivepool_open_log(p->options.pool, row.seq, row.n_attempts);
        return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t) st.st_size : 0;
}

HV_PUSH_HANDLER(output) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        struct hv_hivepool_claim claim = {};
        Hivemind__TaskOutputUploadRequest *m;
        const char *account = NULL, *line;
        const struct hv_offer *o;
        struct hv_err err = {};
        uint64_t next;
        int r;

        m = hv_message_read(call, &hivemind__task_output_upload_request__descriptor, request, arena);
        if (!m || !hv_push_is_allowed(p, call, &account))
                return;
        o = hv_map_get(p->offers, m->task_id);
        claim = (struct hv_hivepool_claim){ .task = m->task_id, .node = o ? o->node : account };
        if (o && !is_own(p, account, o->node)) {
                hv_push_ack(call, false, "the task is with another node");
                return;
        }
        line = hv_arena_printf(arena, "%s\n", m->output);
        r = hv_hivepool_log(p->options.pool, p->options.now_us(), &claim, log_size(p, m->task_id), line,
                            strlen(line), &next, &err);
        if (r == -ESTALE) /* SEEN: the deployed pool takes output of tasks that it does not know */
                hv_push_ack(call, p->options.like_deployed, err.msg);
        else if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_push_ack(call, true, "");
}

/* --- results --- */

static void take_result(struct hv_push *p, struct hv_rpc_server_call *call, const char *account,
                        const char *task, const struct hv_intake_end *end) {
        const struct hv_offer *o = hv_map_get(p->offers, task);
        struct hv_hivepool_result result = {
                .claim = { .task = task, .node = account, .lease = o ? o->lease : 0 },
                .exit_code = -1,
                .sha256 = end->size_bytes > 0 ? end->sha256 : NULL,
                .total = end->size_bytes,
                .offset = end->size_bytes
        };
        struct hv_err err = {};
        uint64_t next;
        int r;

        if (p->options.like_deployed && o && o->state == HV_OFFER_CALLED) {
                hv_log_notice(
                        "the result of task %s came before it was known to run: it is lost, as it would be",
                        task);
                hv_push_ack(call, true, "");
                return;
        }
        if (p->options.like_deployed && o)
                result.claim.node = o->node;
        /* The dialect does not say how it ended but in the zip. One that was stopped is not done. */
        result.end = o && o->is_stopping ? HV_LEASE_END_FAILED : HV_LEASE_END_COMPLETED;
        result.reason = o && o->is_stopping ? "stopped" : NULL;
        r = hv_hivepool_report(p->options.pool, p->options.now_us(), &result, &next, &err);
        if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_push_ack(call, r == HV_HIVEPOOL_COMMITTED, r == HV_HIVEPOOL_COMMITTED ? "" : err.msg);
}

static void on_result(struct hv_push_delivery *d, const struct hv_intake_end *end,
                      struct hv_rpc_bytes *rest) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__TaskResultUploadRequest *m =
                hv_message_read(d->call, &hivemind__task_result_upload_request__descriptor, rest, arena);

        if (m)
                take_result(d->p, d->call, d->account, m->task_id, end);
}

HV_PUSH_HANDLER(result) {
        hv_push_take_in(userdata, call, request, on_result);
}
