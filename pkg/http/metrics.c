/* Counters and histograms, and the text of all metrics. One function a family group; each writes HELP and TYPE
 * first. */
#include "http/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/version.h"
#include "http/conditions.h"
#include "http/exposition.h"
#include "http/metrics_links.h"
#include "http/metrics_usage.h"
#include "http/process_metrics.h"
#include "http/server.h"
#include "http/tasks.h"
#include "http/view.h"

#define OOM_NAMES_MAX \
        1000 /* names come from the desired state, which bounds them; this bounds their history */
#define N_OUTCOMES (HV_OUTCOME_UNKNOWN + 1)

/* Upper bounds, microseconds. Passes take microseconds to milliseconds, engine calls milliseconds to seconds,
 * pulls seconds to minutes. */
static const uint64_t pass_bounds_us[] = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000 };
static const uint64_t call_bounds_us[] = { 5000,   10000,   25000,   50000,   100000,   250000,
                                           500000, 1000000, 2500000, 5000000, 10000000, 20000000 };
static const uint64_t pull_bounds_us[] = { 1000000,  5000000,   15000000,  30000000,
                                           60000000, 180000000, 600000000, 1800000000 };

#define BOUNDS_MAX 12

struct histogram {
        uint64_t buckets[BOUNDS_MAX]; /* not cumulated */
        uint64_t n, sum_us;
};

/* Seconds of a batch job to days of a training. */
static const uint64_t task_bounds_us[] = { 1000000,   5000000,    15000000,    60000000,   300000000,
                                           900000000, 3600000000, 14400000000, 86400000000 };

struct hv_metrics {
        struct histogram passes, calls[HV_N_ACTIONS], pulls;
        uint64_t n_acting, n_idle;
        uint64_t actions[HV_N_KINDS][HV_N_ACTIONS][N_OUTCOMES];
        uint64_t ends[HV_N_TASK_STATES][HV_N_CAUSES]; /* of tasks */
        struct histogram task_runs;
        struct hv_map *oom_kills, *oom_children; /* container name -> uint64_t */
        struct hv_map *collected;                /* what -> struct collected */
        bool gc_stuck;
        uint64_t pulled_bytes, events[HV_EVENT_COUNT];
};

struct collected {
        uint64_t n, bytes;
};

struct hv_metrics *hv_metrics_new(void) {
        struct hv_metrics *m = HV_NEW(struct hv_metrics);

        m->oom_kills = hv_map_new(free);
        m->oom_children = hv_map_new(free);
        m->collected = hv_map_new(free);
        return m;
}

struct hv_metrics *hv_metrics_free(struct hv_metrics *m) {
        if (!m)
                return NULL;
        hv_map_free(m->oom_kills);
        hv_map_free(m->oom_children);
        hv_map_free(m->collected);
        free(m);
        return NULL;
}

/* ---- counting ---- */

static void observe(struct histogram *h, const uint64_t *bounds_us, size_t n_bounds, uint64_t us) {
        size_t i = 0;

        while (i < n_bounds && us > bounds_us[i])
                i++;
        if (i < n_bounds)
                h->buckets[i]++;
        h->n++;
        h->sum_us += us;
}

void hv_metrics_pass(struct hv_metrics *m, uint64_t duration_us, size_t n_actions) {
        observe(&m->passes, pass_bounds_us, HV_ARRAY_SIZE(pass_bounds_us), duration_us);
        if (n_actions > 0)
                m->n_acting++;
        else
                m->n_idle++;
}

/* "service/web/1" is about a service; "engine" and "image/..." about the node. */
static enum hv_kind kind_of_key(const char *key) {
        const char *slash = key ? strchr(key, '/') : NULL;

        for (int kind = HV_KIND_SERVICE; slash && kind < HV_N_KINDS; kind++) {
                const char *label = hv_kind_label((enum hv_kind) kind);

                if (strlen(label) == (size_t) (slash - key) && strncmp(label, key, strlen(label)) == 0)
                        return (enum hv_kind) kind;
        }
        return HV_KIND_NODESTATE;
}

