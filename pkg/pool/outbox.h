/* pool/outbox.h - what is owed to the pool is brought to it: logs and results, until the pool has them.
 *
 *      owed --> log, piece by piece --> archive is made --> result, piece by piece --> committed --> delivered
 *       ^            |                       |                     |
 *       '------------+---- failed: this one waits, the next one is tried, oldest first ----'
 *
 * Model    The debts are the ledger's and come through the backend, oldest first; here is only what is on its way: one result at
 *          a time. A debt is settled when the pool says that it has the whole of it, or that it will never take it; nothing
 *          else ends it, and nothing is dropped. A debt that fails waits by itself (back-off with full jitter, for ever), so one
 *          result on which a pool chokes does not hold up the others.
 *          Each try of one result carries the same key, and goes on where the pool says that it is. What was sent when the
 *          link broke is sent again: a pool that has it says so.
 *          A log that the pool does not want is no reason to keep the result back.
 * Time     CLOCK_BOOTTIME of the loop: a machine that slept tries again when it wakes.
 */
#pragma once

#include "pool/dialect.h"

struct hv_outbox;

struct hv_outbox_options {
        struct sd_event *event; /* borrowed, as all but the texts */
        const struct hv_pool_dialect *dialect;
        struct hv_pool_peer *peer;
        const struct hv_pool_backend *backend;
        void *backend_data;
        const char *node_id;          /* copied */
        struct hv_backoff_spec retry; /* of one debt */
        uint64_t seed;

        /* How each call ended. */
        void (*heard)(void *userdata, enum hv_pool_outcome outcome, bool answered, const char *message);
        void *userdata;
};

#define HV_OUTBOX_LOG_TAIL 65536 /* of the log, in the result itself */

int hv_outbox_new(const struct hv_outbox_options *options, struct hv_outbox **ret, struct hv_err *err);
struct hv_outbox *hv_outbox_free(struct hv_outbox *o); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_outbox, hv_outbox_free);

/* Whether anything may be sent now. What is on its way when it is no longer so, stops where it is. */
void hv_outbox_set_online(struct hv_outbox *o, bool online);

/* There may be a new debt. Cheap. */
void hv_outbox_poke(struct hv_outbox *o);

uint64_t hv_outbox_n_delivered(const struct hv_outbox *o);
