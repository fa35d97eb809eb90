/* workload.h - what the operator wants, and how he changes his mind.
 *
 * Model    A small model of a document (services, networks, volumes, settings) that steps change; each step builds
 * a revision: a struct hv_desired as the loader would lower it, sorted, with digests over the fields whose change
 * needs a new object. The same model gives the same revision, byte for byte.
 */
#pragma once

#include "base/vec.h"
#include "reconcile/core.h"
#include "sim/cron.h"
#include "sim/job.h"

struct sim;

#define SIM_N_SERVICES 12
#define SIM_N_NETWORKS 4
#define SIM_N_VOLUMES 4
#define SIM_N_IMAGES 5

struct sim_service {
        bool there;
        unsigned replicas, image, command;
        struct hv_limits limits;
        unsigned networks, volumes, depends_on; /* bits */
        enum hv_condition_wanted condition;
        enum hv_pull_policy pull_policy;
        enum hv_restart_policy restart;
        unsigned backoff; /* index of a schedule */
        uint64_t stop_grace_us;
        bool adopt;
        unsigned gpus, gpu_memory; /* gpu_memory: of 1 GiB */
};

struct sim_wanted_network {
        bool there;       /* declared; one that is only joined is implicit */
        unsigned variant; /* another one: another digest */
        bool use_foreign;
};

struct sim_wanted_volume {
        bool there, reclaim_delete;
        unsigned variant;
};

struct sim_model {
        struct sim_service services[SIM_N_SERVICES];
        struct sim_wanted_network networks[SIM_N_NETWORKS];
        struct sim_wanted_volume volumes[SIM_N_VOLUMES];
        struct sim_job jobs[SIM_N_JOBS];
        struct sim_cron crons[SIM_N_CRONS];
        struct hv_settings settings;
};

struct sim_workload {
        struct sim_model now, before;
        unsigned n_services; /* of SIM_N_SERVICES, how many this seed uses */
        unsigned max_replicas;
        struct hv_desired *source;           /* what the files say now; owned */
        HV_VEC(struct hv_desired *) offered; /* every revision once; owned */
};

struct sim_workload *sim_workload_new(struct sim *s); /* draws the first model and builds its revision */
void sim_workload_done(struct sim_workload *w);

/* Changes the model somehow and builds the revision; `what` says how, for the trace. */
const char *sim_workload_step(struct sim *s);
void sim_workload_leave_out(struct sim *s, unsigned job);
void sim_workload_leave_out_crons(struct sim *s);
bool sim_workload_has_crons(const struct sim *s);

struct hv_desired *sim_workload_find(const struct sim_workload *w, const char *revision);
const char *sim_service_name(unsigned i);
const char *sim_network_name(unsigned i);
const char *sim_volume_name(unsigned i);
const char *sim_image_name(unsigned i);
unsigned sim_volume_index(const char *name); /* SIM_N_VOLUMES: none of ours */

/* Digest of an object that an older version of the same thing would carry. */
const char *sim_older_digest(void);

/* The longest wait between two tries that the revision allows for. */
uint64_t sim_longest_backoff_us(const struct hv_desired *d);
