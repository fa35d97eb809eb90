/* ledger/receipt.c - see receipt.h. */
#include "ledger/receipt.h"

#include <errno.h>
#include <stdio.h>

#include "ledger/private.h"

int hv_ledger_receipt_last(struct hv_ledger *l, char ret_sha256[HV_SHA256_HEX_SIZE], struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT sha256 FROM receipt ORDER BY seq DESC LIMIT 1", &q);
        r = hv_query_step(&q, err);
        if (r > 0)
                (void) snprintf(ret_sha256, HV_SHA256_HEX_SIZE, "%s", hv_query_get_text(&q));
        return r;
}

int hv_ledger_add_receipt(struct hv_ledger *l, const char *id, unsigned number, uint64_t at_us,
                          const struct hv_ledger_new_receipt *receipt, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        char last[HV_SHA256_HEX_SIZE];
        int r;

        r = hv_ledger_receipt_last(l, last, err);
        if (r < 0)
                return r;
        if (!hv_streq(receipt->previous, r > 0 ? last : NULL))
                return hv_err_set(err, -ESTALE, "the receipt follows %s, but the last one is %s",
                                  receipt->previous ? receipt->previous : "none", r > 0 ? last : "none");
        hv_query_start(
                &l->db,
                "INSERT INTO receipt (at_us, task, number, sha256, previous, body) VALUES (?, ?, ?, ?, ?, ?)",
                &q);
        hv_query_unsigned(&q, at_us);
        hv_query_text(&q, id);
        hv_query_positive(&q, number);
        hv_query_text(&q, receipt->sha256);
        hv_query_text(&q, receipt->previous);
        hv_query_text(&q, receipt->text);
        return hv_query_run(&q, err);
}

/* Two statements, so that each finds its rows by an index. */
static const char *const of_task = "SELECT seq, at_us, task, number, sha256, previous, body FROM receipt"
                                   " WHERE seq >= ?1 AND task = ?3 ORDER BY seq LIMIT ?2";
static const char *const of_all = "SELECT seq, at_us, task, number, sha256, previous, body FROM receipt"
                                  " WHERE seq >= ?1 ORDER BY seq LIMIT ?2";

int hv_ledger_receipts(struct hv_ledger *l, const char *id, uint64_t from, unsigned limit,
                       hv_ledger_receipt_visit visit, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, id ? of_task : of_all, &q);
        hv_query_unsigned(&q, from);
        hv_query_unsigned(&q, limit);
        if (id)
                hv_query_text(&q, id);
        while ((r = hv_query_step(&q, err)) > 0) {
                struct hv_ledger_receipt receipt;

                receipt.seq = hv_query_get_unsigned(&q);
                receipt.at_us = hv_query_get_unsigned(&q);
                receipt.task = hv_query_get_text(&q);
                receipt.number = (unsigned) hv_query_get_unsigned(&q);
                receipt.sha256 = hv_query_get_text(&q);
                receipt.previous = hv_query_get_text(&q);
                receipt.text = hv_query_get_text(&q);
                HV_WALK(l, r = visit(&receipt, userdata));
                if (r != 0)
                        return r;
        }
        return r;
}
