/* http/snapshot.h - all that the API can show, at one instant.
 *
 * Model    The agent fills one of these on demand; every answer (JSON, probes, metrics) is made from it by
 *          pure functions, so two answers about one instant cannot disagree. What it does not hold is not
 *          shown.
 * Owner    borrowed, or in the arena that came with the request for it: good until the loop turns again.
 * Clocks   `_us` is the core's clock, `_wall_us` is CLOCK_REALTIME; `now_us` and `now_wall_us` are the same
 *          instant on both, so any instant of the core's can be told as a date.
 */
#pragma once

#include "http/orders.h"
#include "reconcile/cron.h"
#include "reconcile/gpu.h"
#include "reconcile/status.h"
#include "spec/diag.h"

enum hv_api_source_state {
        HV_API_SOURCE_OK,
        HV_API_SOURCE_STALE,    /* the last attempt failed: what it gave before stays in force */
        HV_API_SOURCE_HELD_OFF, /* it is good, and what it said before stands in for it */
        HV_API_SOURCE_EMPTY,    /* gives nothing, and need not (no conf.d, nothing applied) */
};

/* Where desired state comes from. */
struct hv_api_source {
        const char *name;     /* "file", "local", "api" */
        const char *type;     /* "file", "dir", "api" */
        const char *location; /* path or URL; NULL: none */
        enum hv_api_source_state state;
        const char *revision;    /* of what it gave last; NULL: nothing yet */
        unsigned n_objects;      /* in it */
        uint64_t read_wall_us;   /* last time it was read to its end; 0: never */
        uint64_t failed_wall_us; /* last time it was not; 0: never */
        const char *error;       /* of the last attempt; NULL: it went well */
        uint64_t n_errors;       /* failed attempts since start */
};

enum hv_api_revision_state {
        HV_API_REVISION_ACTIVE,
        HV_API_REVISION_PARKED,      /* valid, held by the guard */
        HV_API_REVISION_PREVIOUS,    /* was active, is kept */
        HV_API_REVISION_ROLLED_BACK, /* so is this one, and somebody went back from it */
};

struct hv_api_revision {
        const char *revision;
        enum hv_api_revision_state state;
        uint64_t since_wall_us; /* active, or parked, since; 0: not known (an earlier run of the agent) */
        unsigned n_objects;
        const char *before; /* in force until then; NULL: none was, or it is not known */
        const char *by;     /* who wanted it; NULL: the files said it, or it is not known */
};

struct hv_api_engine {
        const char *endpoint;                /* "unix:///var/run/docker.sock" */
        const char *name;                    /* "Docker", "Podman"; NULL: not reached yet, as the two below */
        const char *version;                 /* "20.10.24" */
        const char *api_version;             /* the one that is spoken: "1.41" */
        const char *api_oldest, *api_newest; /* those that this agent can speak */
};

/* The link to a node pool. */
struct hv_api_pool {
        const char *address;              /* NULL: none is configured */
        const char *dialect, *advertised; /* advertised: what the pool is told to dial; NULL: nothing */
        const char *phase;                /* "Online" */
        const char *message;              /* why it is not online; "" */
        bool online, insecure;
        uint64_t since_us, answered_us, next_try_us, lease_until_us; /* 0: not, or never */
        uint64_t n_connects, n_calls, n_failures, n_assignments, n_refused, n_delivered;
        bool has_balance;
        int64_t balance;                               /* of the account that this node is to the pool */
        uint64_t n_owed, owed_bytes, outbox_max_bytes; /* results that it has not got yet */
};

struct hv_api_peer {
        const char *name;                  /* as it is declared; NULL: it is not */
        const char *public_key, *endpoint; /* endpoint: where it is spoken to now; NULL: not known */
        const char *fault;                 /* why the name of its endpoint leads nowhere; NULL */
        uint64_t handshake_wall_us;        /* 0: never */
        uint64_t rx_bytes, tx_bytes;
};

