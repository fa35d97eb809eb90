/* pool/pool.h - the link to a node pool: who assigns work to this node, and who is owed its results.
 *
 *              node facts --.                                   .--> register, beat
 *      what is owed -------+-->  hv_pool: link, outbox, inbox --+--> results, logs
 *      a live log ---------'     one dialect (dialect.h)         '<-- assignments, cancels
 *                                          |
 *                                          '--> backend: assign, cancel, delivered
 *
 * Model    The pool is a source that asks: what it sends becomes a Task document, and the node's own policy decides when that
 *          is loaded (spec/task_load.h), as for anybody else's. Nothing is answered "accepted" before it is durable, nothing is
 *          "delivered" before the pool said that it has it. Unreachable is not "nothing assigned": work goes on, results wait,
 *          the link is tried again for ever, with jitter (pace.h).
 *          The module keeps nothing that must outlive the process but blobs (inbox.h): promises and debts are the ledger's, and
 *          come through the backend.
 * Thread   everything on the loop; nothing blocks. gRPC is started by the first hv_pool_new(), and not before.
 * Owner    the caller: hv_pool_free() ends all calls; the backend is not called after it.
 * Source   docs/pool.md.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "base/time.h"
#include "spec/task.h"
#include "spec/types.h"

struct hv_pool;
struct sd_event;

/* ---- what the node says of itself; asked before each registration and beat, lives in the arena ---- */

struct hv_pool_gpu {
        const char *uuid, *name;
        uint64_t memory_bytes;
};

struct hv_pool_task { /* one of the pool's that is not over */
        const char *id;
        unsigned attempt;     /* of the pool; 0: it does not count */
        uint64_t lease_epoch; /* as it was assigned; 0: none */
        unsigned number;      /* attempt of this node */
        const char *state;    /* hv_task_state_name() */
        uint64_t started_wall_us;
        double cpu_percent, memory_percent, gpu_percent, gpu_memory_percent; /* < 0: not known */
};

struct hv_pool_node {
        const char *address; /* what the pool may dial; NULL: there is none fit to be told */
        const char *location;
        struct hv_booking total, available;
        bool is_cordoned; /* somebody wants that nothing begins on it; `available` is nothing */
        bool is_full;     /* no further task may run beside those that do, whatever is available */
        unsigned n_cpus;
        int cpu_score, gpu_score; /* 100 a core */
        const struct hv_pool_gpu *gpus;
        size_t n_gpus;
        const char *const *capabilities; /* "docker", "gpu", "wireguard", task types: what works now */
        size_t n_capabilities;
        const char *const (*labels)[2];
        size_t n_labels;
        int trust_score; /* 0..100 */
        bool engine_available;
        double cpu_percent, memory_percent, disk_percent, gpu_percent; /* < 0: not known */
        const struct hv_pool_task *tasks;
        size_t n_tasks;
        unsigned n_running; /* tasks of anybody that run now */
};

/* ---- what the pool wants ---- */

struct hv_pool_assignment {
        const char *id;             /* [A-Za-z0-9_-]{1,64}, checked */
        unsigned attempt;           /* 0: the dialect has none */
        uint64_t lease_epoch;       /* 0: none */
        const char *required_trust; /* "low", "medium", "high"; NULL: anybody */
        const char
                *document; /* a Task as JSON; its `inbox` inputs are in the inbox when assign() is called */
        size_t len;
};

enum hv_pool_verdict {
        HV_POOL_ACCEPTED, /* the promise is durable */
        HV_POOL_KNOWN,    /* the same was promised before: nothing is done twice */
        HV_POOL_REFUSED,  /* it will never be taken: policy, another content under that id, never fits */
        HV_POOL_HANDED_BACK, /* not here, for whoever else may want it: the node is drained, and the pool takes it back */
        HV_POOL_LATER, /* not now: no room, outbox full, ledger in trouble */
};
typedef void hv_pool_verdict_fn(void *userdata, enum hv_pool_verdict verdict, const char *message);

/* ---- what is owed to it ---- */

struct hv_pool_owed {
        uint64_t seq; /* grows; names the debt */
        const char *id;
        unsigned attempt;     /* of the pool */
        uint64_t lease_epoch; /* as it was assigned */
        unsigned number;      /* of this node: which result; 0: it never ran, there is none */
        const char *state, *cause, *message;
        int exit_code;                                                /* -1: none */
        uint64_t accepted_wall_us, started_wall_us, finished_wall_us; /* 0: never */
        uint64_t log_bytes, log_sent; /* in the kept log; of it the pool has */
        bool log_truncated;
        bool is_handed_back;              /* it was never begun: the pool may give it to somebody else */
        const char *log_sha256, *receipt; /* NULL: none */
};

