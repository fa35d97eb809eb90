/* gpu.h - the GPUs of the simulated machine: which there are, what the core is told of them, and what it may do with them.
 *
 * Model    One history in five has some, exclusive or shared. They fall off their bus, come back, are taken out, are replaced by others;
 *          the driver answers nothing for a while; a container may not use its own any more (SIM_FAULT_GPU). At the end all work.
 *
 *      G1    at each start of hivelet's: what runs holds as many GPUs as it asked for, each of them alone or within its memory
 *      G2    nobody who asks for GPUs is admitted while the driver does not answer
 *      G3    an attempt is evicted for a GPU only when one of its own was lost; at the fixed point what runs has GPUs that work, and
 *            status tells of the same
 */
#pragma once

#include "base/vec.h"
#include "reconcile/gpu.h"

struct hv_desired;
struct hv_unit;
struct sim;
struct sim_container;

#define SIM_N_GPUS 4

struct sim_gpu {
        const char *uuid;
        uint64_t memory_bytes;
        bool is_there, works;
};

struct sim_gpus {
        bool wanted, is_shared;
        bool services_want; /* else they are all for tasks */
        bool answers;       /* the driver */
        bool was_told;      /* the present core, by a driver that answers */
        unsigned n, n_made;
        struct sim_gpu v[SIM_N_GPUS];
        HV_VEC(const char *) lost; /* UUIDs that ever were */
};

struct sim_gpus *sim_gpus_new(struct sim *s);
void sim_gpus_done(struct sim_gpus *g);
/* How many GPUs it wants, and of how much memory; where nothing is written it wants none. */
void sim_gpus_draw_service(struct sim *s, unsigned *ret_n, unsigned *ret_memory_gib);
/* Services share GPUs, and it is time that their shares change. */
bool sim_gpus_want_share(struct sim *s);
unsigned sim_gpus_draw_share(struct sim *s); /* GiB; 0: all of it */
void sim_gpus_draw_task(struct sim *s, unsigned *ret_n, unsigned *ret_memory_gib);
void sim_gpus_agent_starts(struct sim *s);
void sim_gpus_change(struct sim *s); /* something happens to one, or to the driver */
void sim_gpus_heal(struct sim *s);

void sim_gpus_started(struct sim *s, const struct sim_container *k); /* by hivelet */
void sim_gpus_admitted(struct sim *s, const char *id);
void sim_gpus_evicted(struct sim *s, const char *id, unsigned attempt);
/* What is wrong with the GPUs of what runs at the fixed point; NULL: nothing. `told`: what status says. */
const char *sim_gpus_judge(struct sim *s, const struct sim_container *k, const char *told);
/* One of its own is another's as well. */
bool sim_gpus_are_anothers(const struct sim *s, const struct sim_container *k);
/* One of its own was taken from it. */
bool sim_gpus_were_lost(const struct sim *s, const struct sim_container *k);
/* A service's unit may be waiting for those that others hold. */
bool sim_gpus_may_lack(struct sim *s, const struct hv_desired *d, const struct hv_unit *u);
/* So many with so much memory are free, and nobody's. Exclusive ones only: of shared ones it is not asked. */
bool sim_gpus_are_free(const struct sim *s, unsigned n, uint64_t memory_bytes);