/* A WireGuard interface, as it was last seen. */
struct hv_api_tunnel {
        const char *name, *backend; /* "kernel", "wireguard-go" */
        const char *public_key;     /* of this node; NULL: its key cannot be had */
        unsigned listen_port;
        const struct hv_api_peer *peers;
        size_t n_peers;
};

enum hv_api_trial_state {
        HV_API_TRIAL_NONE,
        HV_API_TRIAL_PENDING,
        HV_API_TRIAL_REVERTED,
        HV_API_TRIAL_ROLLED_BACK, /* nothing was on trial: somebody went back */
};

/* A revision on trial (hivectl apply --confirm), or what became of the last one that was not confirmed, or was rolled back. */
struct hv_api_trial {
        enum hv_api_trial_state state;
        const char *revision, *base;           /* what was applied, and what is gone back to */
        const char *by;                        /* who applied it; NULL: not known */
        const char *why;                       /* REVERTED, ROLLED_BACK: "nobody confirmed it in time" */
        uint64_t deadline_us;                  /* PENDING */
        uint64_t began_wall_us, ended_wall_us; /* ended: REVERTED, ROLLED_BACK */
        bool holds_files;                      /* likewise: the files still say what was taken back */
};

/* An image that is to be there beforehand. */
struct hv_api_image {
        const char *name; /* as it is declared */
        bool is_ready;
        enum hv_reason reason;
        const char *phase, *message; /* message: why it could not be pulled; "" */
};

struct hv_api_snapshot {
        uint64_t now_us, now_wall_us;
        uint64_t started_wall_us; /* of the agent */
        const char *node_id, *node_name;
        const char *state_dir, *work_dir; /* of this machine: what the agent keeps, and where tasks work */
        const char *log_dir;              /* NULL: no log files */
        struct hv_api_engine engine;
        struct hv_api_pool pool;
        struct hv_api_trial trial;
        const struct hv_status *status;
        const struct hv_desired *desired; /* the active revision; NULL before the first */

        const struct hv_cron_status *crons; /* of `desired`, by name */
        size_t n_crons;

        const struct hv_api_tunnel *tunnels;
        size_t n_tunnels;

        const struct hv_api_image *images;
        size_t n_images;

        struct hv_gpus_status gpus;
        const struct hv_gpus *gpus_told; /* the last sample (gpu/gpu.h); NULL: none yet */
        struct hv_orders orders;         /* that people gave by hand */
        struct hv_api_drain drain;
        struct hv_api_drain shutdown; /* likewise: the node is not being shut down */

        const char *listen; /* the address of http.listen that the revision in force asks for; NULL: none */
        const char *listen_error; /* why it cannot be had; NULL: it is served */

        /* The newest attempt to load the sources. Refused: it had errors, `desired` is older than the files.
         */
        bool refused;
        struct hv_diags *diags;  /* its findings, sorted; NULL: none, or never tried */
        uint64_t loaded_wall_us; /* when; 0: never tried */

        const struct hv_api_source *sources; /* in order of precedence */
        size_t n_sources;
        const struct hv_api_revision *revisions; /* newest first */
        size_t n_revisions;
};

const char *hv_api_trial_state_name(enum hv_api_trial_state state);       /* "None", "Pending", ... */
const char *hv_api_source_state_name(enum hv_api_source_state state);     /* "Ok", "Stale", "Empty" */
const char *hv_api_revision_state_name(enum hv_api_revision_state state); /* "Active", ... */

/* It is as it is because somebody wants it so: stopped, held, or paused in an older form. */
bool hv_api_is_by_hand(const struct hv_unit_status *u);

/* The wall clock at `now_us`. Two clocks cannot be read at once: by each reading an instant of the past would move by some microseconds, and whoever
 * compares two answers would see news. `ahead_us` is by how much the wall clock was ahead, 0 at first; it stays until the clock is set. */
uint64_t hv_api_steady_wall_us(int64_t *ahead_us, uint64_t now_us, uint64_t wall_us);

/* An instant of the core's clock as wall time; 0 for 0 and for HV_TIME_NEVER. */
uint64_t hv_api_wall_us(const struct hv_api_snapshot *s, uint64_t core_us);
