/* agent/gc.h - garbage collection on this node. Private to pkg/agent.
 *
 *      gc.interval, the disk above gc.disk.high, a pull without room, hivectl gc
 *            |
 *            v
 *      look (gc_look.c) --> plan (gc/plan.h) --> the first step --> look again ... until nothing is left to do
 *
 * Model    One effect after the other, each from a fresh look: what a container uses by now, what somebody else removed, how much a
 *          removal freed is never guessed. The engine is asked without force, so what is in use after all stays, and is left alone
 *          for the rest of the round.
 * Space    begins above gc.disk.high and goes on, over rounds, until the disk is at gc.disk.low.
 */
#pragma once

#include "agent/private.h"
#include "gc/plan.h"

void hv_agent_gc_follow(struct hv_agent *a);  /* a revision is in force */
void hv_agent_gc_sampled(struct hv_agent *a); /* after each round of samples: does a disk fill? */
void hv_agent_gc_soon(struct hv_agent *a);    /* there is something new to look after */
void hv_agent_gc_wanted(void *agent); /* an image did not fit: room is to be made, down to gc.disk.low */
/* What POST /api/v1/gc asks for: a round, or (dry_run) what one would do. */
void hv_agent_gc(void *userdata, bool dry_run, struct hv_api_call *call);
/* What GET /api/v1/node/images asks for: what the engine holds, and what would become of it. */
void hv_agent_gc_images(void *userdata, struct hv_api_call *call);
/* The disk of the engine is above gc.disk.low though all was collected that may be: for those who keep new work away. */
bool hv_agent_gc_is_stuck(const struct hv_agent *a);
void hv_agent_gc_end(struct hv_agent *a); /* before the executor */

/* ---- gc_look.c: one look at everything that a plan is made of ---- */

struct hv_gc_look;

struct hv_gc_seen {
        struct hv_arena *arena; /* ends with the callback */
        struct hv_gc_rules rules;
        struct hv_gc_facts facts; /* is_collecting, has_results: the caller's */
};

/* `done` comes once, never from inside; err NULL: all was seen. Then the look is gone. */
struct hv_gc_look *hv_gc_look_new(struct hv_agent *a,
                                  void (*done)(void *userdata, struct hv_gc_seen *seen,
                                               const struct hv_err *err),
                                  void *userdata);
struct hv_gc_look *hv_gc_look_free(struct hv_gc_look *l); /* takes NULL, gives NULL */
