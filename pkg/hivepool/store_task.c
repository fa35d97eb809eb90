/* hivepool/store_task.c - tasks and their attempts in the store. */
#include <errno.h>

#include "hivepool/store_private.h"

/* --- tasks --- */

/* 1: an equal one is there; -EEXIST: another one. */
static int look_for_same(struct hv_store *s, const struct hv_store_task *t, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&s->db, "SELECT dialect = ? AND spec = ? AND owner IS ? FROM task WHERE id = ?", &q);
        hv_query_number(&q, t->dialect);
        hv_query_bytes(&q, t->spec, t->spec_len);
        hv_query_text(&q, t->owner);
        hv_query_text(&q, t->id);
        r = hv_query_step(&q, err);
        if (r <= 0 || hv_query_get_number(&q))
                return r;
        return hv_err_set(err, -EEXIST, "task %s is there already, with other content", t->id);
}

int hv_store_add_task(struct hv_store *s, struct hv_store_task *t, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        r = look_for_same(s, t, err);
        if (r != 0)
                return r < 0 ? r : 0;
        hv_query_start(&s->db,
                       "INSERT INTO task (id, dialect, state, owner, priority, retries, created_us, spec)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
                       &q);
        hv_query_text(&q, t->id);
        hv_query_number(&q, t->dialect);
        hv_query_number(&q, t->state);
        hv_query_text(&q, t->owner);
        hv_query_number(&q, t->priority);
        hv_query_unsigned(&q, t->retries);
        hv_query_unsigned(&q, t->created_us);
        hv_query_bytes(&q, t->spec, t->spec_len);
        r = hv_query_step(&q, err);
        if (r > 0)
                t->seq = hv_query_get_unsigned(&q);
        return r;
}

int hv_store_set_task(struct hv_store *s, const struct hv_store_task *t, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(
                &s->db,
                "UPDATE task SET state = ?, n_attempts = ?, node = ?, lease = ?, ended_us = ?, message = ?"
                " WHERE seq = ?",
                &q);
        hv_query_number(&q, t->state);
        hv_query_unsigned(&q, t->n_attempts);
        hv_query_text(&q, t->node);
        hv_query_unsigned(&q, t->lease);
        hv_query_unsigned(&q, t->ended_us);
        hv_query_text(&q, t->message);
        hv_query_unsigned(&q, t->seq);
        return hv_query_run(&q, err);
}

int hv_store_remove_task(struct hv_store *s, uint64_t seq, void (*unused)(void *userdata, const char *sha256),
                         void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query blobs = {}, task = {};
        int r;

        hv_query_start(&s->db,
                       "SELECT sha256 FROM use AS mine WHERE task = ? AND NOT EXISTS"
                       " (SELECT 1 FROM use WHERE sha256 = mine.sha256 AND task != mine.task)",
                       &blobs);
        hv_query_unsigned(&blobs, seq);
        while ((r = hv_query_step(&blobs, err)) > 0)
                unused(userdata, hv_query_get_text(&blobs));
        if (r < 0)
                return r;
        hv_query_start(&s->db, "DELETE FROM task WHERE seq = ?", &task);
        hv_query_unsigned(&task, seq);
        return hv_query_run(&task, err);
}

#define TASK_COLUMNS                                                                                        \
        "seq, id, dialect, state, owner, priority, retries, n_attempts, node, lease, created_us, ended_us," \
        " message, spec"

static void read_task(struct hv_query *q, struct hv_store_task *ret) {
        ret->seq = hv_query_get_unsigned(q);
        ret->id = hv_query_get_text(q);
        ret->dialect = (enum hv_store_dialect) hv_query_get_number(q);
        ret->state = (enum hv_lease_task) hv_query_get_number(q);
        ret->owner = hv_query_get_text(q);
        ret->priority = (int) hv_query_get_number(q);
        ret->retries = (unsigned) hv_query_get_number(q);
        ret->n_attempts = (unsigned) hv_query_get_number(q);
        ret->node = hv_query_get_text(q);
        ret->lease = hv_query_get_unsigned(q);
        ret->created_us = hv_query_get_unsigned(q);
        ret->ended_us = hv_query_get_unsigned(q);
        ret->message = hv_query_get_text(q);
        ret->spec = hv_query_get_bytes(q, &ret->spec_len);
}

static int show_tasks(struct hv_store *s, struct hv_query *q, hv_store_task_fn *fn, void *userdata,
                      struct hv_err *err) {
        int r;

        while ((r = hv_query_step(q, err)) > 0) {
                struct hv_store_task t = {};

                read_task(q, &t);
                if (HV_STORE_SHOW(s, fn(userdata, &t)) != 0)
                        break;
        }
        return r;
}

static int ignore_task(void *userdata, const struct hv_store_task *t) {
        (void) userdata, (void) t;
        return 1;
}

int hv_store_find_task(struct hv_store *s, const char *id, hv_store_task_fn *fn, void *userdata,
                       struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        struct hv_store_task t = {};
        int r;

        hv_query_start(&s->db, "SELECT " TASK_COLUMNS " FROM task WHERE id = ?", &q);
        hv_query_text(&q, id);
        r = hv_query_step(&q, err);
        if (r > 0) {
                read_task(&q, &t);
                (void) HV_STORE_SHOW(s, (fn ? fn : ignore_task)(userdata, &t));
        }
        return r;
}

int hv_store_live_tasks(struct hv_store *s, hv_store_task_fn *fn, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "SELECT " TASK_COLUMNS " FROM task WHERE state < 3 ORDER BY seq", &q);
        return show_tasks(s, &q, fn, userdata, err);
}

