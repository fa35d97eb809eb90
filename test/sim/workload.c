/* workload.c - see workload.h. */
#include "sim/workload.h"

#include <stdio.h>

#include "sim/desire.h"
#include "sim/desk.h"
#include "sim/gpu.h"
#include "sim/pressure.h"
#include "sim/scenario.h"
#include "sim/sim.h"
#include "sim/truth.h"

const char *sim_service_name(unsigned i) {
        static const char *const names[SIM_N_SERVICES] = { "api",  "auth", "cache", "cron",  "db", "job",
                                                           "logs", "mail", "proxy", "queue", "ui", "web" };
        return names[i];
}

const char *sim_network_name(unsigned i) {
        static const char *const names[SIM_N_NETWORKS] = { "backend", "front", "hivemind", "mesh" };
        return names[i];
}

const char *sim_volume_name(unsigned i) {
        static const char *const names[SIM_N_VOLUMES] = { "data", "keys", "mail", "spool" };
        return names[i];
}

unsigned sim_volume_index(const char *name) {
        unsigned i = 0;

        while (i < SIM_N_VOLUMES && !hv_streq(sim_volume_name(i), name))
                i++;
        return i;
}

const char *sim_image_name(unsigned i) {
        static const char *const names[SIM_N_IMAGES] = {
                "docker.io/library/app:1",          "docker.io/library/app:2",
                "docker.io/library/redis:7",        "docker.io/library/busybox:1",
                "registry.example.org/team/tool:3",
        };
        return names[i];
}

const char *sim_older_digest(void) {
        return "0000000000000000000000000000000000000000000000000000000000000001";
}

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_WORKLOAD, bound);
}

static bool chance(struct sim *s, unsigned permille) {
        return sim_chance(s, SIM_CHANCE_WORKLOAD, permille);
}

static struct hv_limits draw_limits(struct sim *s) {
        return (struct hv_limits){
                .memory_bytes = below(s, 3) * (UINT64_C(64) << 20),
                .nano_cpus = below(s, 3) * 500000000,
                .pids = 1024 * below(s, 2),
        };
}

/* A volume must be declared by whoever mounts it; a network need not. */
static void declare_volumes(struct sim_model *m) {
        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                for (unsigned v = 0; m->services[i].there && v < SIM_N_VOLUMES; v++)
                        if (m->services[i].volumes & 1u << v)
                                m->volumes[v].there = true;
}

static void draw_service(struct sim *s, unsigned i) {
        static const uint64_t graces_us[] = { HV_USEC_PER_SEC, 10 * HV_USEC_PER_SEC, 30 * HV_USEC_PER_SEC };
        struct sim_service *v = &s->workload->now.services[i];

        *v = (struct sim_service){
                .there = true,
                .replicas = chance(s, 700) ? 1 : 1 + (unsigned) below(s, s->workload->max_replicas),
                .image = (unsigned) below(s, SIM_N_IMAGES),
                .command = (unsigned) below(s, 3),
                .limits = draw_limits(s),
                .networks = chance(s, 500) ? (unsigned) below(s, 1u << SIM_N_NETWORKS) : 0,
                .volumes = chance(s, 300) ? 1u << below(s, SIM_N_VOLUMES) : 0,
                /* Only on services before it: no cycle, as the validator demands. */
                .depends_on =
                        chance(s, 400) ? (unsigned) below(s, 1u << i) & (unsigned) below(s, 1u << i) : 0,
                .condition = chance(s, 500) ? HV_WANT_STARTED : HV_WANT_READY,
                .pull_policy = chance(s, 150) ? HV_PULL_ALWAYS : HV_PULL_MISSING,
                .restart = chance(s, 700)   ? HV_RESTART_ALWAYS
                           : chance(s, 500) ? HV_RESTART_ON_FAILURE
                                            : HV_RESTART_NEVER,
                .backoff = (unsigned) below(s, sim_n_backoffs()),
                .stop_grace_us = graces_us[below(s, HV_ARRAY_SIZE(graces_us))],
                .adopt = chance(s, 50),
        };
        sim_gpus_draw_service(s, &s->workload->now.services[i].gpus,
                              &s->workload->now.services[i].gpu_memory);
}

