/* http/view.h - the objects of a snapshot as users know them: a service with its replicas, not units.
 *
 * Model    Pure. An item joins what was declared, what is planned from it, and what is seen, by kind and
 *          name. What is seen without being declared (an orphan on its way out) is an item too.
 * Owner    everything is in the arena, or borrowed from the snapshot.
 */
#pragma once

#include "http/snapshot.h"

struct hv_view_item {
        enum hv_kind kind;
        const char *name;
        const struct hv_object *object;      /* as declared; NULL: implicit, or an orphan */
        const struct hv_origin *origin;      /* NULL: declared nowhere */
        const struct hv_network *network;    /* of kind network, wanted */
        const struct hv_volume *volume;      /* of kind volume, wanted */
        const struct hv_object_status *seen; /* of kind network and volume */
        const struct hv_api_tunnel *tunnel;  /* its interface as it was last seen; NULL: never */
        const struct hv_api_image *image;    /* as it was last looked for; NULL: never */
        const struct hv_cron_status *cron;   /* of kind cron task, wanted */
        /* of kind service: wanted units, and the status of these and of orphans of its name */
        const struct hv_unit **units;
        size_t n_units;
        unsigned
                n_wanted; /* containers that shall run; known before the revision with their units is in force */
        const struct hv_unit_status **status;
        size_t n_status;

        bool acted_on; /* false: this version only reads such objects */
        bool wanted, in_sync;
        unsigned n_in_sync, n_ready; /* of n_units */
        unsigned n_updated;          /* ... made as they are declared now */
        unsigned n_restarts;
        enum hv_reason reason; /* of the first thing that is not in sync */
        const char *phase;     /* "Running", "BackOff", ...; "Declared" where nothing acts on it */
        const char *message;   /* "" when there is nothing to say */
        const struct hv_unit_status *worst; /* the first unit that is not in sync; NULL: none */
};

/* Whether this version does anything about objects of a kind. */
bool hv_view_acts_on(enum hv_kind kind);

/* Items of a kind, sorted by name. */
const struct hv_view_item *hv_view_list(struct hv_arena *a, const struct hv_api_snapshot *s,
                                        enum hv_kind kind, size_t *ret_n);
/* NULL: there is none; then *ret_near (may be NULL) is a name that is near, or NULL. */
const struct hv_view_item *hv_view_find(struct hv_arena *a, const struct hv_api_snapshot *s,
                                        enum hv_kind kind, const char *name, const char **ret_near);
