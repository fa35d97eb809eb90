/* spec/lower.c - the typed tree as a desired state: services become units, defaults are settled, names are
 * given. What a unit is made of is lower_unit.c; networks and volumes are lower_shared.c. */
#include "base/arena.h"
#include "spec/digest.h"
#include "spec/http.h"
#include "spec/load_internal.h"
#include "spec/service_room.h"
#include "spec/task_internal.h"
#include "spec/value_net.h"
#include "spec/value_time.h"

/* What a service counts as that says nothing: enough for a small program, so that a hundred of them are seen
 * to fill a node. */
#define ASSUMED "cpu 100m, memory 64Mi"

struct hv_origin hv_lower_origin(const struct hv_lowering *l, const struct hv_spec_object *o) {
        const struct hv_node *n = o->name_node && o->name_node->at.line ? o->name_node : o->node;

        return (struct hv_origin){
                .source = o->document->source,
                .file = hv_arena_strdup(l->arena,
                                        o->document->root ? hv_diags_file(l->diags, n->at.file) : ""),
                .line = n->at.line,
                .column = n->at.column,
        };
}

/* Address of the interface that was written first: where `bind: wireguard` listens. One that was not joined yet has none, and
 * is waited for: its place is nobody else's. */
static const char *tunnel_address(const struct hv_spec_state *s, struct hv_arena *a) {
        const struct hv_spec_wireguard *first = NULL;
        char text[HV_ADDRESS_SIZE];
        struct hv_cidr cidr;

        for (size_t i = 0; i < s->wireguard.n; i++) {
                const struct hv_spec_wireguard *w = &s->wireguard.v[i];
                const struct hv_pos *x = &w->o.node->at, *y = first ? &first->o.node->at : NULL;

                if ((w->addresses.n || w->join.url) &&
                    (!y || x->file < y->file || (x->file == y->file && x->line < y->line)))
                        first = w;
        }
        if (!first || !first->addresses.n || hv_value_address_cidr(first->addresses.v[0], &cidr, NULL) < 0)
                return NULL;
        return hv_arena_strdup(a, hv_address_format(&cidr.address, text));
}

static struct hv_amounts amounts_of(const struct hv_spec_amounts *a) {
        return (struct hv_amounts){ a->nano_cpus, a->memory_bytes, a->disk_bytes };
}

/* HiveMind's worker takes no task while more than that of its CPUs is used. A node that is told what each task needs would only
 * idle between two of them: its books say what is left. */
#define CPU_USED_OF_DIALECT 90u

static struct hv_pressure_rules pressure_of(const struct hv_spec_state *s) {
        const struct hv_spec_pressure *p = &s->gc.pressure;
        struct hv_pressure_rules rules = { .memory_some10_percent = (unsigned) p->memory_psi_some10_percent,
                                           .disk_free_percent = (unsigned) p->disk_free_percent,
                                           .cpu_used_percent = (unsigned) p->cpu_used_percent,
                                           .max_celsius = (unsigned) p->max_celsius,
                                           .engine_disk_percent = (unsigned) s->gc.disk.high_percent,
                                           .memory_used_percent = (unsigned) p->memory_used_percent };

        if (p->action == HV_PRESSURE_NONE)
                return (struct hv_pressure_rules){};
        if (!hv_node_get(p->node, "cpuUsed") && s->master.protocol == HV_DIALECT_HIVEMIND)
                rules.cpu_used_percent = CPU_USED_OF_DIALECT;
        return rules;
}

static const struct hv_quiet_hours *quiet_hours_of(const struct hv_lowering *l) {
        size_t n = l->state->resources.quiet_hours.n;
        struct hv_quiet_hours *v = HV_ARENA_NEW_N(l->arena, struct hv_quiet_hours, n + 1);

        for (size_t i = 0; i < n; i++) {
                const struct hv_spec_quiet_hours *q = &l->state->resources.quiet_hours.v[i];

                v[i] = (struct hv_quiet_hours){ .zone = q->timezone,
                                                .nano_cpus = q->max_nano_cpus,
                                                .n_gpus = (unsigned) q->gpus };
                (void) hv_value_clock(q->from, &v[i].from_minute, NULL); /* checked before */
                (void) hv_value_clock(q->to, &v[i].to_minute, NULL);
        }
        return v;
}

