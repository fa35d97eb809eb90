/* ledger/debt.c - see debt.h. */
#include "ledger/debt.h"

#include <errno.h>

#include "ledger/private.h"

/* --- assignments --- */

int hv_ledger_assignment(struct hv_ledger *l, const char *id, struct hv_ledger_assignment *ret,
                         struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(
                &l->db,
                "SELECT a.attempt, a.lease_epoch FROM assignment a JOIN task t ON t.seq = a.task WHERE t.id = ?",
                &q);
        hv_query_text(&q, id);
        r = hv_query_step(&q, err);
        if (r <= 0)
                return r;
        ret->attempt = (unsigned) hv_query_get_unsigned(&q);
        ret->lease_epoch = hv_query_get_unsigned(&q);
        return 1;
}

int hv_ledger_add_assignment(struct hv_ledger *l, const char *id, const struct hv_ledger_assignment *a,
                             struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(
                &l->db,
                "INSERT INTO assignment (task, attempt, lease_epoch) SELECT seq, ?, ? FROM task WHERE id = ?"
                " ON CONFLICT (task) DO UPDATE SET attempt = excluded.attempt,"
                " lease_epoch = excluded.lease_epoch",
                &q);
        hv_query_unsigned(&q, a->attempt);
        hv_query_unsigned(&q, a->lease_epoch);
        hv_query_text(&q, id);
        return hv_query_run(&q, err);
}

static int assign(struct hv_ledger *l, const char *id, const struct hv_ledger_assignment *a,
                  struct hv_err *err) {
        struct hv_ledger_assignment known;
        int r = hv_ledger_assignment(l, id, &known, err);

        if (r < 0)
                return r;
        if (r == 0)
                return hv_err_set(err, -ENOENT, "no pool assigned it");
        if (a->attempt < known.attempt || (a->attempt == known.attempt && a->lease_epoch < known.lease_epoch))
                return hv_err_set(err, -ESTALE, "attempt %u, lease %llu is known already", known.attempt,
                                  (unsigned long long) known.lease_epoch);
        if (a->attempt == known.attempt && a->lease_epoch == known.lease_epoch)
                return 0;
        return hv_ledger_add_assignment(l, id, a, err);
}

int hv_ledger_assign(struct hv_ledger *l, const char *id, const struct hv_ledger_assignment *a,
                     struct hv_err *err) {
        int r = hv_db_begin(&l->db, err);

        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, assign(l, id, a, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot assign task %s", id ? id : "") : r;
}

/* --- debts --- */

int hv_ledger_add_debt(struct hv_ledger *l, int64_t task, unsigned number, uint64_t now_wall_us,
                       struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db,
                       "INSERT INTO debt (task, number, since_us)"
                       " SELECT seq, ?2, ?3 FROM task WHERE seq = ?1 AND source = 'pool'",
                       &q);
        hv_query_number(&q, task);
        hv_query_positive(&q, number);
        hv_query_unsigned(&q, now_wall_us);
        return hv_query_run(&q, err);
}

int hv_ledger_expect_no_debt(struct hv_ledger *l, int64_t task, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT 1 FROM debt WHERE task = ? AND paid_us IS NULL", &q);
        hv_query_number(&q, task);
        r = hv_query_step(&q, err);
        return r > 0 ? hv_err_set(err, -EBUSY, "its result is still owed to the pool") : r;
}

static struct hv_ledger_debt read_debt(struct hv_query *q) {
        struct hv_ledger_debt d = {};

        d.seq = hv_query_get_unsigned(q);
        d.id = hv_query_get_text(q);
        d.assignment.attempt = (unsigned) hv_query_get_unsigned(q);
        d.assignment.lease_epoch = hv_query_get_unsigned(q);
        d.number = (unsigned) hv_query_get_unsigned(q);
        d.since_us = hv_query_get_unsigned(q);
        d.log_sent = hv_query_get_unsigned(q);
        d.state = hv_query_get_text(q);
        d.cause = hv_query_get_text(q);
        d.message = hv_query_get_text(q);
        d.exit_code = (int) hv_query_get_number(q);
        d.accepted_us = hv_query_get_unsigned(q);
        d.started_us = hv_query_get_unsigned(q);
        d.finished_us = hv_query_get_unsigned(q);
        d.log_truncated = hv_query_get_number(q) != 0;
        d.log_bytes = hv_query_get_unsigned(q);
        d.outputs_bytes = hv_query_get_unsigned(q);
        d.log_sha256 = hv_query_get_text(q);
        d.receipt = hv_query_get_text(q);
        return d;
}

