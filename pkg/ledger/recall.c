/* ledger/recall.c - see recall.h. */
#include "ledger/recall.h"

#include <errno.h>

#include "base/buf.h"
#include "ledger/private.h"

/* A task beside its last attempt. The document is the last column: a page leaves it out. */
#define TASK_COLUMNS                                                                                          \
        "t.seq, t.id, t.name, t.source, t.cron, t.digest, t.priority, t.accepted_us, t.retried_us,"           \
        " t.state, t.ended_us, t.stop_by, t.stop_reason, t.stop_us, t.attempts_before, a.number, a.begun_us," \
        " a.boot, a.begun_boot_us, a.ended_us IS NOT NULL,"                                                   \
        " (SELECT count(*) FROM attempt WHERE task = t.seq AND number > t.attempts_before AND by_task = 1),"  \
        " (SELECT count(*) FROM attempt WHERE task = t.seq AND number > t.attempts_before AND by_task = 0),"  \
        " t.cause, t.reason, t.message, coalesce(t.exit_code, -1), a.started_us, a.finished_us,"              \
        " EXISTS (SELECT 1 FROM debt WHERE task = t.seq AND paid_us IS NULL),"                                \
        " a.eviction, a.eviction_message, a.evicted_us"
#define TASK_TABLES                                          \
        " FROM task t LEFT JOIN attempt a ON a.task = t.seq" \
        " AND a.number = (SELECT max(number) FROM attempt WHERE task = t.seq)"

static struct hv_ledger_task read_task(struct hv_query *q, bool has_document) {
        struct hv_ledger_task t = {};

        t.seq = hv_query_get_unsigned(q);
        t.id = hv_query_get_text(q);
        t.name = hv_query_get_text(q);
        t.source = hv_query_get_text(q);
        t.cron = hv_query_get_text(q);
        t.digest = hv_query_get_text(q);
        t.priority = (unsigned) hv_query_get_unsigned(q);
        t.accepted_us = hv_query_get_unsigned(q);
        t.retried_us = hv_query_get_unsigned(q);
        t.state = hv_query_get_text(q);
        t.ended_us = hv_query_get_unsigned(q);
        t.stop_by = hv_query_get_text(q);
        t.stop_reason = hv_query_get_text(q);
        t.stop_us = hv_query_get_unsigned(q);
        t.attempts_before = (unsigned) hv_query_get_unsigned(q);
        t.last_attempt = (unsigned) hv_query_get_unsigned(q);
        t.last_begun_us = hv_query_get_unsigned(q);
        t.last_boot = hv_query_get_text(q);
        t.last_begun_boot_us = hv_query_get_unsigned(q);
        t.last_ended = hv_query_get_number(q) != 0;
        t.n_ended_by_task = (unsigned) hv_query_get_unsigned(q);
        t.n_ended_by_node = (unsigned) hv_query_get_unsigned(q);
        t.cause = hv_query_get_text(q);
        t.reason = hv_query_get_text(q);
        t.message = hv_query_get_text(q);
        t.exit_code = (int) hv_query_get_number(q);
        t.started_us = hv_query_get_unsigned(q);
        t.finished_us = hv_query_get_unsigned(q);
        t.is_owed = hv_query_get_number(q) != 0;
        t.last_eviction.reason = hv_query_get_text(q);
        t.last_eviction.message = hv_query_get_text(q);
        t.last_eviction.at_us = hv_query_get_unsigned(q);
        t.document = has_document ? hv_query_get_text(q) : NULL;
        return t;
}

/* Visits the rows of a query with documents. */
static int walk(struct hv_ledger *l, struct hv_query *q, hv_ledger_task_visit visit, void *userdata,
                struct hv_err *err) {
        int r;

        while ((r = hv_query_step(q, err)) > 0) {
                const struct hv_ledger_task t = read_task(q, true);

                HV_WALK(l, r = visit(&t, userdata));
                if (r != 0)
                        return r;
        }
        return r;
}

int hv_ledger_recall(struct hv_ledger *l, hv_ledger_task_visit visit, void *userdata, struct hv_err *err) {
        int r = 0;

        for (int ended = 0; ended <= 1 && r == 0; ended++) {
                _hv_cleanup_(hv_query_end) struct hv_query q = {};

                hv_query_start(&l->db,
                               "SELECT " TASK_COLUMNS ", t.document" TASK_TABLES
                               " WHERE (t.ended_us IS NOT NULL) = ? ORDER BY t.seq",
                               &q);
                hv_query_number(&q, ended);
                r = walk(l, &q, visit, userdata, err);
        }
        return r;
}

int hv_ledger_task(struct hv_ledger *l, const char *id, hv_ledger_task_visit visit, void *userdata,
                   struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        struct hv_ledger_task t;
        int r;

        hv_query_start(&l->db, "SELECT " TASK_COLUMNS ", t.document" TASK_TABLES " WHERE t.id = ?", &q);
        hv_query_text(&q, id);
        r = hv_query_step(&q, err);
        if (r == 0)
                return hv_err_set(err, -ENOENT, "task %s is not known", id ? id : "");
        if (r < 0)
                return r;
        t = read_task(&q, true);
        HV_WALK(l, r = visit(&t, userdata));
        return r;
}

/* --- pages --- */

/* "|Queued|Running|": a state is in it with its bars. NULL: all of them. */
static const char *state_set(const struct hv_ledger_filter *f, struct hv_buf *ret) {
        for (size_t i = 0; i < f->n_states; i++)
                hv_buf_printf(ret, "%s%s|", i == 0 ? "|" : "", f->states[i]);
        return f->n_states > 0 ? hv_buf_str(ret) : NULL;
}

int hv_ledger_page(struct hv_ledger *l, const struct hv_ledger_filter *f, hv_ledger_task_visit visit,
                   void *userdata, uint64_t *ret_next, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf states = {};
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        uint64_t next = 0;
        int r;

        hv_query_start(&l->db,
                       "SELECT " TASK_COLUMNS TASK_TABLES " WHERE t.seq < ?"
                       " AND ifnull(instr(?, '|' || t.state || '|'), 1) AND t.name = ifnull(?, t.name)"
                       " AND t.cron IS ifnull(?, t.cron) ORDER BY t.seq DESC LIMIT ?",
                       &q);
        hv_query_unsigned(&q, f->before > 0 ? f->before : INT64_MAX);
        hv_query_text(&q, state_set(f, &states));
        hv_query_text(&q, f->name);
        hv_query_text(&q, f->cron);
        hv_query_unsigned(&q, (uint64_t) f->limit + 1); /* one more tells whether there is another page */
        for (unsigned i = 0; (r = hv_query_step(&q, err)) > 0 && i < f->limit; i++) {
                const struct hv_ledger_task t = read_task(&q, false);

                next = t.seq;
                HV_WALK(l, r = visit(&t, userdata));
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (ret_next)
                *ret_next = r > 0 ? next : 0;
        return 0;
}

int hv_ledger_count(struct hv_ledger *l, uint64_t *ret_all, uint64_t *ret_live, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT count(*), count(*) FILTER (WHERE ended_us IS NULL) FROM task", &q);
        r = hv_query_step(&q, err);
        if (r < 0)
                return r;
        *ret_all = hv_query_get_unsigned(&q);
        *ret_live = hv_query_get_unsigned(&q);
        return 0;
}