static void count_end(struct hv_metrics *m, const struct hv_task_end *end) {
        if (end->started_wall_us && end->finished_wall_us >= end->started_wall_us)
                observe(&m->task_runs, task_bounds_us, HV_ARRAY_SIZE(task_bounds_us),
                        end->finished_wall_us - end->started_wall_us);
        if (end->final)
                m->ends[end->state][end->cause]++;
}

void hv_metrics_action(struct hv_metrics *m, const struct hv_action *action, enum hv_outcome outcome,
                       uint64_t duration_us) {
        m->actions[kind_of_key(action->key)][action->type][outcome]++;
        if (action->type == HV_ACTION_TASK_END && outcome == HV_OUTCOME_OK)
                count_end(m, action->end);
        if (action->type == HV_ACTION_PULL)
                observe(&m->pulls, pull_bounds_us, HV_ARRAY_SIZE(pull_bounds_us), duration_us);
        else if (!hv_action_is_task(action->type)) /* those call no engine, but for a log */
                observe(&m->calls[action->type], call_bounds_us, HV_ARRAY_SIZE(call_bounds_us), duration_us);
}

void hv_metrics_gc(struct hv_metrics *m, const char *what, uint64_t bytes) {
        struct collected *c = hv_map_get(m->collected, what);

        if (!c) {
                c = HV_NEW(struct collected);
                hv_map_put(m->collected, what, c);
        }
        c->n++;
        c->bytes += bytes;
}

void hv_metrics_gc_stuck(struct hv_metrics *m, bool is_stuck) {
        m->gc_stuck = is_stuck;
}

void hv_metrics_pulled(struct hv_metrics *m, uint64_t bytes) {
        m->pulled_bytes += bytes;
}

void hv_metrics_event(struct hv_metrics *m, enum hv_event event) {
        m->events[event]++;
}

static void count_oom(struct hv_map *kills, const char *container, uint64_t more) {
        uint64_t *n = hv_map_get(kills, container);

        if (!n) {
                if (hv_map_size(kills) >= OOM_NAMES_MAX)
                        return;
                n = HV_NEW(uint64_t);
                hv_map_put(kills, container, n);
        }
        *n += more;
}

void hv_metrics_oom_child(struct hv_metrics *m, const char *container, uint64_t n) {
        count_oom(m->oom_children, container, n);
}

void hv_metrics_note(struct hv_metrics *m, const struct hv_note *note) {
        if (note->type == HV_NOTE_EXITED && note->reason == HV_REASON_OOM_KILLED && note->container)
                count_oom(m->oom_kills, note->container, 1);
}

/* ---- writing ---- */

static void histogram(struct hv_exposition *e, const char *name, const char *label, const char *value,
                      const struct histogram *h, const uint64_t *bounds_us, size_t n_bounds) {
        char text[64], series[96];
        uint64_t sum = 0;

        (void) snprintf(series, sizeof series, "%s_bucket", name);
        for (size_t i = 0; i <= n_bounds; i++) {
                struct hv_exposition_labels l = { .name = { label ? label : "le", label ? "le" : NULL } };

                if (i < n_bounds) {
                        sum += h->buckets[i];
                        (void) snprintf(text, sizeof text, "%g", (double) bounds_us[i] / 1e6);
                }
                l.value[0] = value;
                l.value[label ? 1 : 0] = i < n_bounds ? text : "+Inf";
                hv_exposition_uint(e, series, &l, i < n_bounds ? sum : h->n);
        }
        const struct hv_exposition_labels l = { .name = { label }, .value = { value } };

        (void) snprintf(series, sizeof series, "%s_sum", name);
        hv_exposition_us(e, series, &l, h->sum_us);
        (void) snprintf(series, sizeof series, "%s_count", name);
        hv_exposition_uint(e, series, &l, h->n);
}

/* ---- families ---- */

static size_t count_suspended(const struct hv_api_snapshot *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_crons; i++)
                n += s->crons[i].suspend.by != NULL;
        return n;
}

