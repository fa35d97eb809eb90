/* engine.h - what the engine does when it is asked to: one function of the ground truth.
 *
 * Model    The rules of docker.io 20.10 as the core's driver sees them, the inconvenient ones above all: a create
 * does not look for its networks (the start fails), a missing volume is made without labels, a network in use
 * cannot be removed, what runs must be stopped before it is removed.
 */
#pragma once

#include "reconcile/action.h"
#include "sim/truth.h"

struct sim_reply {
        enum hv_outcome outcome;
        const char *message, *created_id;
};

/* Performs an effect, or answers whether an image is there. `half`: an error comes back although something happened. */
struct sim_reply sim_engine_do(struct sim *s, const struct hv_action *a, bool half);

/* The engine goes down and comes back later; live: its containers do not notice. */
void sim_engine_restart(struct sim *s, bool live, uint64_t down_us);
void sim_engine_heal(struct sim *s); /* up and answering, now */
