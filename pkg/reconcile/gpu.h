/* reconcile/gpu.h - GPUs: which there are, who holds which.
 *
 *      inventory (NVML) --select--> books <--held-- containers, by their label; attempts and units that were given some
 *                                     |
 *                                     '--pick--> UUIDs for what is made next
 *
 * Model    Pure. An assignment is made when a task is admitted, or when a service's container is to be made, and stands on the
 *          container as a label: that is where it is read from after a restart of the agent, and what makes it hold.
 *          For a service that has no container yet one is set aside anew in each pass, in the order of names, but first for who
 *          had one until now: it stands nowhere, and an agent that is started anew must come to the same.
 *          exclusive: a GPU has one holder. shared: holders add up their gpuMemory; one that names none has it alone. What runs has what
 *          it was made with, which stands beside its GPUs, and not what its service wants by now.
 * Rules    Of those that fit the smallest is given, so that the large ones are left for who needs them. Who holds a GPU holds it
 *          until his end is certain. What is not known (the driver does not answer) takes nothing from anybody and gives nothing
 *          to anybody: what was known last stays.
 * Withheld an engine that gives no GPUs: there are none, for as long as it is that engine; who asks for some is told at admission.
 * Lost     a GPU that is gone from the inventory, or that the driver calls lost, or whose device a container may not use any more: a
 *          service's container is made anew, with the back-off of its restarts; an attempt at a task ends with nodeError.
 */
#pragma once

#include "reconcile/observed.h"

struct hv_arena;
struct hv_core;

struct hv_seen_gpu {
        const char *uuid, *name;
        uint64_t memory_bytes;
        bool is_whole; /* false: it is cut into instances, and never given away */
        bool works;    /* false: it is lost */
};

struct hv_seen_gpus {
        bool is_known; /* false: nobody can say now; `message` says why, and the rest does not count */
        const char *message;
        const char *withheld; /* why the engine gives a container none, known or not; NULL: it does */
        const struct hv_seen_gpu *v;
        size_t n;
};

/* One GPU for people. */
struct hv_gpu_status {
        const char *uuid, *name;
        uint64_t memory_bytes, held_bytes;
        bool works, is_given;       /* is_given: whole, one of resources.gpus.select, and not withheld */
        const char *const *holders; /* containers' names; holders[n_holders] is NULL */
        size_t n_holders;
};

struct hv_gpus_status {
        bool is_known;
        const char *message; /* why not; NULL: it is, or nobody looked yet */
        const struct hv_gpu_status *v;
        size_t n;
};

void hv_core_gpus(const struct hv_core *c, struct hv_arena *arena, struct hv_gpus_status *ret);
bool hv_core_gpus_are_known(const struct hv_core *c); /* or nobody will ever tell */

bool hv_gpu_is_selected(const struct hv_gpu_rules *rules, const char *uuid, const char *name,
                        uint64_t memory_bytes);