static void put_node(struct hv_exposition *e, const struct hv_api_snapshot *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        static const struct {
                enum hv_condition_type type;
                const char *name, *help;
        } gauges[] = {
                { HV_CONDITION_READY, "hivelet_ready", "Whether the agent does its work." },
                { HV_CONDITION_CONVERGED, "hivelet_converged",
                  "Whether the machine runs what the sources say." },
                { HV_CONDITION_ENGINE_REACHABLE, "hivelet_docker_up",
                  "Whether the container engine answers." },
                { HV_CONDITION_CONFIG_VALID, "hivelet_config_valid",
                  "Whether the sources could be read and were taken." },
                { HV_CONDITION_LISTENING, "hivelet_http_listening",
                  "Whether the address of http.listen is served." },
                { HV_CONDITION_GPU_HEALTHY, "hivelet_gpu_healthy",
                  "Whether all GPUs work: the condition GPUHealthy." },
                { HV_CONDITION_CONFIRM_PENDING, "hivelet_confirm_pending",
                  "Whether a revision is on trial and waits to be confirmed." },
        };

        hv_exposition_family(e, "hivelet_build", "info", "Version of the agent.");
        hv_exposition_uint(e, "hivelet_build_info",
                           &(struct hv_exposition_labels){ { "version", "commit" },
                                                           { hv_version(), hv_build()->commit } },
                           1);
        for (size_t i = 0; i < HV_ARRAY_SIZE(gauges); i++) {
                struct hv_condition c = hv_condition_judge(gauges[i].type, s, a);

                if (c.status == HV_CONDITION_ABSENT)
                        continue;
                hv_exposition_family(e, gauges[i].name, "gauge", gauges[i].help);
                hv_exposition_uint(e, gauges[i].name, NULL, c.status == HV_CONDITION_TRUE);
        }
        hv_exposition_family(e, "hivelet_cordoned", "gauge",
                             "Whether somebody cordoned or held the node: no task is admitted.");
        hv_exposition_uint(e, "hivelet_cordoned", NULL, s->orders.cordon.by || s->orders.hold.by);
        hv_exposition_family(e, "hivelet_services_by_hand", "gauge",
                             "Services that somebody stopped, held or paused by hand.");
        hv_exposition_uint(e, "hivelet_services_by_hand", NULL, s->orders.n_services);
        hv_exposition_family(e, "hivelet_cron_tasks_suspended", "gauge",
                             "Cron tasks that somebody suspended by hand.");
        hv_exposition_uint(e, "hivelet_cron_tasks_suspended", NULL, count_suspended(s));
        hv_exposition_family(e, "hivelet_files_held_off", "gauge",
                             "Whether the files still say what was on trial and was taken back.");
        hv_exposition_uint(e, "hivelet_files_held_off", NULL, s->trial.holds_files);
        if (s->loaded_wall_us) {
                hv_exposition_family(e, "hivelet_config_last_reload_timestamp_seconds", "gauge",
                                     "When the sources were read last.");
                hv_exposition_us(e, "hivelet_config_last_reload_timestamp_seconds", NULL, s->loaded_wall_us);
        }
        hv_exposition_family(e, "hivelet_out_of_sync_seconds", "gauge",
                             "For how long the node has been out of sync; 0: it is not.");
        hv_exposition_us(e, "hivelet_out_of_sync_seconds",
                         &(struct hv_exposition_labels){ { "kind", "name" }, { "node", s->node_id } },
                         s->status->out_of_sync_since_us ? s->now_us - s->status->out_of_sync_since_us : 0);
        hv_exposition_family(e, "hivelet_activations", "counter", "Revisions that became active.");
        hv_exposition_uint(e, "hivelet_activations_total", NULL, s->status->n_generations);
}

