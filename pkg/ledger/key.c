/* ledger/key.c - see key.h. */
#include "ledger/key.h"

#include <stdio.h>

#include "ledger/private.h"

/* Keys of tasks that were forgotten up to this instant are free again. */
static uint64_t free_until(uint64_t now_wall_us) {
        return now_wall_us > HV_LEDGER_KEY_KEPT_US ? now_wall_us - HV_LEDGER_KEY_KEPT_US : 0;
}

int hv_ledger_key(struct hv_ledger *l, const char *key, uint64_t now_wall_us, struct hv_ledger_key *ret,
                  struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const char *id, *digest;
        int r;

        hv_query_start(&l->db,
                       "SELECT task, digest, forgotten_us FROM idempotency_key"
                       " WHERE key = ? AND ifnull(forgotten_us > ?, 1)",
                       &q);
        hv_query_text(&q, key);
        hv_query_unsigned(&q, free_until(now_wall_us));
        r = hv_query_step(&q, err);
        if (r <= 0)
                return r;
        id = hv_query_get_text(&q);
        digest = hv_query_get_text(&q);
        (void) snprintf(ret->id, sizeof ret->id, "%s", id ? id : "");
        (void) snprintf(ret->digest, sizeof ret->digest, "%s", digest ? digest : "");
        ret->forgotten_us = hv_query_get_unsigned(&q);
        return 1;
}

static int drop_free_keys(struct hv_ledger *l, uint64_t now_wall_us, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&l->db, "DELETE FROM idempotency_key WHERE forgotten_us <= ?", &q);
        hv_query_unsigned(&q, free_until(now_wall_us));
        return hv_query_run(&q, err);
}

int hv_ledger_add_key(struct hv_ledger *l, const char *key, const char *id, const char *digest,
                      uint64_t now_wall_us, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r = drop_free_keys(l, now_wall_us, err);

        if (r < 0)
                return r;
        hv_query_start(&l->db, "INSERT INTO idempotency_key (key, task, digest, at_us) VALUES (?, ?, ?, ?)",
                       &q);
        hv_query_text(&q, key);
        hv_query_text(&q, id);
        hv_query_text(&q, digest);
        hv_query_unsigned(&q, now_wall_us);
        return hv_query_run(&q, err);
}

int hv_ledger_keep_keys(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r = drop_free_keys(l, now_wall_us, err);

        if (r < 0)
                return r;
        hv_query_start(&l->db,
                       "UPDATE idempotency_key SET forgotten_us = ?"
                       " WHERE task = ? AND forgotten_us IS NULL",
                       &q);
        hv_query_unsigned(&q, now_wall_us);
        hv_query_text(&q, id);
        return hv_query_run(&q, err);
}
