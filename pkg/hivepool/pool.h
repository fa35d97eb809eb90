/* hivepool/pool.h - a small node pool: who has which task, and what came of it. Both dialects are doors to this one.
 *
 *      admin.h, push.h (users) --submit, cancel-->  .------.  <--register, beat, result, log--  v1.h, push.h (nodes)
 *                                                   | pool |
 *      store.h (what must not be lost)  <-----------|      |----------->  on_node: a node's list of tasks is another one
 *      blobs.h (inputs, results)                    '------'
 *
 * Model    All that is not over is in memory, and every change is in the store before it counts: what fails to be written did not
 *          happen. schedule.h says who gets what, lease.h what becomes of it.
 *          The pool has no clock and no loop of its own: whoever has one passes the time in, and calls hv_hivepool_pass()
 *          when on_due says so or the time comes that the last pass gave.
 * Times    now_us: CLOCK_BOOTTIME. A node that was known when the program began has a whole lease from then on: that nobody
 *          listened is not its fault.
 * Errors   -ENOENT no such task or node; -EINVAL it cannot be; -EEXIST another one has the id; others: store or disk, and
 *          nothing has changed.
 */
#pragma once

#include "hivepool/blobs.h"
#include "hivepool/schedule.h"
#include "hivepool/store.h"

#define HV_HIVEPOOL_ID_MAX 64 /* of a task: [A-Za-z0-9][A-Za-z0-9_-]{0,63} */
#define HV_HIVEPOOL_NODE_ID_MAX 253

struct hv_arena;
struct hv_hivepool;

struct hv_hivepool_options {
        const char *dir; /* is there */
        uint64_t lease_us;
        unsigned max_tasks; /* of one node at a time */
        uint64_t max_blob_bytes, max_log_bytes;

        void (*on_due)(void *userdata);                       /* a pass is due now */
        void (*on_node)(void *userdata, const char *node_id); /* its list has changed; in a pass or a call */
        void (*on_over)(void *userdata, const char *task_id); /* it is over; as on_node */
        void *userdata;
};

int hv_hivepool_new(const struct hv_hivepool_options *options, uint64_t now_us, struct hv_hivepool **ret,
                    struct hv_err *err);
struct hv_hivepool *hv_hivepool_free(struct hv_hivepool *p); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_hivepool, hv_hivepool_free);

/* Ends the leases that are over, and gives tasks to nodes. *ret_next: when the next lease may be over. */
int hv_hivepool_pass(struct hv_hivepool *p, uint64_t now_us, uint64_t *ret_next, struct hv_err *err);

struct hv_blobs *hv_hivepool_blobs(struct hv_hivepool *p);
struct hv_store *hv_hivepool_store(struct hv_hivepool *p); /* to read */

bool hv_hivepool_is_task_id(const char *id);
bool hv_hivepool_is_node_id(const char *id);

uint64_t hv_pool_wall_us(void); /* CLOCK_REALTIME, the time of the store */

/* ---- tasks ---- */

struct hv_hivepool_wish {
        const char *id;
        enum hv_store_dialect dialect;
        const char *owner; /* NULL: none */
        int priority;
        unsigned retries;
        struct hv_room asked;
        enum hv_trust_group trust;
        const char *const *needs; /* capabilities of the node */
        size_t n_needs;
        const void *spec; /* as in the store */
        size_t spec_len;
        const char *const *blobs; /* its inputs; they are there */
        size_t n_blobs;
};

int hv_hivepool_submit(struct hv_hivepool *p, const struct hv_hivepool_wish *w,
                       struct hv_err *err); /* 1 new, 0 known */
int hv_hivepool_cancel(struct hv_hivepool *p, const char *id, const char *why, struct hv_err *err);
/* With results and logs. -EBUSY: it is not over. */
int hv_hivepool_remove(struct hv_hivepool *p, const char *id, struct hv_err *err);

/* Removes tasks that ended before `before_us` (CLOCK_REALTIME), a few; 1: there are more. */
int hv_hivepool_expire(struct hv_hivepool *p, uint64_t before_us, struct hv_err *err);
/* Uploads on which nothing came since then; thoroughly: also whole files that no task uses, each of which is looked at. */
void hv_hivepool_clean(struct hv_hivepool *p, uint64_t before_us, bool thoroughly);

/* It is there and not over. */
bool hv_hivepool_is_live(struct hv_hivepool *p, const char *id);
/* Why nothing has it yet. In the arena; NULL: it does not wait. */
const char *hv_hivepool_why_pending(struct hv_hivepool *p, const char *id, struct hv_arena *arena);

/* ---- accounts ---- */