int hv_store_list_tasks(struct hv_store *s, unsigned states, uint64_t before, unsigned max,
                        hv_store_task_fn *fn, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db,
                       "SELECT " TASK_COLUMNS
                       " FROM task WHERE (1 << state) & ? AND seq < ? ORDER BY seq DESC LIMIT ?",
                       &q);
        hv_query_unsigned(&q, states);
        hv_query_unsigned(&q, before > 0 ? before : INT64_MAX);
        hv_query_unsigned(&q, max);
        return show_tasks(s, &q, fn, userdata, err);
}

int hv_store_own_tasks(struct hv_store *s, const char *owner, unsigned max, hv_store_task_fn *fn,
                       void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "SELECT " TASK_COLUMNS " FROM task WHERE owner = ? ORDER BY seq DESC LIMIT ?",
                       &q);
        hv_query_text(&q, owner);
        hv_query_unsigned(&q, max);
        return show_tasks(s, &q, fn, userdata, err);
}

int hv_store_old_tasks(struct hv_store *s, uint64_t before_us, unsigned max, hv_store_task_fn *fn,
                       void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db,
                       "SELECT " TASK_COLUMNS
                       " FROM task WHERE state >= 3 AND ended_us > 0 AND ended_us < ? LIMIT ?",
                       &q);
        hv_query_unsigned(&q, before_us);
        hv_query_unsigned(&q, max);
        return show_tasks(s, &q, fn, userdata, err);
}

int hv_store_is_used(struct hv_store *s, const char *sha256, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "SELECT 1 FROM use WHERE sha256 = ? LIMIT 1", &q);
        hv_query_text(&q, sha256);
        return hv_query_step(&q, err);
}

int hv_store_count_tasks(struct hv_store *s, uint64_t ret[HV_N_LEASE_TASKS], struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        memset(ret, 0, HV_N_LEASE_TASKS * sizeof *ret);
        hv_query_start(&s->db, "SELECT state, count(*) FROM task GROUP BY state", &q);
        while ((r = hv_query_step(&q, err)) > 0) {
                int64_t state = hv_query_get_number(&q);

                if (state >= 0 && state < HV_N_LEASE_TASKS)
                        ret[state] = hv_query_get_unsigned(&q);
        }
        return r;
}

/* --- attempts --- */

int hv_store_add_attempt(struct hv_store *s, const struct hv_store_attempt *a, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db,
                       "INSERT INTO attempt (task, number, node, lease, given_us) VALUES (?, ?, ?, ?, ?)",
                       &q);
        hv_query_unsigned(&q, a->task);
        hv_query_unsigned(&q, a->number);
        hv_query_text(&q, a->node);
        hv_query_unsigned(&q, a->lease);
        hv_query_unsigned(&q, a->given_us);
        return hv_query_run(&q, err);
}

int hv_store_end_attempt(struct hv_store *s, const struct hv_store_attempt *a, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(
                &s->db,
                "UPDATE attempt SET ended_us = ?, \"end\" = ?, state = ?, reason = ?, exit_code = ?, key = ?,"
                " result = ?, result_bytes = ?, receipt = ? WHERE task = ? AND number = ? AND \"end\" IS NULL",
                &q);
        hv_query_unsigned(&q, a->ended_us);
        hv_query_number(&q, a->end);
        hv_query_text(&q, a->state);
        hv_query_text(&q, a->reason);
        hv_query_number(&q, a->exit_code);
        hv_query_text(&q, a->key);
        hv_query_text(&q, a->result);
        hv_query_unsigned(&q, a->result_bytes);
        hv_query_text(&q, a->receipt);
        hv_query_unsigned(&q, a->task);
        hv_query_unsigned(&q, a->number);
        return hv_query_run(&q, err);
}

int hv_store_set_log_number(struct hv_store *s, uint64_t task, unsigned number, unsigned log_number,
                            struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "UPDATE attempt SET log_number = ? WHERE task = ? AND number = ?", &q);
        hv_query_unsigned(&q, log_number);
        hv_query_unsigned(&q, task);
        hv_query_unsigned(&q, number);
        return hv_query_run(&q, err);
}

int hv_store_drop_attempt(struct hv_store *s, uint64_t task, unsigned number, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "DELETE FROM attempt WHERE task = ? AND number = ? AND \"end\" IS NULL", &q);
        hv_query_unsigned(&q, task);
        hv_query_unsigned(&q, number);
        return hv_query_run(&q, err);
}

int hv_store_attempts(struct hv_store *s, uint64_t task, hv_store_attempt_fn *fn, void *userdata,
                      struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(
                &s->db,
                "SELECT number, node, lease, given_us, ended_us, \"end\", state, reason, exit_code, key, result,"
                " result_bytes, receipt, log_number FROM attempt WHERE task = ? ORDER BY number",
                &q);
        hv_query_unsigned(&q, task);
        while ((r = hv_query_step(&q, err)) > 0) {
                struct hv_store_attempt a = { .task = task };

                a.number = (unsigned) hv_query_get_number(&q);
                a.node = hv_query_get_text(&q);
                a.lease = hv_query_get_unsigned(&q);
                a.given_us = hv_query_get_unsigned(&q);
                a.ended_us = hv_query_get_unsigned(&q);
                a.is_over = hv_query_has_value(&q);
                a.end = (enum hv_lease_end) hv_query_get_number(&q);
                a.state = hv_query_get_text(&q);
                a.reason = hv_query_get_text(&q);
                a.exit_code = (int) hv_query_get_number(&q);
                a.key = hv_query_get_text(&q);
                a.result = hv_query_get_text(&q);
                a.result_bytes = hv_query_get_unsigned(&q);
                a.receipt = hv_query_get_text(&q);
                a.log_number = (unsigned) hv_query_get_number(&q);
                if (HV_STORE_SHOW(s, fn(userdata, &a)) != 0)
                        break;
        }
        return r;
}