static void put_sources(struct hv_exposition *e, const struct hv_api_snapshot *s) {
        if (s->n_sources == 0)
                return;
        hv_exposition_family(e, "hivelet_revision", "info", "Revision that each source gave last.");
        for (size_t i = 0; i < s->n_sources; i++) {
                if (s->sources[i].revision)
                        hv_exposition_uint(e, "hivelet_revision_info",
                                           &(struct hv_exposition_labels){
                                                   { "source", "revision" },
                                                   { s->sources[i].name, s->sources[i].revision } },
                                           1);
        }
        hv_exposition_family(e, "hivelet_source_age_seconds", "gauge",
                             "Time since a source was read to its end.");
        for (size_t i = 0; i < s->n_sources; i++) {
                if (s->sources[i].read_wall_us)
                        hv_exposition_us(
                                e, "hivelet_source_age_seconds",
                                &(struct hv_exposition_labels){ { "source" }, { s->sources[i].name } },
                                s->now_wall_us > s->sources[i].read_wall_us
                                        ? s->now_wall_us - s->sources[i].read_wall_us
                                        : 0);
        }
        hv_exposition_family(e, "hivelet_source_errors", "counter", "Attempts to read a source that failed.");
        for (size_t i = 0; i < s->n_sources; i++)
                hv_exposition_uint(e, "hivelet_source_errors_total",
                                   &(struct hv_exposition_labels){ { "source" }, { s->sources[i].name } },
                                   s->sources[i].n_errors);
}

static void put_reconcile(struct hv_exposition *e, const struct hv_metrics *m) {
        hv_exposition_family(e, "hivelet_reconcile_duration_seconds", "histogram",
                             "Time that one pass of the planner took.");
        histogram(e, "hivelet_reconcile_duration_seconds", NULL, NULL, &m->passes, pass_bounds_us,
                  HV_ARRAY_SIZE(pass_bounds_us));
        hv_exposition_family(e, "hivelet_reconcile", "counter",
                             "Passes of the planner, by whether they led to actions.");
        hv_exposition_uint(e, "hivelet_reconcile_total",
                           &(struct hv_exposition_labels){ { "result" }, { "acted" } }, m->n_acting);
        hv_exposition_uint(e, "hivelet_reconcile_total",
                           &(struct hv_exposition_labels){ { "result" }, { "idle" } }, m->n_idle);
}

static const char *outcome_name(enum hv_outcome outcome) {
        static const char *const names[N_OUTCOMES] = {
                [HV_OUTCOME_OK] = "ok",
                [HV_OUTCOME_NOT_FOUND] = "not_found",
                [HV_OUTCOME_CONFLICT] = "conflict",
                [HV_OUTCOME_NOT_MODIFIED] = "not_modified",
                [HV_OUTCOME_REFUSED] = "refused",
                [HV_OUTCOME_UNSUPPORTED] = "unsupported",
                [HV_OUTCOME_DENIED] = "denied",
                [HV_OUTCOME_FAILED] = "failed",
                [HV_OUTCOME_UNREACHABLE] = "unreachable",
                [HV_OUTCOME_UNKNOWN] = "unknown",
        };

        return names[outcome];
}

static const char *kind_label(enum hv_kind kind) {
        return kind == HV_KIND_NODESTATE ? "node" : hv_kind_label(kind);
}

static void put_actions(struct hv_exposition *e, const struct hv_metrics *m) {
        hv_exposition_family(e, "hivelet_actions", "counter", "Actions performed, by their outcome.");
        for (int k = 0; k < HV_N_KINDS; k++) {
                for (int t = 0; t < HV_N_ACTIONS; t++) {
                        for (int o = 0; o < N_OUTCOMES; o++) {
                                if (m->actions[k][t][o] == 0)
                                        continue;
                                hv_exposition_uint(e, "hivelet_actions_total",
                                                   &(struct hv_exposition_labels){
                                                           { "kind", "action", "result" },
                                                           { kind_label((enum hv_kind) k),
                                                             hv_action_name((enum hv_action_type) t),
                                                             outcome_name((enum hv_outcome) o) } },
                                                   m->actions[k][t][o]);
                        }
                }
        }
        hv_exposition_family(e, "hivelet_docker_call_duration_seconds", "histogram",
                             "Time that calls of the engine took.");
        for (int t = 0; t < HV_N_ACTIONS; t++) {
                if (m->calls[t].n > 0)
                        histogram(e, "hivelet_docker_call_duration_seconds", "call",
                                  hv_action_name((enum hv_action_type) t), &m->calls[t], call_bounds_us,
                                  HV_ARRAY_SIZE(call_bounds_us));
        }
        hv_exposition_family(e, "hivelet_image_pull_duration_seconds", "histogram",
                             "Time that pulls of images took.");
        histogram(e, "hivelet_image_pull_duration_seconds", NULL, NULL, &m->pulls, pull_bounds_us,
                  HV_ARRAY_SIZE(pull_bounds_us));
        hv_exposition_family(e, "hivelet_image_pull_bytes", "counter",
                             "Bytes of images that were downloaded.");
        hv_exposition_uint(e, "hivelet_image_pull_bytes_total", NULL, m->pulled_bytes);
}

