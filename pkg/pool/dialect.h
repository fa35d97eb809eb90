/* pool/dialect.h - how one kind of pool is spoken to: what a file for another dialect has to fill in.
 *
 *      pool.c, outbox.c --- struct hv_pool_dialect ---> v1.c, hivemind.c ---> pkg/rpc
 *                      <--- hv_answer_fn ------------/
 *                      <--- struct hv_pool_sink ----'    what the pool wants
 *
 * Model    A table of operations on one peer, the pool at the other end. Each operation is one try with a deadline of its own:
 *          when to try again is not the dialect's business (pace.h, outbox.h). It calls `done` once, on the loop, never from
 *          within the operation itself; after close() nothing is called any more. The core has at most one login, register,
 *          beat and put_result in flight, and one put_log for each task.
 *          Whether to pull, to watch or to be pushed to is the dialect's own: between receive(true) and receive(false) it
 *          brings what the pool wants to the sink.
 * Optional operations may be NULL: login (the core then never logs in), vouch, leave, fetch, put_log.
 * Texts    messages are of the pool or about it: valid UTF-8, one line, bounded, no secret in them.
 */
#pragma once

#include "pool/pool.h"
#include "rpc/status.h"

struct hv_inbox;
struct hv_rpc;
struct hv_pool_peer; /* what open() gives: the dialect's own */

enum hv_pool_outcome {
        HV_POOL_OUTCOME_OK,
        HV_POOL_OUTCOME_REFUSED,     /* understood, and no: the same again would be refused again */
        HV_POOL_OUTCOME_RELOGIN,     /* the token is not taken (any more) */
        HV_POOL_OUTCOME_REREGISTER,  /* the pool does not know this node (any more) */
        HV_POOL_OUTCOME_AGAIN,       /* no answer, or none that can be used: what the pool did is not known */
        HV_POOL_OUTCOME_UNSUPPORTED, /* the pool does not have this operation */
};
const char *hv_pool_outcome_name(enum hv_pool_outcome outcome); /* "refused" */

struct hv_answer {
        enum hv_pool_outcome outcome;
        bool answered;       /* the pool said this; false: nothing was heard of it */
        const char *message; /* for people; "" for OK */

        uint64_t renew_us; /* OK of login: it does not hold much longer than this; 0: not said */
        uint64_t
                lease_us; /* OK of register: how long assignments stay the node's without a beat; 0: not said */
        bool takes_back;      /* OK of register: what was never begun can be handed back */
        bool pending;         /* OK of beat: there is something to fetch() */
        bool committed;       /* OK of put_result: the whole is durable at the pool */
        uint64_t next_offset; /* OK of put_result and put_log: what the pool wants next */
};
/* The answer is borrowed until it returns. */
typedef void hv_answer_fn(void *userdata, const struct hv_answer *answer);

/* A result on its way. Borrowed by put_result() until it returns; the descriptor and the texts of `owed` stay until `done`. */
struct hv_pool_parcel {
        const struct hv_pool_owed *owed;
        const char *key; /* the same for each try of one result: "<node>/<id>/<attempt>/<number>" */
        int fd;          /* -1: there is no archive */
        uint64_t size_bytes;
        const char *sha256; /* of the archive */
        const char *log;    /* its end, as it was printed; not terminated */
        size_t log_len;
};

struct hv_pool_sink {
        /* What backend->judge and backend->assign say (pool.h); `done` is called once, perhaps at once. */
        enum hv_pool_verdict (*judge)(void *userdata, const struct hv_pool_assignment *a,
                                      const char **ret_message);
        void (*assign)(void *userdata, const struct hv_pool_assignment *a, hv_pool_verdict_fn *done,
                       void *done_data);
        bool (*cancel)(void *userdata, const char *id, const char *why);
        void (*only)(void *userdata, const char *const *ids, size_t n);
        /* A call that the core did not ask for ended so: a stream, a fetch, a push. */
        void (*heard)(void *userdata, enum hv_pool_outcome outcome, bool answered, const char *message);
        /* One more assignment was refused by the dialect itself. */
        void (*refused)(void *userdata, const char *id, const char *why);
        /* backend->unclaimed (pool.h). */
        void (*unclaimed)(void *userdata);
        /* What the pool owes the node's account, in its own unit. */
        void (*balance)(void *userdata, int64_t balance);
};

/* What a dialect is opened with; all of it is borrowed and stays until close(). */
struct hv_pool_opening {
        const struct hv_pool_options *options;
        struct hv_rpc *rpc;
        struct hv_inbox *inbox;
        const struct hv_pool_sink *sink;
        void *sink_data;
};

struct hv_pool_dialect {
        const char *name; /* "v1" */
        uint64_t login_every_us,
                register_every_us; /* renewed while online; 0: only when the pool asks for it */
        uint64_t beat_every_us;    /* at most this, whatever `heartbeat` says; 0: no limit */
        enum hv_pool_shape shape;  /* of the archives of results */
        size_t log_bytes;          /* most of a put_log(); 0: there is no put_log() */
        bool log_lines;            /* of a live log only whole lines, as long as one fits */

        /* Connects nothing yet; listens where the dialect is pushed to. */
        int (*open)(const struct hv_pool_opening *opening, struct hv_pool_peer **ret, struct hv_err *err);
        void (*close)(struct hv_pool_peer *peer);
        int (*reload_credentials)(struct hv_pool_peer *peer, struct hv_err *err);
        void (*connect)(
                struct hv_pool_peer
                        *peer); /* a try begins: whatever waits before connecting again waits no longer */

        void (*login)(struct hv_pool_peer *peer, hv_answer_fn *done, void *done_data);
        /* Whether these are name and password of somebody whom the pool knows: OK, REFUSED, anything else is no answer. Changes
         * nothing of the node's own account. */
        void (*vouch)(struct hv_pool_peer *peer, const char *name, const char *password, hv_answer_fn *done,
                      void *done_data);
        void (*enrol)(struct hv_pool_peer *peer, const struct hv_pool_node *node, hv_answer_fn *done,
                      void *done_data); /* registers; `register` is a word of C */
        void (*beat)(struct hv_pool_peer *peer, const struct hv_pool_node *node, hv_answer_fn *done,
                     void *done_data);
        void (*leave)(struct hv_pool_peer *peer, const struct hv_pool_node *node, hv_answer_fn *done,
                      void *done_data); /* the agent ends */
        void (*receive)(struct hv_pool_peer *peer, bool on);
        void (*fetch)(struct hv_pool_peer *peer); /* now: there is something new */

        /* Bytes [offset, ...) of a log; no bytes at all ask for next_offset. */
        void (*put_log)(struct hv_pool_peer *peer, const struct hv_pool_owed *owed, uint64_t offset,
                        const char *data, size_t len, hv_answer_fn *done, void *done_data);
        /* One message: the whole, or the piece of it from `offset` on where the dialect has pieces. */
        void (*put_result)(struct hv_pool_peer *peer, const struct hv_pool_parcel *parcel, uint64_t offset,
                           hv_answer_fn *done, void *done_data);
};

extern const struct hv_pool_dialect hv_pool_v1, hv_pool_hivemind;

/* What a status of gRPC means for a call to a pool, and whether the pool itself said it. */
enum hv_pool_outcome hv_pool_outcome_of_status(enum hv_rpc_status status, bool *ret_answered);
