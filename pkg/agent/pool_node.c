/* agent/pool_node.c - what the node says of itself to a pool. See pool.h. */
#include "agent/gpus.h"
#include "agent/monitor.h"
#include "agent/pool.h"
#include "base/arena.h"
#include "host/address.h"
#include "log/log.h"
#include "reconcile/gpu.h"
#include "spec/node.h"
#include "spec/task_type.h"
#include "spec/types.h"
#include "spec/value_net.h"

#define SCORE_OF_A_GPU 100  /* as with cores: the pool of that dialect takes a task's gpu_score from it */
#define SCORE_OF_A_CORE 100 /* of the dialect hivemind's cpu_score; the documents' "cpu" counts cores */

/* What is written, else the address that the node listens on, else the best that this machine has. */
char *hv_agent_pool_advertised(const struct hv_spec_master *m) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_host_address *best;
        struct hv_host_addresses all = {};
        struct hv_endpoint e;
        struct hv_err err = {};
        char *found;

        if (m->advertise)
                return hv_strdup(m->advertise);
        if (m->listen && *m->listen != ':' && hv_value_endpoint(m->listen, "E0501", arena, &e, NULL) == 0 &&
            e.is_address && !hv_address_is_any(&e.address))
                return hv_strdup(e.host);
        if (hv_host_addresses_read(&all, &err) < 0)
                (void) hv_log_error(err.code, "%s", err.msg);
        best = hv_host_address_choose(&all);
        found = best ? hv_strdup(best->text) : NULL;
        hv_host_addresses_done(&all);
        return found;
}

static bool has_tunnel(void) {
        struct hv_host_addresses all = {};
        bool found = hv_host_addresses_read(&all, NULL) >= 0 && hv_host_address_tunnel(&all);

        hv_host_addresses_done(&all);
        return found;
}

/* What works now: a pool must not count on what is only configured. */
static void tell_capabilities(const struct hv_agent_pool *p, bool engine, struct hv_arena *arena,
                              struct hv_pool_node *ret) {
        const struct hv_task_types *types = p->desired->types;
        const char **v = HV_ARENA_NEW_N(arena, const char *, 4 + (types ? types->n : 0));
        size_t n = 0;

        if (engine)
                v[n++] = "docker";
        if (ret->n_gpus > 0)
                v[n++] = "gpu";
        if (has_tunnel())
                v[n++] = "wireguard";
        for (size_t i = 0; engine && types && i < types->n; i++)
                v[n++] = types->v[i].metadata.name;
        ret->capabilities = v;
        ret->n_capabilities = n;
}

static void tell_labels(const struct hv_agent_pool *p, struct hv_arena *arena, struct hv_pool_node *ret) {
        const struct hv_spec_document *primary = p->desired->tree->primary;
        const struct hv_node *labels = primary ? hv_node_at(primary->root, "metadata.labels") : NULL;
        const char *(*v)[2];

        if (!labels || labels->type != HV_NODE_MAPPING)
                return;
        v = hv_arena_alloc(arena, (labels->n + 1) * sizeof *v);
        for (size_t i = 0; i < labels->n; i++) {
                v[i][0] = labels->pairs[i].key->text;
                v[i][1] = labels->pairs[i].value->text;
        }
        ret->labels = (const char *const(*)[2]) v;
        ret->n_labels = labels->n;
}

