/* ledger/promise.c - see promise.h. */
#include "ledger/promise.h"

#include <errno.h>
#include <stdio.h>

#include "ledger/private.h"

/* --- accept --- */

struct standing {
        char id[HV_LEDGER_ID_SIZE];
        bool is_same;
};

/* 1: a promise of that id stands. */
static int look_up(struct hv_ledger *l, const struct hv_ledger_promise *p, struct standing *ret,
                   struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT digest FROM task WHERE id = ?", &q);
        hv_query_text(&q, p->id);
        r = hv_query_step(&q, err);
        if (r > 0) {
                (void) snprintf(ret->id, sizeof ret->id, "%s", p->id);
                ret->is_same = hv_streq(hv_query_get_text(&q), p->digest);
        }
        return r;
}

/* 1: the key stands for a promise. */
static int look_up_key(struct hv_ledger *l, const struct hv_ledger_promise *p, struct standing *ret,
                       struct hv_err *err) {
        struct hv_ledger_key key;
        int r = p->key ? hv_ledger_key(l, p->key, p->accepted_us, &key, err) : 0;

        if (r <= 0)
                return r;
        memcpy(ret->id, key.id, sizeof ret->id);
        ret->is_same = hv_streq(key.digest, p->digest);
        if (!ret->is_same)
                return hv_err_set(err, -EEXIST, "the idempotency key stands for task %s, with other content",
                                  key.id);
        if (key.forgotten_us > 0)
                return hv_err_set(err, -ESTALE, "the idempotency key stands for task %s, which was forgotten",
                                  key.id);
        return 1;
}

static int insert_task(struct hv_ledger *l, const struct hv_ledger_promise *p, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(
                &l->db,
                "INSERT INTO task (id, name, source, cron, digest, priority, accepted_us, state, document)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'Queued', ?)",
                &q);
        hv_query_text(&q, p->id);
        hv_query_text(&q, p->name);
        hv_query_text(&q, p->source);
        hv_query_text(&q, p->cron);
        hv_query_text(&q, p->digest);
        hv_query_unsigned(&q, p->priority);
        hv_query_unsigned(&q, p->accepted_us);
        hv_query_text(&q, p->document);
        return hv_query_run(&q, err);
}

/* The promise itself, under its key and its id: 1 new, 0 stands. */
static int accept_promise(struct hv_ledger *l, const struct hv_ledger_promise *p, struct standing *ret,
                          struct hv_err *err) {
        int r = look_up_key(l, p, ret, err), found;

        if (r != 0)
                return r < 0 ? r : 0;
        found = look_up(l, p, ret, err);
        if (found < 0)
                return found;
        if (found > 0 && !ret->is_same)
                return hv_err_set(err, -EEXIST, "task %s is there already, with other content", p->id);
        if (found == 0)
                r = insert_task(l, p, err);
        if (found == 0 && r >= 0 && p->assignment)
                r = hv_ledger_add_assignment(l, p->id, p->assignment, err);
        if (r >= 0 && p->key)
                r = hv_ledger_add_key(l, p->key, p->id, p->digest, p->accepted_us, err);
        if (r < 0)
                return r;
        (void) snprintf(ret->id, sizeof ret->id, "%s", p->id);
        return found == 0;
}

int hv_ledger_accept(struct hv_ledger *l, const struct hv_ledger_promise *p, char ret_id[HV_LEDGER_ID_SIZE],
                     struct hv_err *err) {
        struct standing standing = {};
        int r;

        r = hv_db_begin(&l->db, err);
        if (r < 0)
                return r;
        r = accept_promise(l, p, &standing, err);
        if (r >= 0 && p->cron && p->cron_until_us > 0) {
                int advanced = hv_ledger_advance(l, p->cron, p->cron_until_us, err);

                r = advanced < 0 ? advanced : r;
        }
        r = hv_db_finish(&l->db, r, err);
        if (r >= 0 && ret_id)
                memcpy(ret_id, standing.id, sizeof standing.id);
        return r < 0 ? hv_err_prefix(err, r, "cannot accept task %s", p->id ? p->id : "") : r;
}

