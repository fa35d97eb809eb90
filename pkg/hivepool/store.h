/* hivepool/store.h - what the pool knows and must not lose: tasks, attempts, nodes, and which blobs they use.
 *
 * Model    One SQLite file (WAL, every commit on disk before it returns). What changes together is written between
 *          hv_store_begin() and hv_store_finish(); the single functions do no transaction of their own.
 *          Numbers of leases and of revisions come from one counter that never goes back (hv_store_number()).
 * Times    CLOCK_REALTIME in us; 0: never. For people, and for how long what ended is kept; nothing else is decided by them.
 * Owner    what a visitor is shown is good until it returns; it changes nothing.
 */
#pragma once

#include "base/err.h"
#include "hivepool/lease.h"

#define HV_STORE_FILE "hivepool.db"

enum hv_store_dialect { HV_STORE_V1, HV_STORE_HIVEMIND, HV_N_STORE_DIALECTS };

struct hv_store;

/* -EAGAIN: another pool holds it. */
int hv_store_open(const char *dir, struct hv_store **ret, struct hv_err *err);
struct hv_store *hv_store_free(struct hv_store *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_store, hv_store_free);

int hv_store_begin(struct hv_store *s, struct hv_err *err);
int hv_store_finish(struct hv_store *s, int r,
                    struct hv_err *err); /* commits where r >= 0; gives r or why not */

int hv_store_number(struct hv_store *s, uint64_t *ret, struct hv_err *err); /* the next one, from 1 */

/* ---- tasks ---- */

struct hv_store_task {
        uint64_t seq; /* its age */
        const char *id;
        enum hv_store_dialect dialect;
        enum hv_lease_task state;
        const char *owner; /* hivemind: the account; NULL: none */
        int priority;
        unsigned retries, n_attempts;
        const char *node; /* that has it, or had it last; NULL: none */
        uint64_t lease;   /* of the newest attempt; 0: none */
        uint64_t created_us, ended_us;
        const char *message; /* NULL: none */
        const void *spec;    /* as the dialect sends it, without the bytes of its inputs */
        size_t spec_len;
};

/* 1 and seq in *t: it is new. 0: the same was there. -EEXIST: another one has its id. */
int hv_store_add_task(struct hv_store *s, struct hv_store_task *t, struct hv_err *err);
/* state, n_attempts, node, lease, ended_us and message of the task t->seq. */
int hv_store_set_task(struct hv_store *s, const struct hv_store_task *t, struct hv_err *err);
/* With its attempts. `unused` is called for each blob that no other task uses. */
int hv_store_remove_task(struct hv_store *s, uint64_t seq, void (*unused)(void *userdata, const char *sha256),
                         void *userdata, struct hv_err *err);

typedef int hv_store_task_fn(void *userdata, const struct hv_store_task *t); /* other than 0: no more */
/* 1: there it was. */
int hv_store_find_task(struct hv_store *s, const char *id, hv_store_task_fn *fn, void *userdata,
                       struct hv_err *err);
/* Those that are not over, oldest first. */
int hv_store_live_tasks(struct hv_store *s, hv_store_task_fn *fn, void *userdata, struct hv_err *err);
/* Newest first, seq below `before` (0: from the newest), of the states whose bit is set; at most `max`. */
int hv_store_list_tasks(struct hv_store *s, unsigned states, uint64_t before, unsigned max,
                        hv_store_task_fn *fn, void *userdata, struct hv_err *err);
/* Those of an owner, newest first; at most `max`. */
int hv_store_own_tasks(struct hv_store *s, const char *owner, unsigned max, hv_store_task_fn *fn,
                       void *userdata, struct hv_err *err);
/* Those that ended before `before_us`, in no order; at most `max`. */
int hv_store_old_tasks(struct hv_store *s, uint64_t before_us, unsigned max, hv_store_task_fn *fn,
                       void *userdata, struct hv_err *err);
int hv_store_count_tasks(struct hv_store *s, uint64_t ret[HV_N_LEASE_TASKS], struct hv_err *err);

/* ---- attempts ---- */

struct hv_store_attempt {
        uint64_t task; /* seq */
        unsigned number;
        const char *node;
        uint64_t lease;
        uint64_t given_us, ended_us;
        bool is_over;
        enum hv_lease_end end;      /* this and what follows: of its end */
        const char *state, *reason; /* in the node's words; NULL: none */
        int exit_code;              /* -1: none */
        const char *key;            /* idempotency key of the result; NULL: none */
        const char *result;         /* SHA-256; NULL: there is none */
        uint64_t result_bytes;
        const char *receipt;
        unsigned log_number; /* whose log is kept: of the node's tries; 0: it did not say */
};

int hv_store_add_attempt(struct hv_store *s, const struct hv_store_attempt *a, struct hv_err *err);
int hv_store_end_attempt(struct hv_store *s, const struct hv_store_attempt *a, struct hv_err *err);
int hv_store_set_log_number(struct hv_store *s, uint64_t task, unsigned number, unsigned log_number,
                            struct hv_err *err);
/* As if it had never been given. */
int hv_store_drop_attempt(struct hv_store *s, uint64_t task, unsigned number, struct hv_err *err);
typedef int hv_store_attempt_fn(void *userdata, const struct hv_store_attempt *a);
int hv_store_attempts(struct hv_store *s, uint64_t task, hv_store_attempt_fn *fn, void *userdata,
                      struct hv_err *err);

/* Inputs and results of a task; adding one twice is fine. */
int hv_store_add_use(struct hv_store *s, const char *sha256, uint64_t task, struct hv_err *err);
/* 1: a task uses it. */
int hv_store_is_used(struct hv_store *s, const char *sha256, struct hv_err *err);

/* ---- accounts ---- */

/* What an account has; `first` where nothing is known of it. */
int hv_store_balance(struct hv_store *s, const char *account, int64_t first, int64_t *ret,
                     struct hv_err *err);
int hv_store_set_balance(struct hv_store *s, const char *account, int64_t balance, struct hv_err *err);

/* ---- nodes ---- */

struct hv_store_node {
        const char *id;
        enum hv_store_dialect dialect;
        uint64_t epoch;    /* registrations */
        uint64_t revision; /* of its list of tasks */
        uint64_t registered_us;
        const void *said; /* its registration, as it was sent */
        size_t said_len;
};

int hv_store_put_node(struct hv_store *s, const struct hv_store_node *n, struct hv_err *err);
int hv_store_set_revision(struct hv_store *s, const char *node, uint64_t revision, struct hv_err *err);
int hv_store_remove_node(struct hv_store *s, const char *id, struct hv_err *err);
typedef int hv_store_node_fn(void *userdata, const struct hv_store_node *n);
int hv_store_nodes(struct hv_store *s, hv_store_node_fn *fn, void *userdata, struct hv_err *err);
