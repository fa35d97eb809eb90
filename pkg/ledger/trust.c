/* ledger/trust.c - see trust.h. */
#include "ledger/trust.h"

#include "ledger/private.h"

int hv_ledger_add_trust(struct hv_ledger *l, const char *id, unsigned number, uint64_t at_us,
                        const struct hv_ledger_trust_change *t, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db,
                       "INSERT INTO trust (at_us, task, number, delta, score, score_group, cause, nominal)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                       &q);
        hv_query_unsigned(&q, at_us);
        hv_query_text(&q, id);
        hv_query_positive(&q, number);
        hv_query_number(&q, t->delta);
        hv_query_unsigned(&q, t->score);
        hv_query_text(&q, t->group);
        hv_query_text(&q, t->cause);
        hv_query_number(&q, t->nominal);
        return hv_query_run(&q, err);
}

int hv_ledger_trust_score(struct hv_ledger *l, unsigned *ret_score, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT score FROM trust ORDER BY seq DESC LIMIT 1", &q);
        r = hv_query_step(&q, err);
        if (r > 0)
                *ret_score = (unsigned) hv_query_get_unsigned(&q);
        return r;
}

int hv_ledger_trust_page(struct hv_ledger *l, uint64_t before, unsigned limit, hv_ledger_trust_visit visit,
                         void *userdata, uint64_t *ret_next, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        uint64_t next = 0;
        int r;

        hv_query_start(&l->db,
                       "SELECT seq, at_us, task, number, delta, score, score_group, cause, nominal FROM trust"
                       " WHERE seq < ? ORDER BY seq DESC LIMIT ?",
                       &q);
        hv_query_unsigned(&q, before > 0 ? before : INT64_MAX);
        hv_query_unsigned(&q, (uint64_t) limit + 1); /* one more tells whether there is another page */
        for (unsigned i = 0; (r = hv_query_step(&q, err)) > 0 && i < limit; i++) {
                struct hv_ledger_trust t;

                t.seq = hv_query_get_unsigned(&q);
                t.at_us = hv_query_get_unsigned(&q);
                t.task = hv_query_get_text(&q);
                t.number = (unsigned) hv_query_get_unsigned(&q);
                t.change.delta = (int) hv_query_get_number(&q);
                t.change.score = (unsigned) hv_query_get_unsigned(&q);
                t.change.group = hv_query_get_text(&q);
                t.change.cause = hv_query_get_text(&q);
                t.change.nominal = (int) hv_query_get_number(&q);
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
