/* execute/observe.h - what an engine said, in the words of the core.
 *
 * Model    Pure. An object is ours when its labels say that hivelet manages it, for this node, and what it
 *          is; with any of that missing, foreign or unreadable it is a stranger, which nothing is ever done
 *          to.
 * Owner    what is written lives in `arena` or is borrowed from the engine's answer: good as long as both.
 */
#pragma once

#include "docker/container.h"
#include "docker/events.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "reconcile/core.h"

/* One container, from a list or an inspect (then detailed). */
void hv_observe_docker_container(const struct hv_docker_container *c, const char *node_id,
                                 struct hv_arena *arena, struct hv_seen_container *ret);

/* Parts of a listing: each fills its own part of `listing` and marks it complete. */
void hv_observe_docker_containers(const struct hv_docker_containers *list, const char *node_id,
                                  struct hv_arena *arena, struct hv_listing *listing);
void hv_observe_docker_networks(const struct hv_docker_networks *list, const char *node_id,
                                struct hv_arena *arena, struct hv_listing *listing);
void hv_observe_docker_volumes(const struct hv_docker_volumes *list, const char *node_id,
                               struct hv_arena *arena, struct hv_listing *listing);

/* False for an event that is about nothing the core knows. Borrows from `event`. */
bool hv_observe_docker_event(const struct hv_docker_event *event, const char *node_id,
                             struct hv_engine_event *ret);

enum hv_outcome hv_observe_docker_outcome(enum hv_docker_outcome outcome, enum hv_action_type type);