/* All of them from the beginning: of a series that begins with its first event nobody sees the first. */
static void put_events(struct hv_exposition *e, const struct hv_metrics *m) {
        hv_exposition_family(e, "hivelet_events", "counter", "Events, by what happened.");
        for (int i = HV_EVENT_NONE + 1; i < HV_EVENT_COUNT; i++)
                hv_exposition_uint(
                        e, "hivelet_events_total",
                        &(struct hv_exposition_labels){ { "event" }, { hv_event_name((enum hv_event) i) } },
                        m->events[i]);
}

/* Objects by kind and phase, and by what is in the way of those that are not in sync. */
static void put_objects(struct hv_exposition *e, const struct hv_api_snapshot *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        unsigned blocked[HV_N_REASONS] = {};

        hv_exposition_family(e, "hivelet_objects", "gauge",
                             "Objects of the desired state, and what is left of former ones.");
        for (int k = HV_KIND_SERVICE; k < HV_N_KINDS; k++) {
                size_t n;
                const struct hv_view_item *items = hv_view_list(a, s, (enum hv_kind) k, &n);

                if (k == HV_KIND_TASK)
                        continue; /* those have a family of their own */
                for (size_t i = 0; i < n; i++) {
                        uint64_t same = 0;
                        bool seen = false;

                        if (items[i].acted_on && !items[i].in_sync)
                                blocked[items[i].reason]++;
                        for (size_t j = 0; j < n; j++) {
                                bool equal = strcmp(items[i].phase, items[j].phase) == 0;

                                seen = seen || (equal && j < i);
                                same += equal;
                        }
                        if (!seen)
                                hv_exposition_uint(e, "hivelet_objects",
                                                   &(struct hv_exposition_labels){
                                                           { "kind", "phase" },
                                                           { kind_label((enum hv_kind) k), items[i].phase } },
                                                   same);
                }
        }
        hv_exposition_family(e, "hivelet_blocked", "gauge",
                             "Objects that are not in sync, by what is in the way.");
        for (int r = 0; r < HV_N_REASONS; r++) {
                if (blocked[r] > 0)
                        hv_exposition_uint(e, "hivelet_blocked",
                                           &(struct hv_exposition_labels){
                                                   { "reason" }, { hv_reason_name((enum hv_reason) r) } },
                                           blocked[r]);
        }
}

static void put_oom_kills(struct hv_exposition *e, const struct hv_map *kills, const char *scope) {
        const char *name;
        size_t it = 0;
        void *n;

        while (hv_map_next(kills, &it, &name, &n))
                hv_exposition_uint(e, "hivelet_oom_kills_total",
                                   &(struct hv_exposition_labels){ { "name", "scope" }, { name, scope } },
                                   *(const uint64_t *) n);
}

static void put_containers(struct hv_exposition *e, const struct hv_metrics *m,
                           const struct hv_api_snapshot *s) {

        hv_exposition_family(e, "hivelet_container_restarts", "counter",
                             "Restarts of a container since the agent looks after it.");
        for (size_t i = 0; i < s->status->n_unit_status; i++) {
                const struct hv_unit_status *u = &s->status->units[i];

                if (u->phase != HV_PHASE_ORPHAN && u->container)
                        hv_exposition_uint(e, "hivelet_container_restarts_total",
                                           &(struct hv_exposition_labels){ { "name" }, { u->container } },
                                           u->n_restarts);
        }
        hv_exposition_family(e, "hivelet_oom_kills", "counter",
                             "Ends of containers, and of processes in them, because they ran out of memory.");
        put_oom_kills(e, m->oom_kills, "container");
        put_oom_kills(e, m->oom_children, "child");
}