static void draw_settings(struct sim *s) {
        static const uint64_t resyncs_us[] = { 30 * HV_USEC_PER_SEC, HV_USEC_PER_MIN, 5 * HV_USEC_PER_MIN };
        static const unsigned prunes[] = { 0, 30, 50, 50, 100 };

        s->workload->now.settings = (struct hv_settings){
                .node_id = "node-1",
                .node_name = "node-1",
                .docker_enabled = true,
                .resync_us = resyncs_us[below(s, HV_ARRAY_SIZE(resyncs_us))],
                .jitter_percent = 10,
                .workers = 1 + (unsigned) below(s, 6),
                .call_timeout_us = 20 * HV_USEC_PER_SEC,
                .max_prune_percent = prunes[below(s, HV_ARRAY_SIZE(prunes))],
                .allow_empty = chance(s, 200),
                .keep_revisions = 10,
                .parallel_pulls = 1 + (unsigned) below(s, 3),
                .pull_retries = 8,
                .pull_stall_us = 90 * HV_USEC_PER_SEC,
                .slice = "hivelet.slice",
                .http_listen = "127.0.0.1:5000",
                .log = { .level = "info" },
                .shutdown_grace_us = 30 * HV_USEC_PER_SEC,
                .pressure = sim_pressure_rules(),
                .gpus = { .is_shared = s->gpus->is_shared },
                .trust = { .success = 2, .failure = -5, .high = 80, .medium = 50, .count_task_faults = true },
        };
        if (sim_chance(s, SIM_CHANCE_TASKS, 500))
                return;
        s->workload->now.settings.max_concurrent_tasks = (unsigned) sim_below(s, SIM_CHANCE_TASKS, 4);
        s->workload->now.settings.reserved.memory_bytes = sim_below(s, SIM_CHANCE_TASKS, 4) << 29;
        s->workload->now.settings.limits.nano_cpus = sim_below(s, SIM_CHANCE_TASKS, 5) * UINT64_C(1000000000);
        s->workload->now.settings.overcommit_cpu_milli =
                1000 + 500 * (unsigned) sim_below(s, SIM_CHANCE_TASKS, 3);
}

static void build(struct sim *s) {
        struct sim_workload *w = s->workload;
        struct hv_desired *d, *known;

        declare_volumes(&w->now);
        d = sim_lower(s, &w->now);
        hv_desired_unref(w->source);
        w->source = d;
        known = sim_workload_find(w, d->revision);
        if (!known)
                hv_vec_push(&w->offered, hv_desired_ref(d));
}

struct sim_workload *sim_workload_new(struct sim *s) {
        struct sim_workload *w = s->workload = HV_ARENA_NEW(s->arena, struct sim_workload);
        unsigned limit =
                (unsigned) sim_between(s, SIM_CHANCE_SWARM, 2, SIM_N_SERVICES) >> s->config->workload_shift;

        w->n_services = HV_MAX(limit, 1u);
        w->max_replicas =
                HV_MAX((unsigned) sim_between(s, SIM_CHANCE_SWARM, 2, 5) >> s->config->workload_shift, 1u);
        draw_settings(s);
        for (unsigned i = 0; i < w->n_services; i++)
                if (chance(s, 600))
                        draw_service(s, i);
        for (unsigned i = 0; i < SIM_N_NETWORKS; i++)
                w->now.networks[i] =
                        (struct sim_wanted_network){ .there = chance(s, 300), .use_foreign = chance(s, 200) };
        for (unsigned i = 0; i < SIM_N_VOLUMES; i++)
                w->now.volumes[i] = (struct sim_wanted_volume){ .there = chance(s, 200),
                                                                .reclaim_delete = chance(s, 500) };
        for (unsigned i = 0; i < (unsigned) SIM_N_JOBS >> s->config->workload_shift && s->desk->wants_tasks;
             i++)
                if (sim_chance(s, SIM_CHANCE_TASKS, 300))
                        w->now.jobs[i] = sim_job_draw(s, i);
        for (unsigned i = 0; i < s->crons->n && s->crons->wanted; i++)
                if (sim_chance(s, SIM_CHANCE_CRON, 700))
                        w->now.crons[i] = sim_cron_draw(s);
        if (s->config->scenario) {
                w->now = (struct sim_model){ .settings = w->now.settings };
                sim_scenario_wish(s);
        }
        w->before = w->now;
        build(s);
        return w;
}

