/* view.h - what a look at the engine shows: the ground truth through a reply.
 *
 * Model    A view is a copy in memory of its own, which ends as soon as the core was told. A list shows a container
 * that just ended as running for a while, and nothing that only an inspect knows. The parts of a listing are
 * separate requests, so they are seen one after the other.
 */
#pragma once

#include "base/arena.h"
#include "reconcile/observed.h"
#include "sim/truth.h"

struct sim_view {
        struct hv_arena *arena; /* NULL: nothing seen */
        struct hv_listing listing;
        struct hv_seen_container *container;  /* of an inspect; NULL: not there */
        uint64_t tick[3];                     /* containers, networks, volumes: when they were seen; 0: not */
        HV_VEC(struct sim_container *) stale; /* shown otherwise than they are */
};

void sim_view_list(struct sim *s, struct sim_view *v, enum hv_look part);
void sim_view_cut(struct sim_view *v, enum hv_look part); /* only half of it was read */
void sim_view_inspect(struct sim *s, struct sim_view *v, const char *id_or_name);
void sim_view_done(struct sim_view *v);
