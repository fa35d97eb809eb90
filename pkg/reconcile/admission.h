/* reconcile/admission.h - who may start: requests against what is allocatable.
 *
 * Model    Pure arithmetic on values. The books are computed anew each time from what is alive: nothing is ever counted up
 *          or down, so nothing can be counted twice or forgotten.
 *
 *              allocatable = (limit, or what the machine has) - reserved, times overcommit
 *              for tasks   = allocatable - services: they are declared, so they never go by themselves
 *              free        = for tasks - tasks that are alive
 *
 *          What asks for more than there is for tasks would wait for ever: it never fits.
 *
 * Queue    by priority, then age. What does not fit keeps its place: what it asks for is set aside before anybody behind it
 *          is looked at. So a big task is not starved by small ones, and a small one still runs beside it where it takes
 *          nothing of what the big one waits for.
 */
#pragma once

#include "spec/task.h"

struct hv_room { /* of one node, or asked of it; 0 is nothing */
        uint64_t nano_cpus, memory_bytes, disk_bytes, gpu_memory_bytes;
        unsigned n_gpus, n_slots;
};

enum hv_resource {
        HV_RESOURCE_NONE,
        HV_RESOURCE_CPU,
        HV_RESOURCE_MEMORY,
        HV_RESOURCE_DISK,
        HV_RESOURCE_GPU,
        HV_RESOURCE_GPU_MEMORY,
        HV_RESOURCE_SLOTS,    /* tasks at the same time */
        HV_RESOURCE_PRESSURE, /* the machine itself runs short (pressure.h) */
        HV_RESOURCE_CPU_USE,  /* ... or is too busy */
        HV_RESOURCE_CONSENT,  /* somebody cordoned the node (orders.h) */
};

const char *hv_resource_name(enum hv_resource resource); /* "memory", "running tasks" */
bool hv_resource_is_of_machine(
        enum hv_resource resource); /* no matter of the books: nobody gets any for now */

struct hv_room_settings {
        struct hv_room limits;   /* 0: what the machine has; n_slots 0: as many as fit */
        struct hv_room reserved; /* for the host */
        unsigned overcommit_cpu_milli, overcommit_memory_milli; /* 1000 = as much as there is */
};

struct hv_room hv_room_allocatable(const struct hv_room *machine, const struct hv_room_settings *s);

/* What one task takes, its slot included. */
struct hv_room hv_room_of(const struct hv_booking *b);

void hv_room_add(struct hv_room *to, const struct hv_room *what);
/* Never below nothing. */
void hv_room_take(struct hv_room *from, const struct hv_room *what);

/* HV_RESOURCE_NONE when `what` fits into `room`, else what it lacks first. */
enum hv_resource hv_room_lacks(const struct hv_room *room, const struct hv_room *what);

/* "asks for 4 CPUs, 2.5 are left", into buf. */
#define HV_ROOM_TEXT_SIZE 160
#define HV_ROOM_FOR_TASKS "can be given to tasks on this node"
const char *hv_room_describe(enum hv_resource lacking, const struct hv_room *what, const struct hv_room *room,
                             const char *of, char buf[HV_ROOM_TEXT_SIZE]);