static void tell_tasks(struct hv_agent_pool *p, struct hv_arena *arena, struct hv_pool_node *ret) {
        struct hv_agent *a = p->agent;
        struct hv_pool_task *v;
        size_t n_live;
        const struct hv_task_status *live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n_live);

        v = HV_ARENA_NEW_N(arena, struct hv_pool_task, n_live + 1);
        ret->tasks = v;
        for (size_t i = 0; i < n_live; i++) {
                const struct hv_task_status *s = &live[i];
                struct hv_ledger_assignment assigned = {};

                if (hv_task_state_is_end(s->state))
                        continue;
                ret->n_running += s->state > HV_TASK_QUEUED;
                if (s->source != HV_TASK_FROM_POOL || !s->accepted)
                        continue;
                if (a->ledger)
                        (void) hv_ledger_assignment(a->ledger, s->id, &assigned, NULL);
                v[ret->n_tasks] = (struct hv_pool_task){
                        .id = s->id,
                        .attempt = assigned.attempt,
                        .number = s->attempt,
                        .state = hv_task_state_name(s->state),
                        .started_wall_us = s->started_wall_us,
                };
                hv_agent_pool_measure(p, s, &v[ret->n_tasks++]);
        }
        hv_agent_pool_measured(p);
}

static struct hv_booking booking_of(const struct hv_room *room) {
        return (struct hv_booking){ .nano_cpus = room->nano_cpus,
                                    .memory_bytes = room->memory_bytes,
                                    .disk_bytes = room->disk_bytes,
                                    .n_gpus = room->n_gpus,
                                    .gpu_memory_bytes = room->gpu_memory_bytes };
}

static void tell_usage(const struct hv_agent_pool *p, struct hv_pool_node *ret) {
        const struct hv_host_sample *s = hv_agent_monitor_host(p->agent);
        const struct hv_file_system *fullest = NULL;

        ret->cpu_percent = s ? s->cpu_percent : -1;
        ret->memory_percent = s ? hv_host_memory_percent(&s->memory) : -1;
        ret->disk_percent = s ? hv_host_disk_percent(s, &fullest) : -1;
        if (!fullest)
                ret->disk_percent = -1;
        ret->gpu_percent = hv_gpus_use_percent(hv_agent_gpus_last(p->agent));
}

/* Those that are given away and work: what else there is a pool cannot use. */
static void tell_gpus(const struct hv_agent *a, struct hv_arena *arena, struct hv_pool_node *ret) {
        struct hv_gpus_status all;
        struct hv_pool_gpu *v;

        hv_core_gpus(a->core, arena, &all);
        v = HV_ARENA_NEW_N(arena, struct hv_pool_gpu, all.n + 1);
        for (size_t i = 0; i < all.n; i++)
                if (all.v[i].is_given && all.v[i].works)
                        v[ret->n_gpus++] = (struct hv_pool_gpu){ .uuid = all.v[i].uuid,
                                                                 .name = all.v[i].name,
                                                                 .memory_bytes = all.v[i].memory_bytes };
        ret->gpus = v;
        ret->gpu_score = (int) ret->n_gpus * SCORE_OF_A_GPU;
}

void hv_agent_pool_node(void *userdata, struct hv_arena *arena, struct hv_pool_node *ret) {
        struct hv_agent_pool *p = userdata;
        const struct hv_agent *a = p->agent;
        struct hv_room all, for_tasks, available;

        *ret = (struct hv_pool_node){
                .address = p->advertised,
                .location = p->desired->tree->state.host.location,
                .trust_score = hv_core_trust(a->core),
                .is_cordoned = a->orders.cordon.by || a->orders.hold.by,
                .engine_available = hv_core_is_engine_ready(a->core),
        };
        if (hv_core_room(a->core, &all, &for_tasks, &available)) {
                ret->total = booking_of(&for_tasks);
                if (!ret->is_cordoned)
                        ret->available = booking_of(&available);
                ret->is_full = ret->is_cordoned || available.n_slots == 0;
                ret->n_cpus = (unsigned) (for_tasks.nano_cpus / UINT64_C(1000000000));
                ret->cpu_score = (int) (for_tasks.nano_cpus * SCORE_OF_A_CORE / UINT64_C(1000000000));
        }
        tell_gpus(a, arena, ret);
        tell_capabilities(p, ret->engine_available, arena, ret);
        tell_labels(p, arena, ret);
        tell_tasks(p, arena, ret);
        tell_usage(p, ret);
}