/* --- changes of one task --- */

/* What is done to the row of a task; gives what the public function gives. */
typedef int (*change_fn)(struct hv_ledger *l, const struct hv_task_row *task, const void *arg,
                         struct hv_err *err);

static int change_task(struct hv_ledger *l, const char *id, const char *what, change_fn change,
                       const void *arg, struct hv_err *err) {
        struct hv_task_row task;
        int r;

        r = hv_db_begin(&l->db, err);
        if (r < 0)
                return r;
        r = hv_ledger_find(l, id, &task, err);
        if (r >= 0)
                r = change(l, &task, arg, err);
        r = hv_db_finish(&l->db, r, err);
        return r < 0 ? hv_err_prefix(err, r, "cannot %s task %s", what, id ? id : "") : r;
}

struct stop {
        const char *by, *reason;
        uint64_t at_us;
};

static int do_stop(struct hv_ledger *l, const struct hv_task_row *task, const void *arg, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const struct stop *s = arg;

        if (task->is_ended)
                return hv_err_set(err, -EALREADY, "it is ended");
        if (!s->by)
                return hv_err_set(err, -EINVAL, "nobody is named who asks for it");
        hv_query_start(
                &l->db,
                "UPDATE task SET stop_by = ?, stop_reason = ?, stop_us = ? WHERE seq = ? AND stop_us IS NULL",
                &q);
        hv_query_text(&q, s->by);
        hv_query_text(&q, s->reason);
        hv_query_unsigned(&q, s->at_us);
        hv_query_number(&q, task->seq);
        return hv_query_run(&q, err);
}

int hv_ledger_stop(struct hv_ledger *l, const char *id, const char *by, const char *reason,
                   uint64_t now_wall_us, struct hv_err *err) {
        const struct stop s = { .by = by, .reason = reason, .at_us = now_wall_us };

        return change_task(l, id, "stop", do_stop, &s, err);
}

static int do_retry(struct hv_ledger *l, const struct hv_task_row *task, const void *arg,
                    struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const uint64_t *now_wall_us = arg;
        int r;

        if (!task->is_ended)
                return hv_err_set(err, -EBUSY, "it is not ended");
        r = hv_ledger_expect_no_debt(l, task->seq, err);
        if (r < 0)
                return r;
        hv_query_start(&l->db,
                       "UPDATE task SET state = 'Queued', ended_us = NULL, retried_us = ?2, stop_by = NULL,"
                       " stop_reason = NULL, stop_us = NULL, cause = NULL, reason = NULL, message = NULL,"
                       " exit_code = NULL,"
                       " attempts_before = (SELECT coalesce(max(number), 0) FROM attempt WHERE task = ?1)"
                       " WHERE seq = ?1",
                       &q);
        hv_query_number(&q, task->seq);
        hv_query_unsigned(&q, *now_wall_us);
        r = hv_query_run(&q, err);
        return r < 0 ? r : 0;
}

int hv_ledger_retry(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err) {
        return change_task(l, id, "retry", do_retry, &now_wall_us, err);
}

struct forget {
        const char *id;
        uint64_t at_us;
};

static int do_forget(struct hv_ledger *l, const struct hv_task_row *task, const void *arg,
                     struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const struct forget *f = arg;
        int r;

        if (!task->is_ended)
                return hv_err_set(err, -EBUSY, "it is not ended");
        r = hv_ledger_expect_no_debt(l, task->seq, err);
        if (r >= 0)
                r = hv_ledger_keep_keys(l, f->id, f->at_us, err);
        if (r < 0)
                return r;
        hv_query_start(&l->db, "DELETE FROM task WHERE seq = ?", &q);
        hv_query_number(&q, task->seq);
        r = hv_query_run(&q, err);
        return r < 0 ? r : 0;
}

int hv_ledger_forget(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err) {
        const struct forget f = { .id = id, .at_us = now_wall_us };

        return change_task(l, id, "forget", do_forget, &f, err);
}