int hv_ledger_debts(struct hv_ledger *l, uint64_t after, hv_ledger_debt_visit visit, void *userdata,
                    struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(
                &l->db,
                "SELECT d.seq, t.id, s.attempt, s.lease_epoch, d.number, d.since_us, d.log_sent, t.state, t.cause,"
                " t.message, coalesce(t.exit_code, -1), t.accepted_us, a.started_us, a.finished_us,"
                " coalesce(a.log_truncated, 0), coalesce(a.log_bytes, 0), coalesce(a.outputs_bytes, 0), a.log_sha256,"
                " (SELECT body FROM receipt WHERE task = t.id ORDER BY seq DESC LIMIT 1)"
                " FROM debt d JOIN task t ON t.seq = d.task LEFT JOIN assignment s ON s.task = d.task"
                " LEFT JOIN attempt a ON a.task = d.task AND a.number = d.number"
                " WHERE d.paid_us IS NULL AND d.seq > ? ORDER BY d.seq",
                &q);
        hv_query_unsigned(&q, after);
        while ((r = hv_query_step(&q, err)) > 0) {
                const struct hv_ledger_debt d = read_debt(&q);

                HV_WALK(l, r = visit(&d, userdata));
                if (r != 0)
                        return r;
        }
        return r;
}

int hv_ledger_count_debts(struct hv_ledger *l, uint64_t *ret_n, uint64_t *ret_bytes, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(
                &l->db,
                "SELECT count(*), coalesce(sum(coalesce(a.log_bytes, 0) + coalesce(a.outputs_bytes, 0)), 0)"
                " FROM debt d LEFT JOIN attempt a ON a.task = d.task AND a.number = d.number"
                " WHERE d.paid_us IS NULL",
                &q);
        r = hv_query_step(&q, err);
        if (r < 0)
                return r;
        *ret_n = hv_query_get_unsigned(&q);
        *ret_bytes = hv_query_get_unsigned(&q);
        return 0;
}

int hv_ledger_debt_log(struct hv_ledger *l, uint64_t seq, uint64_t log_sent, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r = hv_db_begin(&l->db, err);

        if (r < 0)
                return r;
        hv_query_start(&l->db, "UPDATE debt SET log_sent = ?2 WHERE seq = ?1 AND paid_us IS NULL", &q);
        hv_query_unsigned(&q, seq);
        hv_query_unsigned(&q, log_sent);
        r = hv_query_run(&q, err);
        hv_query_end(&q);
        if (r == 0)
                r = hv_err_set(err, -ENOENT, "nothing is owed under the number %llu",
                               (unsigned long long) seq);
        r = hv_db_finish(&l->db, r, err);
        return r < 0 ? r : 0;
}

static int pay(struct hv_ledger *l, uint64_t seq, const char *outcome, const char *message,
               uint64_t now_wall_us, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int64_t paid;
        int r;

        hv_query_start(&l->db, "SELECT paid_us IS NOT NULL FROM debt WHERE seq = ?", &q);
        hv_query_unsigned(&q, seq);
        r = hv_query_step(&q, err);
        paid = r > 0 ? hv_query_get_number(&q) : 0;
        hv_query_end(&q);
        if (r == 0)
                return hv_err_set(err, -ENOENT, "nothing is owed under the number %llu",
                                  (unsigned long long) seq);
        if (r < 0 || paid)
                return r < 0 ? r : 0;
        hv_query_start(&l->db, "UPDATE debt SET paid_us = ?2, outcome = ?3, message = ?4 WHERE seq = ?1", &q);
        hv_query_unsigned(&q, seq);
        hv_query_unsigned(&q, now_wall_us);
        hv_query_text(&q, outcome);
        hv_query_text(&q, message);
        return hv_query_run(&q, err);
}

int hv_ledger_pay(struct hv_ledger *l, uint64_t seq, const char *outcome, const char *message,
                  uint64_t now_wall_us, struct hv_err *err) {
        int r = hv_db_begin(&l->db, err);

        if (r < 0)
                return r;
        return hv_db_finish(&l->db, pay(l, seq, outcome, message, now_wall_us, err), err);
}

/* Only while the result that was paid is still the task's last word. */
static int owe_again(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        uint64_t seq;
        bool paid, ended;
        int r;

        hv_query_start(&l->db,
                       "SELECT d.seq, d.paid_us IS NOT NULL, t.ended_us IS NOT NULL FROM debt d"
                       " JOIN task t ON t.seq = d.task WHERE t.id = ? ORDER BY d.seq DESC LIMIT 1",
                       &q);
        hv_query_text(&q, id);
        r = hv_query_step(&q, err);
        if (r <= 0)
                return r < 0 ? r : hv_err_set(err, -ENOENT, "nothing was ever owed to a pool for it");
        seq = hv_query_get_unsigned(&q);
        paid = hv_query_get_number(&q) != 0;
        ended = hv_query_get_number(&q) != 0;
        hv_query_end(&q);
        if (!ended)
                return hv_err_set(err, -EBUSY, "it is not ended");
        if (!paid)
                return 0;
        hv_query_start(
                &l->db,
                "UPDATE debt SET paid_us = NULL, outcome = NULL, message = NULL, log_sent = 0, since_us = ?2"
                " WHERE seq = ?1",
                &q);
        hv_query_unsigned(&q, seq);
        hv_query_unsigned(&q, now_wall_us);
        return hv_query_run(&q, err);
}

int hv_ledger_owe_again(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err) {
        int r = hv_db_begin(&l->db, err);

        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, owe_again(l, id, now_wall_us, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot owe the result of task %s again", id ? id : "") : r;
}
