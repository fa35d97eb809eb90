/* desire.c - lowers the model of a document to a struct hv_desired; see workload.h. */
#include "sim/desire.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "sim/sim.h"
#include "sim/truth.h"

static const struct hv_backoff_spec backoffs[] = {
        { .initial_us = HV_USEC_PER_SEC,
          .max_us = 2 * HV_USEC_PER_MIN,
          .reset_after_us = 10 * HV_USEC_PER_MIN,
          .factor_milli = 2000 },
        { .initial_us = 100 * HV_USEC_PER_MSEC,
          .max_us = 10 * HV_USEC_PER_SEC,
          .reset_after_us = HV_USEC_PER_MIN,
          .factor_milli = 1500 },
        { .initial_us = 5 * HV_USEC_PER_SEC,
          .max_us = HV_USEC_PER_MIN,
          .reset_after_us = 2 * HV_USEC_PER_MIN,
          .factor_milli = 3000 },
};

/* One document on its way to its lowered form. */
struct lowering {
        const struct sim_model *model;
        struct hv_arena *arena;
        struct hv_desired *d;
        unsigned joined;    /* bits of networks that some service joins */
        struct hv_buf text; /* everything, for the revision */
};

/* The digest of what was written since `from`. */
static void digest_since(const struct lowering *l, size_t from, char ret[HV_SHA256_HEX_SIZE]) {
        hv_sha256_hex(l->text.data + from, l->text.len - from, ret);
}

static const struct hv_unit_network *lower_joins(struct lowering *l, unsigned bits, size_t *ret_n) {
        struct hv_unit_network *v = HV_ARENA_NEW_N(l->arena, struct hv_unit_network, SIM_N_NETWORKS);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_NETWORKS; i++)
                if (bits & 1u << i)
                        v[n++].name = sim_network_name(i);
        *ret_n = n;
        return v;
}

static const struct hv_mount *lower_mounts(struct lowering *l, unsigned bits, size_t *ret_n) {
        struct hv_mount *v = HV_ARENA_NEW_N(l->arena, struct hv_mount, SIM_N_VOLUMES);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_VOLUMES; i++)
                if (bits & 1u << i)
                        v[n++] = (struct hv_mount){
                                .type = HV_MOUNT_VOLUME,
                                .source = sim_volume_name(i),
                                .target = hv_arena_printf(l->arena, "/%s", sim_volume_name(i)),
                        };
        *ret_n = n;
        return v;
}

static const struct hv_dependency *lower_dependencies(struct lowering *l, const struct sim_service *v,
                                                      size_t *ret_n) {
        struct hv_dependency *d = HV_ARENA_NEW_N(l->arena, struct hv_dependency, SIM_N_SERVICES);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                if (v->depends_on & 1u << i && l->model->services[i].there)
                        d[n++] = (struct hv_dependency){ HV_KIND_SERVICE, sim_service_name(i), v->condition };
        *ret_n = n;
        return d;
}

static void lower_unit(struct lowering *l, unsigned service, unsigned replica, struct hv_unit *ret) {
        const struct sim_service *v = &l->model->services[service];
        const char *name = sim_service_name(service);
        size_t from = l->text.len;

        *ret = (struct hv_unit){
                .kind = HV_KIND_SERVICE,
                .object = name,
                .replica = replica,
                .key = hv_arena_printf(l->arena, "service/%s/%u", name, replica),
                .container = replica == 1 ? hv_arena_printf(l->arena, "hive-%s", name)
                                          : hv_arena_printf(l->arena, "hive-%s-%u", name, replica),
                .image = sim_image_name(v->image),
                .pull_policy = v->pull_policy,
                .limits = v->limits,
                .stop_signal = "SIGTERM",
                .stop_grace_us = v->stop_grace_us,
                .restart = v->restart,
                .backoff = backoffs[v->backoff],
                .adopt = v->adopt,
                .n_gpus = v->gpus,
                .gpu_memory_bytes = (uint64_t) v->gpu_memory << 30,
        };
        ret->networks = lower_joins(l, v->networks, &ret->n_networks);
        ret->mounts = lower_mounts(l, v->volumes, &ret->n_mounts);
        ret->depends_on = lower_dependencies(l, v, &ret->n_depends_on);
        hv_buf_printf(&l->text, "unit %s %u image %s command %u networks %x volumes %x\n", name, replica,
                      ret->image, v->command, v->networks, v->volumes);
        if (v->gpus)
                hv_buf_printf(&l->text, "gpus %u of %u\n", v->gpus, v->gpu_memory);
        digest_since(l, from, ret->digest);
        hv_buf_printf(&l->text,
                      "limits %" PRIu64 " %" PRIu64 " %" PRIu64 " depends %x %d pull %d restart %d %u %d\n",
                      v->limits.memory_bytes, v->limits.nano_cpus, v->limits.pids, v->depends_on,
                      v->condition, v->pull_policy, v->restart, v->backoff, v->adopt);
}

static int by_key(const void *a, const void *b) {
        return strcmp(((const struct hv_unit *) a)->key, ((const struct hv_unit *) b)->key);
}

static void lower_units(struct lowering *l) {
        struct hv_unit *units;
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                n += l->model->services[i].there ? l->model->services[i].replicas : 0;
        units = HV_ARENA_NEW_N(l->arena, struct hv_unit, n + 1);
        n = 0;
        for (unsigned i = 0; i < SIM_N_SERVICES; i++) {
                if (!l->model->services[i].there)
                        continue;
                l->joined |= l->model->services[i].networks;
                for (unsigned r = 1; r <= l->model->services[i].replicas; r++)
                        lower_unit(l, i, r, &units[n++]);
        }
        qsort(units, n, sizeof *units, by_key);
        l->d->units = units;
        l->d->n_units = n;
}

