/* ledger/cron.c - see cron.h. */
#include "ledger/cron.h"

#include <errno.h>
#include <inttypes.h>

#include "ledger/private.h"

int hv_ledger_crons(struct hv_ledger *l, hv_ledger_cron_visit visit, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db,
                       "SELECT name, until_us, suspended, suspended_by, suspended_reason, suspended_us"
                       " FROM cron ORDER BY name",
                       &q);
        while ((r = hv_query_step(&q, err)) > 0) {
                struct hv_ledger_cron c;

                c.name = hv_query_get_text(&q);
                c.until_us = hv_query_get_unsigned(&q);
                c.is_suspended = hv_query_get_number(&q) != 0;
                c.suspension.by = hv_query_get_text(&q);
                c.suspension.reason = hv_query_get_text(&q);
                c.suspension.since_us = hv_query_get_unsigned(&q);
                HV_WALK(l, r = visit(&c, userdata));
                if (r != 0)
                        return r;
        }
        return r;
}

int hv_ledger_advance(struct hv_ledger *l, const char *name, uint64_t until_us, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        if (until_us > INT64_MAX)
                return hv_err_set(err, -EINVAL, "there is no such minute as %" PRIu64 " us", until_us);
        hv_query_start(&l->db,
                       "INSERT INTO cron (name, until_us) VALUES (?, ?) ON CONFLICT (name)"
                       " DO UPDATE SET until_us = excluded.until_us"
                       " WHERE until_us IS NULL OR until_us < excluded.until_us",
                       &q);
        hv_query_text(&q, name);
        hv_query_unsigned(&q, until_us);
        return hv_query_run(&q, err);
}

static int suspend(struct hv_ledger *l, const char *name, const struct hv_ledger_suspension *s,
                   struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db,
                       "INSERT INTO cron (name, suspended, suspended_by, suspended_reason, suspended_us)"
                       " SELECT ?1, ?2, ?3, ?4, ?5"
                       " WHERE ?2 OR EXISTS (SELECT 1 FROM cron WHERE name = ?1) ON CONFLICT (name)"
                       " DO UPDATE SET (suspended, suspended_by, suspended_reason, suspended_us) ="
                       "  (excluded.suspended, excluded.suspended_by, excluded.suspended_reason,"
                       "   excluded.suspended_us)"
                       " WHERE suspended != excluded.suspended"
                       "  OR suspended_by IS NOT excluded.suspended_by"
                       "  OR suspended_reason IS NOT excluded.suspended_reason"
                       "  OR suspended_us IS NOT excluded.suspended_us",
                       &q);
        hv_query_text(&q, name);
        hv_query_number(&q, s != NULL);
        hv_query_text(&q, s ? s->by : NULL);
        hv_query_text(&q, s ? s->reason : NULL);
        hv_query_positive(&q, s ? s->since_us : 0);
        return hv_query_run(&q, err);
}

static int forget(struct hv_ledger *l, const char *name, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db, "DELETE FROM cron WHERE name = ?", &q);
        hv_query_text(&q, name);
        return hv_query_run(&q, err);
}

int hv_ledger_cron_advance(struct hv_ledger *l, const char *name, uint64_t until_us, struct hv_err *err) {
        int r = hv_db_begin(&l->db, err);

        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, hv_ledger_advance(l, name, until_us, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot advance cron task %s", name ? name : "") : 0;
}

int hv_ledger_cron_suspend(struct hv_ledger *l, const char *name, const struct hv_ledger_suspension *s,
                           uint64_t until_us, struct hv_err *err) {
        int r = hv_db_begin(&l->db, err), moved = 0;

        if (r < 0)
                return r;
        r = suspend(l, name, s, err);
        if (r >= 0 && until_us)
                moved = hv_ledger_advance(l, name, until_us, err);
        r = hv_db_finish(&l->db, moved < 0 ? moved : r, err);
        return r < 0 ? hv_err_prefix(err, r, "cannot %s cron task %s", s ? "suspend" : "resume",
                                     name ? name : "")
                     : r;
}

int hv_ledger_cron_forget(struct hv_ledger *l, const char *name, struct hv_err *err) {
        int r = hv_db_begin(&l->db, err);

        if (r < 0)
                return r;
        r = hv_db_finish(&l->db, forget(l, name, err), err);
        return r < 0 ? hv_err_prefix(err, r, "cannot forget cron task %s", name ? name : "") : r;
}

int hv_ledger_cron_excess(struct hv_ledger *l, const char *name, unsigned keep_completed, unsigned keep_other,
                          hv_ledger_id_visit visit, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db,
                       "SELECT id FROM (SELECT id, seq, state = 'Completed' AS completed,"
                       "  row_number() OVER (PARTITION BY state = 'Completed' ORDER BY seq DESC) AS place"
                       "  FROM task WHERE cron = ?1 AND ended_us IS NOT NULL)"
                       " WHERE place > iif(completed, ?2, ?3) ORDER BY seq",
                       &q);
        hv_query_text(&q, name);
        hv_query_unsigned(&q, keep_completed);
        hv_query_unsigned(&q, keep_other);
        while ((r = hv_query_step(&q, err)) > 0) {
                const char *id = hv_query_get_text(&q);

                HV_WALK(l, r = visit(id, userdata));
                if (r != 0)
                        return r;
        }
        return r;
}