void sim_workload_leave_out(struct sim *s, unsigned job) {
        s->workload->now.jobs[job].there = false;
        build(s);
}

bool sim_workload_has_crons(const struct sim *s) {
        bool any = false;

        for (unsigned i = 0; i < SIM_N_CRONS; i++)
                any |= s->workload->now.crons[i].there;
        return any;
}

void sim_workload_leave_out_crons(struct sim *s) {
        memset(s->workload->now.crons, 0, sizeof s->workload->now.crons);
        build(s);
}

void sim_workload_done(struct sim_workload *w) {
        hv_desired_unref(w->source);
        for (size_t i = 0; i < w->offered.n; i++)
                hv_desired_unref(w->offered.v[i]);
        hv_vec_done(&w->offered);
}

struct hv_desired *sim_workload_find(const struct sim_workload *w, const char *revision) {
        for (size_t i = 0; i < w->offered.n; i++)
                if (hv_streq(w->offered.v[i]->revision, revision))
                        return w->offered.v[i];
        return NULL;
}

/* ---- steps ---- */

/* A service that is there; NULL: none. */
static struct sim_service *any_service(struct sim *s, unsigned *ret_index) {
        struct sim_workload *w = s->workload;
        unsigned first = (unsigned) below(s, w->n_services);

        for (unsigned i = 0; i < w->n_services; i++) {
                *ret_index = (first + i) % w->n_services;
                if (w->now.services[*ret_index].there)
                        return &w->now.services[*ret_index];
        }
        return NULL;
}

static const char *step_in_service(struct sim *s) {
        unsigned i;
        struct sim_service *v = any_service(s, &i);

        if (!v) {
                draw_service(s, (unsigned) below(s, s->workload->n_services));
                return "first service added";
        }
        switch (below(s, 10)) {
        case 0:
                v->image = (v->image + 1) % SIM_N_IMAGES;
                return "image changed";
        case 1:
                v->command++;
                return "command changed";
        case 2:
        case 3:
                v->limits = draw_limits(s);
                return "limits changed";
        case 4:
                v->replicas = 1 + (unsigned) below(s, s->workload->max_replicas);
                return "replicas changed";
        case 5:
                v->networks = (unsigned) below(s, 1u << SIM_N_NETWORKS);
                return "networks of a service changed";
        case 6:
                v->volumes ^= 1u << below(s, SIM_N_VOLUMES);
                return "volumes of a service changed";
        case 7:
                v->depends_on = (unsigned) below(s, 1u << i);
                return "dependencies changed";
        case 8:
                v->restart = (enum hv_restart_policy) below(s, 3);
                v->backoff = (unsigned) below(s, sim_n_backoffs());
                return "restart policy changed";
        default:
                v->there = false;
                return "service removed";
        }
}

/* Who has GPUs is to have another part of them, to make room for one more. */
static const char *step_in_shares(struct sim *s) {
        unsigned more = (unsigned) below(s, s->workload->n_services);
        struct sim_service *v = s->workload->now.services;

        for (unsigned i = 0; i < s->workload->n_services; i++)
                if (v[i].there && v[i].gpus)
                        v[i].gpu_memory = sim_gpus_draw_share(s);
        if (!v[more].there)
                draw_service(s, more);
        if (!v[more].gpus) {
                v[more].gpus = 1;
                v[more].gpu_memory = sim_gpus_draw_share(s);
        }
        return "shares of GPUs changed";
}

