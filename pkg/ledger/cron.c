/* ledger/cron.c - see cron.h. */
#include "ledger/cron.h"

#include <errno.h>
#include <inttypes.h>

#include "ledger/private.h"

int hv_ledger_crons(struct hv_ledger *l, hv_ledger_cron_visit visit, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT name, until_us, suspended FROM cron ORDER BY name", &q);
        while ((r = hv_query_step(&q, err)) > 0) {
                struct hv_ledger_cron c;

                c.name = hv_query_get_text(&q);
                c.until_us = hv_query_get_unsigned(&q);
                c.is_suspended = hv_query_get_number(&q) != 0;
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

static int suspend(struct hv_ledger *l, const char *name, bool is_suspended, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db,
                       "INSERT INTO cron (name, suspended) SELECT ?1, ?2"
                       " WHERE ?2 OR EXISTS (SELECT 1 FROM cron WHERE name = ?1) ON CONFLICT (name)"
                       " DO UPDATE SET suspended = excluded.suspended WHERE suspended != excluded.suspended",
                       &q);
        hv_query_text(&q, name);
        hv_query_number(&q, is_suspended);
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

int hv_ledger_cron_suspend(struct hv_ledger *l, const char *name, bool is_suspended, uint64_t until_us,
                           struct hv_err *err) {
        int r = hv_db_begin(&l->db, err), moved = 0;

        if (r < 0)
                return r;
        r = suspend(l, name, is_suspended, err);
        if (r >= 0 && until_us)
                moved = hv_ledger_advance(l, name, until_us, err);
        r = hv_db_finish(&l->db, moved < 0 ? moved : r, err);
        return r < 0 ? hv_err_prefix(err, r, "cannot %s cron task %s", is_suspended ? "suspend" : "resume",
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