static void put_gc(struct hv_exposition *e, const struct hv_metrics *m) {
        const struct collected *c;
        const char *what;
        size_t it = 0;

        hv_exposition_family(e, "hivelet_gc_removed", "counter", "What garbage collection removed.");
        while (hv_map_next(m->collected, &it, &what, (void **) &c))
                hv_exposition_uint(e, "hivelet_gc_removed_total",
                                   &(struct hv_exposition_labels){ { "what" }, { what } }, c->n);
        it = 0;
        hv_exposition_family(e, "hivelet_gc_freed_bytes", "counter",
                             "Bytes that were free again after garbage collection.");
        while (hv_map_next(m->collected, &it, &what, (void **) &c))
                hv_exposition_uint(e, "hivelet_gc_freed_bytes_total",
                                   &(struct hv_exposition_labels){ { "what" }, { what } }, c->bytes);
        hv_exposition_family(e, "hivelet_gc_stuck", "gauge",
                             "1: the engine's disk is above gc.disk.low, and nothing more may be collected.");
        hv_exposition_uint(e, "hivelet_gc_stuck", NULL, m->gc_stuck);
}

static void put_room(struct hv_exposition *e, const char *name, const char *help,
                     const struct hv_room *room) {
        hv_exposition_family(e, name, "gauge", help);
        hv_exposition_us(e, name, &(struct hv_exposition_labels){ { "resource" }, { "cpu" } },
                         room->nano_cpus / 1000);
        hv_exposition_uint(e, name, &(struct hv_exposition_labels){ { "resource" }, { "memory" } },
                           room->memory_bytes);
        hv_exposition_uint(e, name, &(struct hv_exposition_labels){ { "resource" }, { "disk" } },
                           room->disk_bytes);
        hv_exposition_uint(e, name, &(struct hv_exposition_labels){ { "resource" }, { "gpus" } },
                           room->n_gpus);
        hv_exposition_uint(e, name, &(struct hv_exposition_labels){ { "resource" }, { "gpu_memory" } },
                           room->gpu_memory_bytes);
}

static void put_tasks(struct hv_exposition *e, const struct hv_metrics *m, const struct hv_api_tasks *t) {
        uint64_t states[HV_N_TASK_STATES] = {};
        struct hv_room reserved = t->allocatable;

        for (size_t i = 0; i < t->n_live; i++)
                states[t->live[i].state]++;
        hv_exposition_family(e, "hivelet_tasks", "gauge", "Tasks that have not ended, by their state.");
        for (unsigned i = 0; i < HV_TASK_COMPLETED; i++)
                hv_exposition_uint(e, "hivelet_tasks",
                                   &(struct hv_exposition_labels){
                                           { "state" }, { hv_task_state_name((enum hv_task_state) i) } },
                                   states[i]);
        if (t->results_known) {
                hv_exposition_family(e, "hivelet_task_results_bytes", "gauge",
                                     "What the results of tasks take on the disk.");
                hv_exposition_uint(e, "hivelet_task_results_bytes", NULL, t->results_bytes);
        }
        hv_exposition_family(e, "hivelet_task_queue_depth", "gauge", "Tasks that wait to be admitted.");
        hv_exposition_uint(e, "hivelet_task_queue_depth", NULL, states[HV_TASK_QUEUED]);
        hv_exposition_family(e, "hivelet_task", "counter",
                             "Tasks that ended since the agent began, by state and cause.");
        for (unsigned i = HV_TASK_COMPLETED; i < HV_N_TASK_STATES; i++) {
                for (unsigned k = 0; k < HV_N_CAUSES; k++) {
                        if (m->ends[i][k] > 0)
                                hv_exposition_uint(e, "hivelet_task_total",
                                                   &(struct hv_exposition_labels){
                                                           { "state", "cause" },
                                                           { hv_task_state_name((enum hv_task_state) i),
                                                             hv_task_cause_name((enum hv_task_cause) k) } },
                                                   m->ends[i][k]);
                }
        }
        hv_exposition_family(e, "hivelet_task_duration_seconds", "histogram",
                             "Time from the start of an attempt's container to its end.");
        histogram(e, "hivelet_task_duration_seconds", NULL, NULL, &m->task_runs, task_bounds_us,
                  HV_ARRAY_SIZE(task_bounds_us));
        hv_exposition_family(e, "hivelet_trust_score", "gauge",
                             "How far this node is to be trusted, 0 to 100.");
        hv_exposition_uint(e, "hivelet_trust_score", NULL, (uint64_t) HV_MAX(t->trust_score, 0));
        if (!t->room_known)
                return;
        hv_room_take(&reserved, &t->free);
        put_room(e, "hivelet_resource_allocatable",
                 "What can be given to services and tasks in all: CPUs, bytes, GPUs.", &t->allocatable);
        put_room(e, "hivelet_resource_reserved", "What is booked of it.", &reserved);
}