int hv_hivepool_balance(struct hv_hivepool *p, const char *account, int64_t *ret, struct hv_err *err);
/* All of it or nothing; nobody has less than 0. -EINVAL: no such amount, to itself, more than it has. */
int hv_hivepool_transfer(struct hv_hivepool *p, const char *from, const char *to, int64_t amount,
                         struct hv_err *err);

/* ---- nodes ---- */

struct hv_hivepool_node {
        const char *id;
        enum hv_store_dialect dialect;
        struct hv_room total;
        enum hv_trust_group trust;
        const char *const *has; /* capabilities */
        size_t n_has;
        bool has_any;     /* it named none: it is taken to have all */
        const void *said; /* its registration */
        size_t said_len;
};
int hv_hivepool_register(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_node *n,
                         uint64_t *ret_epoch, struct hv_err *err);

struct hv_hivepool_beat {
        const char *node;
        uint64_t epoch;              /* 0: it does not say */
        const struct hv_room *total; /* NULL: as it was */
        bool is_open;                /* takes new tasks */
        const char *status;          /* in its words; cut */
        uint64_t revision;           /* of the list that it has, where it says so; 0 */
};
/* -ENOENT: register first. *ret_pending: its list is another one than it fetched last. */
int hv_hivepool_beat(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_beat *b,
                     bool *ret_pending, struct hv_err *err);
/* Any other sign of life. */
int hv_hivepool_heard(struct hv_hivepool *p, uint64_t now_us, const char *node, struct hv_err *err);
int hv_hivepool_forget_node(struct hv_hivepool *p, const char *node,
                            struct hv_err *err); /* -EBUSY: it has tasks */

struct hv_hivepool_assigned {
        const char *id;
        unsigned attempt;
        uint64_t lease;
        bool is_cancelled;
        const void *spec;
        size_t spec_len;
};
uint64_t hv_hivepool_revision(struct hv_hivepool *p, const char *node); /* 0: no such node */
int hv_hivepool_assigned(struct hv_hivepool *p, const char *node,
                         void (*fn)(void *userdata, const struct hv_hivepool_assigned *a), void *userdata,
                         struct hv_err *err);

/* It was sent its list as of that revision: a beat need not hint at it any more. */
void hv_hivepool_told(struct hv_hivepool *p, const char *node, uint64_t revision);

struct hv_hivepool_node_state {
        const char *id, *status;
        enum hv_store_dialect dialect;
        bool is_alive, is_open;
        enum hv_trust_group trust;
        struct hv_room total, taken;
        unsigned n_tasks;
        uint64_t epoch, heard_us;
        const void *said;
        size_t said_len;
};
void hv_hivepool_nodes(struct hv_hivepool *p,
                       void (*fn)(void *userdata, const struct hv_hivepool_node_state *n), void *userdata);

/* ---- what came of it ---- */

/* Which attempt is meant. */
struct hv_hivepool_claim {
        const char *task, *node;
        uint64_t lease;   /* 0: it does not say */
        unsigned attempt; /* 0: it does not say */
        unsigned number;  /* of a log: which of the node's tries at the attempt; 0: it does not say */
};

struct hv_hivepool_result {
        struct hv_hivepool_claim claim;
        enum hv_lease_end end;                      /* COMPLETED or FAILED */
        const char *state, *reason, *key, *receipt; /* NULL: none */
        int exit_code;
        /* Its files: nothing (sha256 NULL, len 0), all of them (sha256 NULL), or a piece. */
        const char *sha256;
        uint64_t total, offset;
        const void *data;
        size_t len;
        bool is_handed_back;
        const void *log; /* the end of it, where nothing else of the log came */
        size_t log_len;
};

enum hv_hivepool_answer {
        HV_HIVEPOOL_GO_ON,     /* the next piece, from *ret_next on */
        HV_HIVEPOOL_COMMITTED, /* all of it is on disk, now or before */
        HV_HIVEPOOL_REFUSED,   /* for good: err says why. Nothing was kept */
};
/* Answer, or -errno: try again. */
int hv_hivepool_report(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_result *r,
                       uint64_t *ret_next, struct hv_err *err);

/* -ESTALE: the attempt is not this node's (any more). */
int hv_hivepool_log(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_claim *claim,
                    uint64_t offset, const void *data, size_t len, uint64_t *ret_next, struct hv_err *err);
/* A log to read, -1: there is none. */
int hv_hivepool_open_log(struct hv_hivepool *p, uint64_t task_seq, unsigned attempt);

/* The node did not take it: it waits again, and the attempt does not count. A node that says so itself, in a report, gets nothing more
 * before it says that it is open. */
int hv_hivepool_give_back(struct hv_hivepool *p, const char *task, uint64_t lease, const char *why,
                          struct hv_err *err);
