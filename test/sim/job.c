/* job.c - see job.h. */
#include "sim/job.h"

#include <stdio.h>

#include "base/buf.h"
#include "sim/gpu.h"
#include "sim/sim.h"
#include "sim/workload.h"

#define MIB (UINT64_C(1) << 20)

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_TASKS, bound);
}

static bool chance(struct sim *s, unsigned permille) {
        return sim_chance(s, SIM_CHANCE_TASKS, permille);
}

struct sim_jobs *sim_jobs_new(struct sim *s) {
        return HV_ARENA_NEW(s->arena, struct sim_jobs);
}

void sim_jobs_done(struct sim_jobs *j) {
        for (size_t i = 0; i < j->known.n; i++)
                hv_task_unref(j->known.v[i]->task);
        hv_vec_done(&j->known);
}

const char *sim_job_name(unsigned index) {
        static const char *const names[SIM_N_JOBS] = { "backup", "index",  "primes",
                                                       "render", "report", "train" };

        return names[index];
}

const struct sim_known *sim_job_find(const struct sim *s, const char *id) {
        for (size_t i = 0; i < s->jobs->known.n; i++)
                if (hv_streq(s->jobs->known.v[i]->task->id, id))
                        return s->jobs->known.v[i];
        return NULL;
}

struct sim_job sim_job_draw(struct sim *s, unsigned index) {
        static const uint64_t timeouts_us[] = { HV_TIME_NEVER, HV_TIME_NEVER, 20 * HV_USEC_PER_SEC,
                                                2 * HV_USEC_PER_MIN, 5 * HV_USEC_PER_MIN };
        static const uint64_t waits_us[] = { HV_TIME_NEVER, 20 * HV_USEC_PER_SEC, 5 * HV_USEC_PER_MIN };
        static const uint64_t pauses_us[] = { HV_USEC_PER_SEC, 10 * HV_USEC_PER_SEC, HV_USEC_PER_MIN };
        static const unsigned shares[] = { 0, 0, 200, 900 };

        struct sim_job j;

        j = (struct sim_job){
                .there = true,
                .variant = (unsigned) below(s, 4),
                .image = (unsigned) below(s, SIM_N_IMAGES),
                .memory = 1 + (unsigned) below(s, chance(s, 200) ? 20 : 8),
                .cpus = 1 + (unsigned) below(s, 4),
                .disk = (unsigned) below(s, 4),
                .priority = chance(s, 500) ? 50 : 10 * (unsigned) below(s, 11),
                .timeout_us = timeouts_us[below(s, HV_ARRAY_SIZE(timeouts_us))],
                .wait_us = waits_us[below(s, HV_ARRAY_SIZE(waits_us))],
                .retry_backoff_us = pauses_us[below(s, HV_ARRAY_SIZE(pauses_us))],
                .stop_grace_us = HV_USEC_PER_SEC + below(s, 10) * HV_USEC_PER_SEC,
                .retry_limit = (unsigned) below(s, 4),
                .retry_on = (unsigned) below(s, 16),
                .retry_code = chance(s, 200) ? 3 : 0,
                .checkpoint_code = chance(s, 300) ? 85 : -1,
                .services = chance(s, 150) ? 1u << below(s, SIM_N_SERVICES) : 0,
                .jobs = index > 0 && index < SIM_N_JOBS && chance(s, 250) ? 1u << below(s, index) : 0,
                .pull_policy = chance(s, 100) ? HV_PULL_ALWAYS : HV_PULL_MISSING,
                .run_us = sim_span(s, SIM_CHANCE_TASKS, 2 * HV_USEC_PER_MSEC, 3 * HV_USEC_PER_MIN),
                .fails = shares[below(s, HV_ARRAY_SIZE(shares))],
                .ooms = shares[below(s, HV_ARRAY_SIZE(shares))] / 3,
                .checkpoints = 400,
                .endless = chance(s, 60),
                .packages = chance(s, 250),
        };
        sim_gpus_draw_task(s, &j.gpus, &j.gpu_memory);
        return j;
}

/* ---- lowering ---- */

static void depend(const struct sim_model *m, const struct sim_job *j, struct hv_arena *a, struct hv_unit *u,
                   struct hv_buf *text) {
        struct hv_dependency *d = HV_ARENA_NEW_N(a, struct hv_dependency, SIM_N_SERVICES + SIM_N_JOBS);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                if (j->services & 1u << i && m->services[i].there)
                        d[n++] = (struct hv_dependency){ HV_KIND_SERVICE, sim_service_name(i),
                                                         HV_WANT_STARTED };
        for (unsigned i = 0; i < SIM_N_JOBS; i++)
                if (j->jobs & 1u << i && m->jobs[i].there)
                        d[n++] = (struct hv_dependency){ HV_KIND_TASK, sim_job_name(i), HV_WANT_COMPLETED };
        for (size_t i = 0; i < n; i++)
                hv_buf_printf(text, "after %s\n", d[i].name);
        u->depends_on = d;
        u->n_depends_on = n;
}

