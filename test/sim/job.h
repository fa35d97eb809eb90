/* job.h - what tasks are wanted: a small model of one, and its lowered form.
 *
 * Model    As workload.h for services: a job is a few numbers, and the same numbers give the same task, id and digest. Jobs
 * stand in the model of the document, or are handed in by somebody (desk.h). Every task that was ever made is known by its
 * id until the run ends, together with how its containers behave: the core's documents do not say that.
 */
#pragma once

#include "base/vec.h"
#include "spec/task.h"

struct sim;
struct sim_model;

#define SIM_N_JOBS 6

struct sim_job {
        bool there;
        unsigned variant, image;
        unsigned memory, cpus, disk; /* of 256 MiB, of half a CPU, of 1 GiB */
        unsigned priority;
        uint64_t timeout_us, wait_us, retry_backoff_us, stop_grace_us; /* HV_TIME_NEVER: none */
        unsigned retry_limit, retry_on, retry_code;                    /* retry_code 0: every one */
        int checkpoint_code;
        unsigned services, jobs; /* bits: what it depends on */
        enum hv_pull_policy pull_policy;
        bool packages;             /* needs Python packages */
        unsigned gpus, gpu_memory; /* gpu_memory: of 1 GiB */

        /* how it behaves, which no document says */
        uint64_t run_us;
        unsigned fails, ooms, checkpoints; /* permille of its attempts */
        bool endless;
};

struct sim_known {
        struct hv_task *task; /* one reference */
        struct sim_job job;
};

struct sim_jobs {
        HV_VEC(struct sim_known *) known;
        unsigned n_submitted;
};

struct sim_jobs *sim_jobs_new(struct sim *s);
void sim_jobs_done(struct sim_jobs *j);

struct sim_job sim_job_draw(struct sim *s,
                            unsigned index); /* index: of a declared one, SIM_N_JOBS for others */
const char *sim_job_name(unsigned index);
const struct sim_known *sim_job_find(const struct sim *s, const char *id); /* NULL: never made */

/* The task of a job, known from now on; borrowed. id NULL: <name>-<digest8>, as for a document in a file. `m`: whose
 * services and jobs it may depend on; what is not there is left out, as a validator demands. */
struct hv_task *sim_job_task(struct sim *s, const struct sim_model *m, const struct sim_job *job,
                             const char *name, const char *id, enum hv_task_source source);
