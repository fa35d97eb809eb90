/* reconcile/action.h - one action, one effect.
 *
 * Model    The core hands out actions; a shell performs each exactly once and feeds the outcome back under
 *          the action's id. There are looks (they change nothing) and effects. At most one effect is in
 *          flight for one object.
 * Owner    the core; an action and all it points to stay as they are until its outcome was fed back.
 */
#pragma once

#include "reconcile/observed.h"
#include "reconcile/task.h"

enum hv_action_type {
        /* looks: GET and HEAD only */
        HV_ACTION_CONNECT,       /* greet the engine, agree on a version, open its event stream */
        HV_ACTION_LIST,          /* parts: enum hv_look */
        HV_ACTION_INSPECT,       /* one container, by `target` (an id or a name) */
        HV_ACTION_INSPECT_IMAGE, /* is `image` there? */
        /* effects */
        HV_ACTION_PULL,               /* image */
        HV_ACTION_NETWORK_CREATE,     /* network */
        HV_ACTION_NETWORK_REMOVE,     /* target: id */
        HV_ACTION_NETWORK_CONNECT,    /* target: container id; endpoint: network name; unit */
        HV_ACTION_NETWORK_DISCONNECT, /* target: container id; endpoint: network name */
        HV_ACTION_VOLUME_CREATE,      /* volume */
        HV_ACTION_VOLUME_REMOVE,      /* target: name */
        HV_ACTION_CREATE,             /* unit */
        HV_ACTION_START,              /* target: container id */
        HV_ACTION_STOP,               /* target: container id; signal, grace_us */
        HV_ACTION_UNPAUSE,            /* target: container id */
        HV_ACTION_REMOVE,             /* target: container id */
        HV_ACTION_UPDATE,             /* target: container id; limits */
        HV_ACTION_CAPS_SET,           /* name: slice; place, caps */
        /* a task's own (reconcile/task.h); `task`, `attempt` and `task_id` with all of them */
        HV_ACTION_TASK_ACCEPT,   /* ledger: the promise; `reopen`: of what had ended */
        HV_ACTION_TASK_STOPPING, /* ledger: somebody (stop_by) wants it stopped */
        HV_ACTION_TASK_EVICTING, /* ledger: the node is about to stop attempt `attempt`: eviction, eviction_text */
        HV_ACTION_TASK_BEGIN,   /* ledger: attempt `attempt` is about to be started; name: its container */
        HV_ACTION_TASK_END,     /* ledger: end */
        HV_ACTION_TASK_FORGET,  /* ledger and disk: all that is known of it */
        HV_ACTION_TASK_PREPARE, /* disk: a fresh workspace with its inputs */
        HV_ACTION_TASK_PACKAGES, /* disk: its Python packages are there; a container of their own installs them */
        HV_ACTION_TASK_CANCEL,  /* cuts a TASK_PREPARE or TASK_PACKAGES under way short; that one fails */
        HV_ACTION_TASK_COLLECT, /* disk: log (of container target, NULL: it is gone) and outputs are kept */
        HV_ACTION_TASK_CLEAN,   /* disk: the workspace goes; final: all of the task's */
        HV_ACTION_TASK_WITHHOLD, /* disk: nothing can mount the workspace any more; what runs keeps it. May be repeated */
        HV_ACTION_TASK_RESTORE, /* disk: it can be mounted again; NOT_FOUND: there is none. May be repeated */
        HV_ACTION_CRON_ADVANCE, /* ledger: the schedule of cron task `name` was followed up to cron_until_us */
        HV_ACTION_CRON_SUSPEND, /* ledger: suspend, by whom: order; resumed, its schedule is followed from cron_until_us on, in one record */
        HV_N_ACTIONS
};

struct hv_order;

struct hv_action {
        uint64_t id; /* never 0, never repeated by one core */
        enum hv_action_type type;
        const char *key;  /* the object: "service/web/1", "network/backend", "engine" */
        const char *name; /* for people: container, network, volume or image name */
        const char *why;  /* "missing", "not wanted any more", "image changed", ... */
        unsigned parts;
        const char *target;
        const char *image;
        enum hv_pull_policy pull_policy;
        const char *endpoint;
        const struct hv_unit *unit;
        const struct hv_network *network;
        const struct hv_volume *volume;
        struct hv_limits limits; /* CREATE, UPDATE: instead of the unit's */
        const char *gpus;        /* CREATE: UUIDs, commas between them; NULL: none */
        bool node_has_gpus;      /* CREATE: or may have: what is given none must not see those of others */
        struct hv_caps caps;
        unsigned
                caps_asked; /* enum hv_cap: those of them that the node asks for; the others stay somebody else's */
        enum hv_caps_place place;
        const char *stop_signal;          /* NULL: what the container was made with */
        uint64_t stop_grace_us;           /* HV_TIME_NEVER: what the container was made with */
        const struct hv_desired *desired; /* the revision it comes from; NULL for looks before the first */
        const struct hv_task *task;       /* NULL for one that ended before this process began */
        const char *task_id, *stop_by, *stop_reason;
        unsigned attempt;
        bool reopen, final, suspend;
        const struct hv_order *order; /* CRON_SUSPEND: who asks for it, when (reconcile/orders.h) */
        bool is_checkpoint; /* TASK_COLLECT: the attempt stopped in the middle; what it left for the next is kept, too */
        uint64_t
                cron_until_us; /* recorded with it: TASK_ACCEPT of a run (0: not of the schedule), CRON_SUSPEND (0: as it is) */
        const struct hv_task_end *end;
        enum hv_eviction eviction;
        const char *eviction_text;
};

static inline bool hv_action_is_look(enum hv_action_type type) {
        return type <= HV_ACTION_INSPECT_IMAGE;
}

static inline bool hv_action_is_task(enum hv_action_type type) {
        return type >= HV_ACTION_TASK_ACCEPT && type < HV_N_ACTIONS;
}

const char *hv_action_name(enum hv_action_type type); /* "create", "inspect image", ... */

/* What became of an action. */
enum hv_outcome {
        HV_OUTCOME_OK,
        HV_OUTCOME_NOT_FOUND,    /* 404: on a create this means the image */
        HV_OUTCOME_CONFLICT,     /* 409: the name is taken, or another change is under way */
        HV_OUTCOME_NOT_MODIFIED, /* 304: it was so already */
        HV_OUTCOME_REFUSED,      /* 4xx: the same request will be refused again */
        HV_OUTCOME_UNSUPPORTED,  /* this engine cannot do that at all, to no object: certainly no effect */
        HV_OUTCOME_DENIED,       /* a registry wants another login */
        HV_OUTCOME_FAILED,       /* 5xx, or an error inside a stream */
        HV_OUTCOME_UNREACHABLE,  /* no connection: certainly no effect */
        HV_OUTCOME_UNKNOWN,      /* reply lost, cut or late: effect or not, nobody knows */
};