enum hv_pool_delivery {
        HV_POOL_COMMITTED, /* it is the pool's now */
        HV_POOL_UNWANTED, /* the pool said for good that it does not want it (a newer lease, another result); it is
                            * kept here as any other result */
};

enum hv_pool_shape {
        HV_POOL_SHAPE_OUTPUTS, /* zip of the collected files under their paths */
        HV_POOL_SHAPE_WORKSPACE, /* that, with execution_log.txt, task_logs.txt and, of a stopped one, task_stopped.txt */
};

struct hv_pool_package {
        int fd; /* a regular file, from its beginning; whoever is told owns it. -1: it cannot be made (err) */
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE];
        const struct hv_err *err;
};
typedef void hv_pool_package_fn(void *userdata, const struct hv_pool_package *package);

/* A live log: pieces as the container wrote them, stdout and stderr in order. `len` 0: it is over. Paused while the
 * callback's last call returned false, until backend->log_resume(). */
struct hv_pool_log;
typedef bool hv_pool_log_fn(void *userdata, const char *data, size_t len);

/* ---- how the link is, for status, conditions and metrics ---- */

enum hv_pool_phase {
        HV_POOL_OFFLINE, /* next_try_us is the next try */
        HV_POOL_LOGIN,
        HV_POOL_REGISTERING,
        HV_POOL_ONLINE,
        HV_N_POOL_PHASES
};
const char *hv_pool_phase_name(enum hv_pool_phase phase); /* "Registering" */

struct hv_pool_state {
        enum hv_pool_phase phase;
        bool insecure;        /* plain text */
        const char *message;  /* why it is not online, in one sentence; "" when it is */
        uint64_t since_us;    /* CLOCK_BOOTTIME: the phase was entered */
        uint64_t answered_us; /* the last call that the pool answered; 0: never */
        uint64_t next_try_us; /* OFFLINE */
        uint64_t n_connects, n_calls, n_failures, n_assignments, n_refused, n_delivered;
        uint64_t lease_until_us; /* until when the pool keeps this node's work for it; 0: it does not say */
        bool takes_back;         /* what was never begun can be handed back to it */
        bool has_balance;
        int64_t balance; /* of the node's account, as the pool said last; in the pool's own unit */
};

struct hv_pool_backend {
        void (*node)(void *userdata, struct hv_arena *arena, struct hv_pool_node *ret);
        /* What blocks: `run` on a thread, then `done` on the loop, each once and in this order; when the thread ends before
         * that, `done` alone. Not from within work() itself. */
        void (*work)(void *userdata, void (*run)(void *data), void (*done)(void *data), void *data);
        /* What assign() would say as far as that can be said at once; nothing is promised by it, but what is known is noted
         * under the lease that it comes with. Asked before the inputs of an assignment are fetched: what is known, refused or
         * has no room is not fetched again. The message is borrowed until the next call; NULL: none. */
        enum hv_pool_verdict (*judge)(void *userdata, const struct hv_pool_assignment *a,
                                      const char **ret_message);
        /* `done` once, on the loop, perhaps before it returns. The assignment is borrowed until it returns. */
        void (*assign)(void *userdata, const struct hv_pool_assignment *a, hv_pool_verdict_fn *done,
                       void *done_data);
        /* What the pool takes back. Unknown ids and those that are not the pool's are left alone. False: it is not known here. */
        bool (*cancel)(void *userdata, const char *id, const char *why);
        /* The pool's own tasks, of the first complete list of this process, are these (in no order, perhaps very many); others
         * of it that are not over are cancelled. What disappears from later lists comes by cancel(). */
        void (*only)(void *userdata, const char *const *ids, size_t n);
        /* Inputs came whose assignment was not taken: hv_pool_keep_inputs() is due, but not from within this. May be NULL. */
        void (*unclaimed)(void *userdata);
        /* The first debt with a seq above `after`; false: there is none. */
        bool (*owed)(void *userdata, uint64_t after, struct hv_arena *arena, struct hv_pool_owed *ret);
        /* `done` once, later, on the loop. Returns what cancel_package() takes. */
        void *(*package)(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_shape shape,
                         hv_pool_package_fn *done, void *done_data);
        void (*cancel_package)(void *userdata, void *package);
        int (*open_log)(void *userdata, const struct hv_pool_owed *owed,
                        struct hv_err *err); /* an fd, the caller's */
        int (*log_sent)(void *userdata, uint64_t seq, uint64_t offset, struct hv_err *err);
        /* `owed` as owed() gave it. -ESTALE: the pool has assigned the work anew since then, and is owed the result under that. */
        int (*delivered)(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_delivery how,
                         const char *message, struct hv_err *err);
        struct hv_pool_log *(*log_open)(void *userdata, const char *id, hv_pool_log_fn *on, void *on_data);
        void (*log_resume)(struct hv_pool_log *log);
        void (*log_close)(struct hv_pool_log *log);
        /* How much of an attempt's log a pool was told that does not say so itself, by this process or the one before; 0: nothing is
         * known. It is noted for each piece, 0 when the pool has the result; need not be durable. Both may be NULL. */
        uint64_t (*log_told)(void *userdata, const char *id, unsigned number);
        void (*note_log)(void *userdata, const char *id, unsigned number, uint64_t offset);
        /* Something of hv_pool_state() is different. */
        void (*changed)(void *userdata);
};