static void put_http(struct hv_exposition *e, const struct hv_http_stats *http) {
        hv_exposition_family(e, "hivelet_http_requests", "counter",
                             "Requests to the address that this scrape was asked of.");
        hv_exposition_uint(e, "hivelet_http_requests_total", NULL, http->requests);
        hv_exposition_family(e, "hivelet_http_refused", "counter",
                             "Requests and connections refused by a limit or a rule.");
        hv_exposition_uint(e, "hivelet_http_refused_total", NULL, http->refused);
        hv_exposition_family(e, "hivelet_http_connections", "gauge", "Open connections.");
        hv_exposition_uint(e, "hivelet_http_connections", NULL, http->connections);
        hv_exposition_family(e, "hivelet_http_streams", "gauge", "Open streams.");
        hv_exposition_uint(e, "hivelet_http_streams", NULL, http->streams);
        hv_exposition_family(e, "hivelet_loop_turns", "counter",
                             "Turns of the event loop: how often the agent woke and did something.");
        hv_exposition_uint(e, "hivelet_loop_turns_total", NULL, http->turns);
}

static void put_process(struct hv_exposition *e) {
        struct hv_process_metrics p;

        hv_process_metrics_read(&p);
        hv_exposition_family(e, "process_cpu_seconds", "counter", "Time on the CPU, user and system.");
        hv_exposition_us(e, "process_cpu_seconds_total", NULL, p.cpu_us);
        hv_exposition_family(e, "process_resident_memory_bytes", "gauge", "Resident memory.");
        hv_exposition_uint(e, "process_resident_memory_bytes", NULL, p.resident_bytes);
        hv_exposition_family(e, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
        hv_exposition_uint(e, "process_virtual_memory_bytes", NULL, p.virtual_bytes);
        hv_exposition_family(e, "process_open_fds", "gauge", "Open file descriptors.");
        hv_exposition_uint(e, "process_open_fds", NULL, p.n_open_fds);
        hv_exposition_family(e, "process_max_fds", "gauge", "Limit of file descriptors.");
        hv_exposition_uint(e, "process_max_fds", NULL, p.max_fds);
        hv_exposition_family(e, "process_start_time_seconds", "gauge", "When the process started.");
        hv_exposition_us(e, "process_start_time_seconds", NULL, p.started_wall_us);
}

void hv_metrics_render(const struct hv_metrics *m, const struct hv_api_snapshot *snapshot,
                       const struct hv_api_tasks *tasks, const struct hv_monitor_view *usage,
                       const struct hv_http_stats *http, enum hv_metrics_format format, struct hv_buf *ret) {
        struct hv_exposition e = { .buf = ret, .is_open = format == HV_METRICS_OPENMETRICS };

        put_node(&e, snapshot);
        put_sources(&e, snapshot);
        hv_metrics_links(&e, snapshot);
        put_reconcile(&e, m);
        put_actions(&e, m);
        put_events(&e, m);
        put_objects(&e, snapshot);
        put_containers(&e, m, snapshot);
        put_gc(&e, m);
        put_tasks(&e, m, tasks);
        hv_metrics_usage(&e, usage);
        if (http)
                put_http(&e, http);
        put_process(&e);
        if (format == HV_METRICS_OPENMETRICS)
                hv_buf_puts(ret, "# EOF\n");
}