static void write_job(const struct sim_job *j, const char *name, struct hv_buf *text) {
        hv_buf_printf(text,
                      "task %s %u image %u memory %u cpus %u disk %u priority %u timeout %" PRIu64
                      " wait %" PRIu64 " backoff %" PRIu64 " grace %" PRIu64
                      " retry %u %u %u checkpoint %d pull %d packages %d\n",
                      name, j->variant, j->image, j->memory, j->cpus, j->disk, j->priority, j->timeout_us,
                      j->wait_us, j->retry_backoff_us, j->stop_grace_us, j->retry_limit, j->retry_on,
                      j->retry_code, j->checkpoint_code, j->pull_policy, j->packages);
        if (j->gpus)
                hv_buf_printf(text, "gpus %u of %u\n", j->gpus, j->gpu_memory);
}

static void lower(const struct sim_job *j, struct hv_task *t) {
        static const struct hv_backoff_spec backoff = { .initial_us = HV_USEC_PER_SEC,
                                                        .max_us = 20 * HV_USEC_PER_SEC,
                                                        .reset_after_us = HV_USEC_PER_MIN,
                                                        .factor_milli = 2000 };
        uint8_t *codes = HV_ARENA_NEW_N(t->arena, uint8_t, 1);

        codes[0] = (uint8_t) j->retry_code;
        t->document = "{}";
        t->timeout_us = j->timeout_us;
        t->retry_limit = j->retry_limit;
        t->retry_on = j->retry_on;
        t->retry_backoff_us = j->retry_backoff_us;
        t->retry_codes = codes;
        t->n_retry_codes = j->retry_code != 0;
        t->checkpoint_code = j->checkpoint_code;
        t->booking = (struct hv_booking){ .nano_cpus = j->cpus * UINT64_C(500000000),
                                          .memory_bytes = j->memory * 256 * MIB,
                                          .disk_bytes = j->disk * 1024 * MIB,
                                          .n_gpus = j->gpus,
                                          .gpu_memory_bytes = j->gpu_memory * 1024 * MIB };
        if (j->packages)
                t->packages = (struct hv_task_packages){ .requirements = "numpy\n",
                                                         .wheels = "/srv/wheels",
                                                         .network = "none" };
        t->priority = j->priority;
        t->wait_for_resources_us = j->wait_us;
        t->unit = (struct hv_unit){
                .kind = HV_KIND_TASK,
                .object = t->id,
                .replica = 1,
                .key = hv_arena_printf(t->arena, "task/%s/1", t->id),
                .container = hv_arena_printf(t->arena, "task-%s", t->id),
                .image = sim_image_name(j->image),
                .pull_policy = j->pull_policy,
                .n_gpus = j->gpus,
                .gpu_memory_bytes = j->gpu_memory * 1024 * MIB,
                .network_mode = "none",
                .limits = { .memory_bytes = t->booking.memory_bytes,
                            .nano_cpus = t->booking.nano_cpus,
                            .pids = 1024 },
                .stop_signal = "SIGTERM",
                .stop_grace_us = j->stop_grace_us,
                .restart = HV_RESTART_NEVER,
                .backoff = backoff,
        };
}

struct hv_task *sim_job_task(struct sim *s, const struct sim_model *m, const struct sim_job *job,
                             const char *name, const char *id, enum hv_task_source source) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_arena *a = hv_arena_new();
        struct hv_task *t = HV_ARENA_NEW(a, struct hv_task);
        const struct sim_known *known;
        struct hv_unit wants = {};
        struct sim_known *k;

        t->arena = a;
        t->n_refs = 1;
        t->source = source;
        t->name = hv_arena_strdup(a, name);
        write_job(job, name, &text);
        depend(m, job, a, &wants, &text);
        hv_sha256_hex(text.data, text.len, t->digest);
        t->id = id ? hv_arena_strdup(a, id) : hv_arena_printf(a, "%s-%.8s", name, t->digest);
        known = sim_job_find(s, t->id);
        if (known) {
                hv_task_unref(t);
                return known->task;
        }
        lower(job, t);
        t->unit.depends_on = wants.depends_on;
        t->unit.n_depends_on = wants.n_depends_on;
        memcpy(t->unit.digest, t->digest, sizeof t->unit.digest);
        k = HV_ARENA_NEW(s->arena, struct sim_known);
        k->task = t;
        k->job = *job;
        hv_vec_push(&s->jobs->known, k);
        return t;
}