struct hv_pool_options {
        struct sd_event *event; /* borrowed, as the next two */
        const struct hv_pool_backend *backend;
        void *userdata;

        enum hv_dialect dialect;
        const char *node_id, *agent_version;
        const char *address;                            /* host:port of the pool */
        const char *listen;                             /* hivemind: host:port that the pool dials */
        const char *listen_cert_file, *listen_key_file; /* hivemind: shown there; NULL: plain text */
        const char *
                listen_ca_file; /* hivemind: of callers, which must be named as the pool's host; NULL: nobody is asked */
        const char *const
                *peers; /* hivemind: who may call; addresses or CIDR. n_peers 0: the pool's address only */
        size_t n_peers;
        bool insecure;
        const char *ca_file, *cert_file, *key_file; /* NULL: none */
        const char *username;                       /* NULL: no login */
        const struct hv_secret *password;
        uint64_t heartbeat_us, retry_initial_us, retry_max_us;
        unsigned retry_factor_milli;
        const char *inbox;        /* directory; made 0700 when it is not there */
        uint64_t inbox_max_bytes; /* of all that is in it; 0: 16 GiB */
        uint64_t seed;            /* of jitter */
};

/* Everything is copied but what is called borrowed. Fails for what can never work: addresses of the wrong form, certificate
 * files that cannot be read, a port that is taken. */
int hv_pool_new(const struct hv_pool_options *options, struct hv_pool **ret, struct hv_err *err);
struct hv_pool *hv_pool_free(struct hv_pool *p); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_pool, hv_pool_free);

void hv_pool_state(const struct hv_pool *p, struct hv_arena *arena, struct hv_pool_state *ret);

/* Something that a beat tells is different; a new debt is there. Cheap, may be called often. */
void hv_pool_poke(struct hv_pool *p);

/* Tells a pool that is online that the agent ends, in order: what runs goes on, nothing new is taken. True: `done` is called once,
 * later, after HV_POOL_LEAVE_US at the latest; false: there is nobody to be told. It is the last that the pool hears of the
 * node's state. */
#define HV_POOL_LEAVE_US (2 * HV_USEC_PER_SEC)
bool hv_pool_leave(struct hv_pool *p, void (*done)(void *userdata), void *userdata);

/* Whether these are name and password of somebody whom the pool knows. `done` once, from within or later, with false also where
 * there is no answer: the pool cannot be reached, has no logins (dialect v1), or is freed. */
typedef void hv_pool_vouch_fn(void *userdata, bool is_good);
void hv_pool_vouch(struct hv_pool *p, const char *name, const char *password, hv_pool_vouch_fn *done,
                   void *userdata);

/* The blob of an `inbox` input, to be read; the descriptor is the caller's. -ENOENT: it is not there. */
int hv_pool_open_input(const struct hv_pool *p, const char *sha256, int *ret_fd, struct hv_err *err);

/* Removes the blobs that are neither named here (64 lower-case hex digits each) nor part of an assignment on its way in. */
void hv_pool_keep_inputs(struct hv_pool *p, const char *const *sha256, size_t n);

/* Certificates may be new: read again. What cannot be read leaves those in force. */
int hv_pool_reload_credentials(struct hv_pool *p, struct hv_err *err);
