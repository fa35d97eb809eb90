/* ledger/attempt.c - see attempt.h. */
#include "ledger/attempt.h"

#include <errno.h>

#include "ledger/private.h"

static const char *const final_states[] = { "Completed", "Failed", "TimedOut", "Stopped", "Rejected" };

static bool is_final(const char *state) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(final_states); i++)
                if (hv_streq(state, final_states[i]))
                        return true;
        return false;
}

/* What the attempts of a task look like, seen from attempt `number`. */
struct attempts {
        bool is_there;       /* begun or ended */
        bool is_ended;       /* it */
        unsigned last, open; /* highest number; the one that is open; 0: none */
};

static int look(struct hv_ledger *l, int64_t task, unsigned number, struct attempts *ret,
                struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        *ret = (struct attempts){};
        hv_query_start(&l->db,
                       "SELECT number, ended_us IS NOT NULL FROM attempt WHERE task = ? ORDER BY number", &q);
        hv_query_number(&q, task);
        while ((r = hv_query_step(&q, err)) > 0) {
                unsigned found = (unsigned) hv_query_get_unsigned(&q);
                bool is_ended = hv_query_get_number(&q) != 0;

                ret->last = found;
                if (!is_ended)
                        ret->open = found;
                if (found == number) {
                        ret->is_there = true;
                        ret->is_ended = is_ended;
                }
        }
        return r;
}

/* A number that is not there yet: the next one, and only while no other is open. */
static int expect_new(const struct attempts *a, unsigned number, struct hv_err *err) {
        if (a->open > 0 && a->open != number)
                return hv_err_set(err, -EBUSY, "attempt %u is open", a->open);
        if (!a->is_there && number <= a->last)
                return hv_err_set(err, -EINVAL, "attempt %u is there, a new one must be later", a->last);
        return 0;
}

static int set_state(struct hv_ledger *l, int64_t task, const char *state, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db, "UPDATE task SET state = ?2 WHERE seq = ?1", &q);
        hv_query_number(&q, task);
        hv_query_text(&q, state);
        return hv_query_run(&q, err);
}

/* --- begin --- */

static int insert_begun(struct hv_ledger *l, int64_t task, unsigned number, const char *container,
                        const struct hv_ledger_instant *now, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db,
                       "INSERT INTO attempt (task, number, container, begun_us, boot, begun_boot_us)"
                       " VALUES (?, ?, ?, ?, ?, iif(?5 IS NULL, NULL, ?6))",
                       &q);
        hv_query_number(&q, task);
        hv_query_unsigned(&q, number);
        hv_query_text(&q, container);
        hv_query_unsigned(&q, now->wall_us);
        hv_query_text(&q, now->boot);
        hv_query_unsigned(&q, now->boot_us);
        return hv_query_run(&q, err);
}

static int begin(struct hv_ledger *l, const char *id, unsigned number, const char *container,
                 const struct hv_ledger_instant *now, struct hv_err *err) {
        struct hv_task_row task;
        struct attempts a;
        int r;

        r = hv_ledger_find(l, id, &task, err);
        if (r >= 0 && task.is_ended)
                r = hv_err_set(err, -EALREADY, "the task is ended");
        if (r >= 0)
                r = look(l, task.seq, number, &a, err);
        if (r >= 0 && a.is_there)
                r = hv_err_set(err, -EEXIST, "it was %s before", a.is_ended ? "ended" : "begun");
        if (r >= 0)
                r = expect_new(&a, number, err);
        if (r >= 0)
                r = insert_begun(l, task.seq, number, container, now, err);
        if (r >= 0)
                r = set_state(l, task.seq, "Running", err);
        return r < 0 ? r : 0;
}