static struct hv_gpu_rules gpus_of(const struct hv_lowering *l) {
        const struct hv_spec_gpus *g = &l->state->resources.gpus;
        struct hv_gpu_selector *v = HV_ARENA_NEW_N(l->arena, struct hv_gpu_selector, g->select.n + 1);

        for (size_t i = 0; i < g->select.n; i++)
                v[i] = (struct hv_gpu_selector){ g->select.v[i].vendor, g->select.v[i].model,
                                                 g->select.v[i].uuid, g->select.v[i].min_memory_bytes };
        return (struct hv_gpu_rules){ g->mode == HV_GPU_SHARED, v, g->select.n, g->health_interval_us };
}

static struct hv_log_settings log_of(const struct hv_spec_logging *g) {
        static const char *const levels[] = { "error", "warning", "info", "debug" };

        return (struct hv_log_settings){
                .level = levels[g->level],
                .to_stderr = g->target == HV_LOG_TARGET_STDERR,
                .only_files = g->target == HV_LOG_TARGET_FILE,
                .dir = g->dir,
                .file_max_bytes = g->file.max_size_bytes,
                .max_files = (unsigned) g->file.max_files,
                .events_keep_us = g->events.keep_us,
                .events_max_bytes = g->events.max_size_bytes,
        };
}

static void settle(const struct hv_lowering *l, struct hv_settings *ret) {
        const struct hv_spec_state *s = l->state;

        *ret = (struct hv_settings){
                .node_id = l->tree->node_id,
                .node_name =
                        l->tree->primary->metadata.name ? l->tree->primary->metadata.name : l->tree->node_id,
                .docker_enabled = s->host.docker.enabled,
                .resync_us = s->host.reconcile.resync_us,
                .jitter_percent = (unsigned) s->host.reconcile.jitter_percent,
                .workers = (unsigned) s->host.reconcile.workers,
                .call_timeout_us = s->host.reconcile.call_timeout_us,
                .max_prune_percent = (unsigned) s->host.safety.max_prune_percent,
                .allow_empty = s->host.safety.allow_empty,
                .keep_revisions = (unsigned) s->host.safety.keep_revisions,
                .parallel_pulls = (unsigned) s->images.pull.parallel,
                .pull_retries = (unsigned) s->images.pull.retries,
                .pull_stall_us = s->images.pull.stall_timeout_us,
                .slice = s->resources.cgroup.slice,
                .http_listen = s->http.listen,
                .http_metrics = s->http.metrics.enabled,
                .log = log_of(&s->logging),
                .shutdown_grace_us = s->host.shutdown.grace_us,
                .max_concurrent_tasks = (unsigned) s->master.accept.max_concurrent_tasks,
                .reserved = amounts_of(&s->resources.reserved),
                .limits = amounts_of(&s->resources.limits),
                .overcommit_cpu_milli = (unsigned) s->resources.overcommit.cpu_milli,
                .overcommit_memory_milli = (unsigned) s->resources.overcommit.memory_milli,
                .trust = { .success = (int) s->trust.success,
                           .failure = (int) s->trust.failure,
                           .high = (unsigned) s->trust.groups.high,
                           .medium = (unsigned) s->trust.groups.medium,
                           .count_task_faults = s->trust.count_task_faults },
                .keep_workspace_us = s->gc.tasks.workspace_us,
                .keep_results_us = s->gc.tasks.results_us,
                .gc_interval_us = s->gc.interval_us,
                .results_max_bytes = s->gc.tasks.max_size_bytes,
                .keep_packages_us = s->gc.tasks.packages_us,
                .pressure = pressure_of(s),
                .monitor_us = s->resources.monitor.interval_us,
                .gpus = gpus_of(l),
                .quiet_hours = quiet_hours_of(l),
                .n_quiet_hours = s->resources.quiet_hours.n,
                .work_dir = s->host.paths.work,
                .temp_dir = s->host.paths.temp,
        };
        hv_spec_http_settle(&s->http, l->arena, &ret->http);
}