static const char *step_in_networks(struct sim *s) {
        struct sim_wanted_network *n = &s->workload->now.networks[below(s, SIM_N_NETWORKS)];

        if (!n->there || chance(s, 300)) {
                n->there = !n->there;
                return n->there ? "network declared" : "network left out";
        }
        n->variant++;
        return "network changed";
}

static const char *step_in_volumes(struct sim *s) {
        struct sim_wanted_volume *v = &s->workload->now.volumes[below(s, SIM_N_VOLUMES)];

        if (chance(s, 200)) {
                v->variant++;
                return "volume changed";
        }
        if (chance(s, 400)) {
                v->reclaim_delete = !v->reclaim_delete;
                return "reclaim of a volume changed";
        }
        v->there = !v->there;
        return v->there ? "volume declared" : "volume left out";
}

/* Leaves out most of what is there: what the guard is for. */
static const char *step_prune(struct sim *s, unsigned permille_kept) {
        struct sim_model *m = &s->workload->now;

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                m->services[i].there = m->services[i].there && chance(s, permille_kept);
        for (unsigned i = 0; i < SIM_N_NETWORKS; i++)
                m->networks[i].there = m->networks[i].there && chance(s, permille_kept);
        for (unsigned i = 0; i < SIM_N_VOLUMES; i++)
                m->volumes[i].there = m->volumes[i].there && chance(s, permille_kept);
        for (unsigned i = 0; i < SIM_N_JOBS; i++)
                m->jobs[i].there = m->jobs[i].there && sim_chance(s, SIM_CHANCE_TASKS, permille_kept);
        return permille_kept ? "most left out" : "emptied";
}

static const char *step_in_jobs(struct sim *s) {
        unsigned i = (unsigned) sim_below(s, SIM_CHANCE_TASKS, SIM_N_JOBS);
        struct sim_job *j = &s->workload->now.jobs[i];

        if (j->there && sim_chance(s, SIM_CHANCE_TASKS, 400)) {
                j->there = false;
                return "job left out";
        }
        *j = sim_job_draw(s, i);
        return "job wanted";
}

static const char *step_in_crons(struct sim *s) {
        struct sim_cron *c = &s->workload->now.crons[sim_below(s, SIM_CHANCE_CRON, s->crons->n)];

        if (c->there && sim_chance(s, SIM_CHANCE_CRON, 300)) {
                c->there = false;
                return "cron task left out";
        }
        *c = sim_cron_draw(s);
        return "cron task wanted";
}

static const char *change(struct sim *s) {
        struct sim_workload *w = s->workload;
        struct sim_model kept = w->now;
        uint64_t choice = below(s, 100);

        if (s->desk->wants_tasks && sim_chance(s, SIM_CHANCE_TASKS, 350))
                return step_in_jobs(s);
        if (s->crons->wanted && sim_chance(s, SIM_CHANCE_CRON, 250))
                return step_in_crons(s);
        if (sim_gpus_want_share(s))
                return step_in_shares(s);
        if (choice < 45)
                return step_in_service(s);
        if (choice < 65) {
                unsigned i = (unsigned) below(s, w->n_services);
                bool there = w->now.services[i].there;

                draw_service(s, i);
                return there ? "service replaced" : "service added";
        }
        if (choice < 73)
                return step_in_networks(s);
        if (choice < 80)
                return step_in_volumes(s);
        if (choice < 86)
                return step_prune(s, 200);
        if (choice < 88)
                return step_prune(s, 0);
        if (choice < 96) {
                w->now = w->before;
                w->before = kept;
                return "taken back";
        }
        draw_settings(s);
        return "settings changed";
}

const char *sim_workload_step(struct sim *s) {
        struct sim_model kept = s->workload->now;
        const char *what = change(s);

        if (!hv_streq(what, "taken back"))
                s->workload->before = kept;
        build(s);
        return what;
}