int hv_ledger_begin(struct hv_ledger *l, const char *id, unsigned number, const char *container,
                    const struct hv_ledger_instant *now, struct hv_err *err) {
        int r;

        r = hv_db_begin(&l->db, err);
        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, begin(l, id, number, container, now, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot begin attempt %u of task %s", number, id ? id : "") : r;
}

/* --- eviction --- */

static int evict(struct hv_ledger *l, const char *id, unsigned number, const struct hv_ledger_eviction *e,
                 struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        struct hv_task_row task;
        struct attempts a;
        int r;

        r = hv_ledger_find(l, id, &task, err);
        if (r >= 0)
                r = look(l, task.seq, number, &a, err);
        if (r < 0)
                return r;
        if (!a.is_there)
                return hv_err_set(err, -ENOENT, "it was never begun");
        if (a.is_ended)
                return hv_err_set(err, -EALREADY, "it is ended");
        hv_query_start(&l->db,
                       "UPDATE attempt SET eviction = ?, eviction_message = ?, evicted_us = ?"
                       " WHERE task = ? AND number = ? AND evicted_us IS NULL",
                       &q);
        hv_query_text(&q, e->reason);
        hv_query_text(&q, e->message);
        hv_query_unsigned(&q, e->at_us);
        hv_query_number(&q, task.seq);
        hv_query_unsigned(&q, number);
        return hv_query_run(&q, err);
}

int hv_ledger_evict(struct hv_ledger *l, const char *id, unsigned number, const struct hv_ledger_eviction *e,
                    struct hv_err *err) {
        int r;

        if (!e->reason)
                return hv_err_set(err, -EINVAL, "cannot evict attempt %u of task %s without a reason", number,
                                  id ? id : "");
        r = hv_db_begin(&l->db, err);
        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, evict(l, id, number, e, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot evict attempt %u of task %s", number, id ? id : "") : r;
}

/* --- end --- */

/* The row of an attempt that was never begun is made here. */
static int write_result(struct hv_ledger *l, int64_t task, const struct hv_ledger_end *e,
                        struct hv_err *err) {
        static const char sql[] =
                "INSERT INTO attempt (task, number, ended_us, cause, reason, message, exit_code, oom_killed, by_task,"
                " started_us, finished_us, log_truncated, log_bytes, log_lines, log_sha256, n_outputs,"
                " outputs_bytes, outputs_sha256, cpu_us, memory_peak_bytes, gpu_memory_peak_bytes,"
                " gpu_use_mean_percent, gpu_use_peak_percent)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (task, number) DO UPDATE SET ended_us = excluded.ended_us, cause = excluded.cause,"
                " reason = excluded.reason, message = excluded.message, exit_code = excluded.exit_code,"
                " oom_killed = excluded.oom_killed, by_task = excluded.by_task, started_us = excluded.started_us,"
                " finished_us = excluded.finished_us, log_truncated = excluded.log_truncated,"
                " log_bytes = excluded.log_bytes, log_lines = excluded.log_lines,"
                " log_sha256 = excluded.log_sha256, n_outputs = excluded.n_outputs,"
                " outputs_bytes = excluded.outputs_bytes, outputs_sha256 = excluded.outputs_sha256,"
                " cpu_us = excluded.cpu_us, memory_peak_bytes = excluded.memory_peak_bytes,"
                " gpu_memory_peak_bytes = excluded.gpu_memory_peak_bytes,"
                " gpu_use_mean_percent = excluded.gpu_use_mean_percent,"
                " gpu_use_peak_percent = excluded.gpu_use_peak_percent";
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const struct hv_ledger_result *result = &e->result;

        hv_query_start(&l->db, sql, &q);
        hv_query_number(&q, task);
        hv_query_unsigned(&q, e->number);
        hv_query_unsigned(&q, e->now_wall_us);
        hv_query_text(&q, result->cause);
        hv_query_text(&q, result->reason);
        hv_query_text(&q, result->message);
        hv_query_unsigned(&q, result->exit_code < 0 ? UINT64_MAX : (uint64_t) result->exit_code);
        hv_query_number(&q, result->oom_killed);
        hv_query_number(&q, result->by_task);
        hv_query_positive(&q, result->started_us);
        hv_query_positive(&q, result->finished_us);
        hv_query_number(&q, result->log_truncated);
        hv_query_unsigned(&q, result->log_bytes);
        hv_query_unsigned(&q, result->log_lines);
        hv_query_text(&q, result->log_sha256);
        hv_query_unsigned(&q, result->n_outputs);
        hv_query_unsigned(&q, result->outputs_bytes);
        hv_query_text(&q, result->outputs_sha256);
        hv_query_positive(&q, result->cpu_us);
        hv_query_positive(&q, result->memory_peak_bytes);
        hv_query_unsigned(&q, result->gpu_memory_is_known ? result->gpu_memory_peak_bytes : UINT64_MAX);
        hv_query_unsigned(&q, result->gpu_use_is_known ? result->gpu_use_mean_percent : UINT64_MAX);
        hv_query_unsigned(&q, result->gpu_use_is_known ? result->gpu_use_peak_percent : UINT64_MAX);
        return hv_query_run(&q, err);
}

static int write_task(struct hv_ledger *l, int64_t task, const struct hv_ledger_end *e, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db,
                       "UPDATE task SET state = ?2, ended_us = ?3, cause = ?4, reason = ?5, message = ?6,"
                       " exit_code = ?7 WHERE seq = ?1",
                       &q);
        hv_query_number(&q, task);
        hv_query_text(&q, e->state ? e->state : "Queued");
        hv_query_unsigned(&q, e->state ? e->now_wall_us : UINT64_MAX);
        hv_query_text(&q, e->result.cause);
        hv_query_text(&q, e->result.reason);
        hv_query_text(&q, e->result.message);
        hv_query_unsigned(&q, e->result.exit_code < 0 ? UINT64_MAX : (uint64_t) e->result.exit_code);
        return hv_query_run(&q, err);
}

static int expect_endable(struct hv_ledger *l, const struct hv_ledger_end *e, struct hv_task_row *ret_task,
                          struct hv_err *err) {
        struct attempts a;
        int r;

        r = hv_ledger_find(l, e->id, ret_task, err);
        if (r < 0)
                return r;
        if (ret_task->is_ended)
                return hv_err_set(err, -EALREADY, "the task is ended");
        r = look(l, ret_task->seq, e->number, &a, err);
        if (r < 0)
                return r;
        if (a.is_ended)
                return hv_err_set(err, -EALREADY, "it is ended");
        return e->number > 0 || a.open > 0 ? expect_new(&a, e->number, err) : 0;
}

static int end(struct hv_ledger *l, const struct hv_ledger_end *e, struct hv_err *err) {
        struct hv_task_row task;
        int r;

        r = expect_endable(l, e, &task, err);
        if (r >= 0 && e->number > 0)
                r = write_result(l, task.seq, e, err);
        if (r >= 0)
                r = write_task(l, task.seq, e, err);
        if (r >= 0 && e->trust)
                r = hv_ledger_add_trust(l, e->id, e->number, e->now_wall_us, e->trust, err);
        if (r >= 0 && e->receipt)
                r = hv_ledger_add_receipt(l, e->id, e->number, e->now_wall_us, e->receipt, err);
        if (r >= 0 && e->state)
                r = hv_ledger_add_debt(l, task.seq, e->number, e->now_wall_us, err);
        return r < 0 ? r : 0;
}

int hv_ledger_end(struct hv_ledger *l, const struct hv_ledger_end *e, struct hv_err *err) {
        int r;

        if (e->state ? !is_final(e->state) : e->number == 0)
                return hv_err_set(err, -EINVAL, "cannot end task %s: \"%s\" is no last state",
                                  e->id ? e->id : "", e->state ? e->state : "");
        if (!e->result.cause)
                return hv_err_set(err, -EINVAL, "cannot end task %s without a cause", e->id ? e->id : "");
        r = hv_db_begin(&l->db, err);
        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, end(l, e, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot end attempt %u of task %s", e->number,
                                     e->id ? e->id : "")
                     : r;
}

/* --- reading --- */

static void read_gpu_use(struct hv_query *q, struct hv_ledger_result *ret) {
        int64_t memory = hv_query_get_number(q), mean = hv_query_get_number(q), peak = hv_query_get_number(q);

        ret->gpu_memory_is_known = memory >= 0;
        ret->gpu_memory_peak_bytes = (uint64_t) HV_MAX(memory, 0);
        ret->gpu_use_is_known = mean >= 0;
        ret->gpu_use_mean_percent = (unsigned) HV_MAX(mean, 0);
        ret->gpu_use_peak_percent = (unsigned) HV_MAX(peak, 0);
}

static struct hv_ledger_attempt read_attempt(struct hv_query *q) {
        struct hv_ledger_attempt a = {};
        struct hv_ledger_result *result = &a.result;

        a.number = (unsigned) hv_query_get_unsigned(q);
        a.container = hv_query_get_text(q);
        a.begun_us = hv_query_get_unsigned(q);
        a.ended_us = hv_query_get_unsigned(q);
        result->cause = hv_query_get_text(q);
        result->reason = hv_query_get_text(q);
        result->message = hv_query_get_text(q);
        result->exit_code = (int) hv_query_get_number(q);
        result->oom_killed = hv_query_get_number(q) != 0;
        result->by_task = hv_query_get_number(q) != 0;
        result->started_us = hv_query_get_unsigned(q);
        result->finished_us = hv_query_get_unsigned(q);
        result->log_truncated = hv_query_get_number(q) != 0;
        result->log_bytes = hv_query_get_unsigned(q);
        result->log_lines = hv_query_get_unsigned(q);
        result->log_sha256 = hv_query_get_text(q);
        result->n_outputs = hv_query_get_unsigned(q);
        result->outputs_bytes = hv_query_get_unsigned(q);
        result->outputs_sha256 = hv_query_get_text(q);
        result->cpu_us = hv_query_get_unsigned(q);
        result->memory_peak_bytes = hv_query_get_unsigned(q);
        read_gpu_use(q, result);
        a.eviction.reason = hv_query_get_text(q);
        a.eviction.message = hv_query_get_text(q);
        a.eviction.at_us = hv_query_get_unsigned(q);
        return a;
}

int hv_ledger_attempts(struct hv_ledger *l, const char *id, hv_ledger_attempt_visit visit, void *userdata,
                       struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        struct hv_task_row task;
        int r;

        r = hv_ledger_find(l, id, &task, err);
        if (r < 0)
                return r;
        hv_query_start(
                &l->db,
                "SELECT number, container, begun_us, ended_us, cause, reason, message,"
                " coalesce(exit_code, -1), oom_killed, by_task, started_us, finished_us, log_truncated,"
                " log_bytes, log_lines, log_sha256, n_outputs, outputs_bytes, outputs_sha256, cpu_us,"
                " memory_peak_bytes, coalesce(gpu_memory_peak_bytes, -1), coalesce(gpu_use_mean_percent, -1),"
                " coalesce(gpu_use_peak_percent, -1), eviction, eviction_message, evicted_us FROM attempt WHERE task = ? ORDER BY number",
                &q);
        hv_query_number(&q, task.seq);
        while ((r = hv_query_step(&q, err)) > 0) {
                const struct hv_ledger_attempt a = read_attempt(&q);

                HV_WALK(l, r = visit(&a, userdata));
                if (r != 0)
                        return r;
        }
        return r;
}