static void warn_without_requests(const struct hv_lowering *l, const struct hv_spec_service *s) {
        const struct hv_spec_unit_resources *r = &s->resources;
        bool cpu = r->requests.nano_cpus || r->limits.nano_cpus || s->cpu_quota;
        bool memory = r->requests.memory_bytes || r->limits.memory_bytes;

        if (cpu && memory)
                return;
        hv_diag_hint(l->diags,
                     hv_diag_warn(l->diags, s->o.name_node ? s->o.name_node : s->o.node, "W020",
                                  "service %s names neither requests nor limits of %s: it counts as %s",
                                  hv_diag_quote(l->diags, s->o.name),
                                  cpu      ? "memory"
                                  : memory ? "cpu"
                                           : "cpu and memory",
                                  cpu      ? "memory 64Mi"
                                  : memory ? "cpu 100m"
                                           : ASSUMED),
                     "set resources.requests or resources.limits");
}

static int compare_units(const void *a, const void *b) {
        return strcmp(((const struct hv_unit *) a)->key, ((const struct hv_unit *) b)->key);
}

static void lower_units(const struct hv_lowering *l, struct hv_desired *d) {
        const struct hv_spec_state *s = l->state;
        struct hv_unit *units;
        size_t n = 0;

        for (size_t i = 0; i < s->services.n; i++)
                n += (size_t) s->services.v[i].replicas;
        units = HV_ARENA_NEW_N(l->arena, struct hv_unit, n);
        for (size_t i = 0, at = 0; i < s->services.n; i++) {
                for (unsigned r = 1; r <= (unsigned) s->services.v[i].replicas; r++)
                        hv_lower_unit(l, &s->services.v[i], r, &units[at++]);
                warn_without_requests(l, &s->services.v[i]);
        }
        if (n)
                qsort(units, n, sizeof *units, compare_units);
        d->units = units;
        d->n_units = n;
        d->services = hv_services_room(s);
}

static int compare_tasks(const void *pa, const void *pb) {
        return strcmp((*(struct hv_task *const *) pa)->id, (*(struct hv_task *const *) pb)->id);
}

static void lower_tasks(const struct hv_lowering *l, struct hv_desired *d) {
        size_t n = l->state->tasks.n;
        struct hv_task **v = HV_ARENA_NEW_N(l->arena, struct hv_task *, n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_spec_object *o = &l->state->tasks.v[i].o;

                v[i] = hv_task_make(l->state, &(struct hv_task_recipe){ .name = o->name,
                                                                        .labels = &o->labels,
                                                                        .annotations = &o->annotations,
                                                                        .fields = o->node,
                                                                        .source = HV_TASK_FROM_FILE,
                                                                        .origin = hv_lower_origin(l, o) });
        }
        if (n)
                qsort(v, n, sizeof(struct hv_task *), compare_tasks);
        d->tasks = v;
        d->n_tasks = n;
}

struct hv_desired *hv_lower(const struct hv_spec_tree *tree, struct hv_arena *arena, struct hv_diags *diags) {
        struct hv_lowering l = { .tree = tree, .state = &tree->state, .arena = arena, .diags = diags };
        struct hv_desired *d = HV_ARENA_NEW(arena, struct hv_desired);

        d->arena = arena;
        d->n_refs = 1;
        d->tree = tree;
        l.tunnel_address = tunnel_address(l.state, arena);
        settle(&l, &d->settings);
        lower_units(&l, d);
        lower_tasks(&l, d);
        hv_lower_cron_tasks(&l, d);
        hv_lower_tunnels(&l, d);
        hv_lower_shared(&l, d);
        hv_tree_revision(tree, d->revision);
        return d;
}
