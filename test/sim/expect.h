/* expect.h - how the ground truth differs from a revision, judged without the core.
 *
 * Model    Every difference has a name and says two things: whether the present core could know of it (it was told,
 * by an event or by a look that it asked for late enough), and whether something outside keeps it so (a stranger
 * holds the name, say): then the fixed point is to wait and to say why.
 */
#pragma once

#include "reconcile/core.h"

struct sim;
struct sim_container;

#define SIM_MAX_DIFFERENCES 32

struct sim_difference {
        char what[160];
        bool known, excused;
        bool hidden; /* no routine list shows it: limits, restart policy and exit code take an inspect, what nobody knows
                      * of and nobody wants a list of everything; both come round every tenth resync at the latest */
};

struct sim_differences {
        struct sim_difference v[SIM_MAX_DIFFERENCES];
        unsigned n, n_unexcused, n_unexcused_shown; /* shown: not hidden */
};

void sim_compare(struct sim *s, const struct hv_desired *d, struct sim_differences *ret);

/* The guard, computed from the ground truth: how many declared objects of ours exist while `before` (or nothing) is
 * active, and how many of them d leaves out. */
void sim_count_removals(struct sim *s, const struct hv_desired *before, const struct hv_desired *d,
                        unsigned *ret_existing, unsigned *ret_removed);

/* An engine cannot do that in place: the container must be made anew. */
bool sim_limit_is_taken_away(const struct hv_limits *now, const struct hv_limits *wanted);
/* That, or this engine changes nothing in place. */
bool sim_limits_need_new_container(const struct sim *s, const struct hv_limits *now,
                                   const struct hv_limits *wanted);

/* What it would wait for if it were stopped and started, and the core knows that; NULL: nothing. */
const char *sim_start_waits_for(const struct sim *s, const struct hv_unit *u, const struct sim_container *k);

/* The core was told everything there is about objects of ours. */
bool sim_all_is_known(struct sim *s);