static void lower_networks(struct lowering *l) {
        struct hv_network *v = HV_ARENA_NEW_N(l->arena, struct hv_network, SIM_N_NETWORKS);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_NETWORKS; i++) {
                const struct sim_wanted_network *w = &l->model->networks[i];
                size_t from = l->text.len;

                if (!w->there && !(l->joined & 1u << i))
                        continue;
                v[n] = (struct hv_network){
                        .name = sim_network_name(i),
                        .driver = "bridge",
                        .implicit = !w->there,
                        .use_foreign = w->there && w->use_foreign,
                };
                hv_buf_printf(&l->text, "network %s %u\n", v[n].name, w->there ? w->variant : 0);
                digest_since(l, from, v[n].digest);
                hv_buf_printf(&l->text, "foreign %d implicit %d\n", v[n].use_foreign, v[n].implicit);
                n++;
        }
        l->d->networks = v;
        l->d->n_networks = n;
}

static void lower_volumes(struct lowering *l) {
        struct hv_volume *v = HV_ARENA_NEW_N(l->arena, struct hv_volume, SIM_N_VOLUMES);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_VOLUMES; i++) {
                const struct sim_wanted_volume *w = &l->model->volumes[i];
                size_t from = l->text.len;

                if (!w->there)
                        continue;
                v[n] = (struct hv_volume){ .name = sim_volume_name(i),
                                           .driver = "local",
                                           .reclaim_delete = w->reclaim_delete };
                hv_buf_printf(&l->text, "volume %s %u\n", v[n].name, w->variant);
                digest_since(l, from, v[n].digest);
                hv_buf_printf(&l->text, "reclaim %d\n", w->reclaim_delete);
                n++;
        }
        l->d->volumes = v;
        l->d->n_volumes = n;
}

static void lower_objects(struct lowering *l) {
        struct hv_object *v = HV_ARENA_NEW_N(l->arena, struct hv_object,
                                             SIM_N_SERVICES + SIM_N_JOBS + SIM_N_NETWORKS + SIM_N_VOLUMES);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                if (l->model->services[i].there)
                        v[n++] = (struct hv_object){ .kind = HV_KIND_SERVICE,
                                                     .name = sim_service_name(i),
                                                     .n_units = l->model->services[i].replicas };
        for (unsigned i = 0; i < SIM_N_JOBS; i++)
                if (l->model->jobs[i].there)
                        v[n++] = (struct hv_object){ .kind = HV_KIND_TASK,
                                                     .name = sim_job_name(i),
                                                     .n_units = 1 };
        for (unsigned i = 0; i < SIM_N_NETWORKS; i++)
                if (l->model->networks[i].there)
                        v[n++] = (struct hv_object){ .kind = HV_KIND_NETWORK, .name = sim_network_name(i) };
        for (unsigned i = 0; i < SIM_N_VOLUMES; i++)
                if (l->model->volumes[i].there)
                        v[n++] = (struct hv_object){ .kind = HV_KIND_VOLUME, .name = sim_volume_name(i) };
        l->d->objects = v;
        l->d->n_objects = n;
}

static int by_id(const void *a, const void *b) {
        return strcmp((*(struct hv_task *const *) a)->id, (*(struct hv_task *const *) b)->id);
}

static void lower_jobs(struct lowering *l, struct sim *s) {
        struct hv_task **v = HV_ARENA_NEW_N(l->arena, struct hv_task *, SIM_N_JOBS);
        size_t n = 0;

        for (unsigned i = 0; i < SIM_N_JOBS; i++)
                if (l->model->jobs[i].there)
                        v[n++] = hv_task_ref(sim_job_task(s, l->model, &l->model->jobs[i], sim_job_name(i),
                                                          NULL, HV_TASK_FROM_FILE));
        qsort(v, n, sizeof *v, by_id);
        for (size_t i = 0; i < n; i++)
                hv_buf_printf(&l->text, "task %s\n", v[i]->id);
        l->d->tasks = v;
        l->d->n_tasks = n;
}

struct hv_desired *sim_lower(struct sim *s, const struct sim_model *model) {
        struct hv_arena *arena = hv_arena_new();
        struct lowering l = { .model = model, .arena = arena, .d = HV_ARENA_NEW(arena, struct hv_desired) };
        const struct hv_settings *set = &model->settings;

        l.d->arena = arena;
        l.d->n_refs = 1;
        l.d->settings = *set;
        lower_units(&l);
        lower_networks(&l);
        lower_volumes(&l);
        lower_jobs(&l, s);
        l.d->cron_tasks = sim_cron_lower(s, model, arena, &l.text, &l.d->n_cron_tasks);
        lower_objects(&l);
        hv_buf_printf(&l.text, "settings %u %u %u %d %" PRIu64 " tasks %u %" PRIu64 " %" PRIu64 " %u\n",
                      set->workers, set->parallel_pulls, set->max_prune_percent, set->allow_empty,
                      set->resync_us, set->max_concurrent_tasks, set->reserved.memory_bytes,
                      set->limits.nano_cpus, set->overcommit_cpu_milli);
        digest_since(&l, 0, l.d->revision);
        hv_buf_done(&l.text);
        return l.d;
}

unsigned sim_n_backoffs(void) {
        return HV_ARRAY_SIZE(backoffs);
}

uint64_t sim_longest_backoff_us(const struct hv_desired *d) {
        uint64_t longest_us = 2 * HV_USEC_PER_MIN; /* of networks, volumes, images and what is not wanted */

        for (size_t i = 0; i < d->n_units; i++)
                longest_us = HV_MAX(longest_us, d->units[i].backoff.max_us);
        return longest_us;
}
