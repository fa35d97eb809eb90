/* hivepool/schedule.h - which task goes to which node.
 *
 * Model    Pure. Tasks are served in their order (hv_schedule_before(): priority, then age); each goes to the best node that
 *          has room for it now. A task that fits nowhere lets those behind it pass: a large one waits until its room is free
 *          by itself, nothing is kept back for it.
 *          Best is: not the node that had the task last, then the higher trust group, then the node that is least full
 *          afterwards, then the first of the list. So the same inputs give the same plan.
 * Units    rooms in thousandths (processors, GPUs) and bytes.
 */
#pragma once

#include "base/macros.h"

enum hv_room_kind {
        HV_ROOM_CPU, /* thousandths */
        HV_ROOM_MEMORY,
        HV_ROOM_DISK,
        HV_ROOM_GPU, /* thousandths */
        HV_ROOM_GPU_MEMORY,
        HV_N_ROOMS
};

struct hv_room {
        uint64_t of[HV_N_ROOMS];
};

bool hv_room_fits(const struct hv_room *asked, const struct hv_room *total, const struct hv_room *taken);
void hv_room_add(struct hv_room *to, const struct hv_room *more);    /* stays at UINT64_MAX */
void hv_room_take(struct hv_room *from, const struct hv_room *less); /* stays at 0 */

enum hv_trust_group { HV_TRUST_LOW, HV_TRUST_MEDIUM, HV_TRUST_HIGH, HV_N_TRUST_GROUPS };

struct hv_schedule_task {
        struct hv_room asked;
        uint64_t needs; /* bits: what a node must have (a task type, a dialect, a kind of GPU) */
        enum hv_trust_group trust;
        int priority;  /* higher first */
        uint64_t seq;  /* age: lower first; of no two tasks the same */
        size_t had_it; /* number of the node that had it last, to be avoided; SIZE_MAX: none */
};

struct hv_schedule_node {
        struct hv_room total, taken;
        uint64_t has;
        enum hv_trust_group trust;
        unsigned n_tasks, max_tasks;
        bool is_open; /* it takes tasks now */
};

struct hv_schedule_assignment {
        size_t task, node;
};

/* a is served before b. */
bool hv_schedule_before(const struct hv_schedule_task *a, const struct hv_schedule_task *b);

/* `tasks` in their order. What is given is taken from the nodes' room. At most `max` are written, in the order of the
 * tasks; gives how many. */
size_t hv_schedule_run(const struct hv_schedule_task *const *tasks, size_t n_tasks,
                       struct hv_schedule_node *nodes, size_t n_nodes, struct hv_schedule_assignment *ret,
                       size_t max);
