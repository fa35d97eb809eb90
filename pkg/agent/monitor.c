/* agent/monitor.c - rounds of samples: what the machine and all containers of this node use (monitor/monitor.h).
 *
 *      timer --> what runs, by the core --> follow --> round --> API, metrics, pools: whoever asks sees the last one
 *                                             |
 *                                             '--> new ones: one inspect for each start, a few at a time --> found
 *
 * Quiet    A round asks the engine nothing, and starts no pass while nothing changes that admission goes by (pressure.c); between two of
 *          them nothing wakes up. */
#include "agent/monitor.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "agent/gc.h"
#include "agent/gpus.h"
#include "agent/private.h"
#include "base/arena.h"
#include "cgroup/slice.h"
#include "docker/container.h"
#include "log/log.h"
#include "spec/types.h"

#define INSPECTS_MAX \
        4u /* at a time: a machine that starts a hundred containers has other work for its engine */
#define INTERVAL_DEFAULT_US (5 * HV_USEC_PER_SEC)
#define INTERVAL_MIN_US (1 * HV_USEC_PER_SEC)
#define FIRST_SPAN_US (1 * HV_USEC_PER_SEC) /* until the use of CPUs is known */

struct inspect {
        struct hv_docker_call *call; /* NULL: free */
        struct hv_agent_monitor *monitor;
        char *container;
};

struct hv_agent_monitor {
        struct hv_agent *agent;
        struct hv_monitor *monitor;
        sd_event_source *timer;
        uint64_t oom_group_us; /* when it was last looked at; 0: never */
        bool oom_group;
        struct inspect inspects[INSPECTS_MAX];
};

/* ---- who runs ---- */

static size_t list_units(const struct hv_status *s, struct hv_monitor_ref *ret) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_unit_status; i++) {
                const struct hv_unit_status *u = &s->units[i];

                if (u->container && u->phase == HV_PHASE_RUNNING && u->kind == HV_KIND_SERVICE)
                        ret[n++] =
                                (struct hv_monitor_ref){ u->container,       u->kind, u->object, u->replica,
                                                         u->started_wall_us, u->gpus };
        }
        return n;
}

static size_t list_tasks(const struct hv_task_status *live, size_t n_live, struct hv_monitor_ref *ret) {
        size_t n = 0;

        for (size_t i = 0; i < n_live; i++)
                if (live[i].container && live[i].started_wall_us &&
                    (live[i].state == HV_TASK_RUNNING || live[i].state == HV_TASK_COLLECTING))
                        ret[n++] = (struct hv_monitor_ref){ live[i].container,
                                                            HV_KIND_TASK,
                                                            live[i].id,
                                                            live[i].attempt,
                                                            live[i].started_wall_us,
                                                            live[i].gpus,
                                                            live[i].state == HV_TASK_COLLECTING };
        return n;
}

static void follow(struct hv_agent_monitor *m) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        uint64_t now_us = hv_agent_now_us();
        const struct hv_task_status *live;
        struct hv_monitor_ref *refs;
        struct hv_status status;
        size_t n_live, n;

        hv_core_status(m->agent->core, now_us, arena, &status);
        live = hv_core_live_tasks(m->agent->core, now_us, arena, &n_live);
        refs = HV_ARENA_NEW_N(arena, struct hv_monitor_ref, status.n_unit_status + n_live + 1);
        n = list_units(&status, refs);
        n += list_tasks(live, n_live, refs + n);
        hv_monitor_follow(m->monitor, refs, n);
}

/* ---- where they are ---- */

static void inspect_unknown(struct hv_agent_monitor *m);

static void on_inspected(void *userdata, struct hv_docker_result *result) {
        struct inspect *i = userdata;
        struct hv_agent_monitor *m = i->monitor;
        const struct hv_docker_container *c = result->outcome == HV_DOCKER_OK ? result->container : NULL;

        i->call = NULL;
        if (c)
                hv_monitor_found(m->monitor, i->container, c->id, c->pid, !hv_streq(c->network_mode, "host"),
                                 hv_agent_now_us(), hv_agent_wall_us());
        else
                hv_monitor_not_found(m->monitor, i->container, hv_agent_now_us());
        free(i->container);
        i->container = NULL;
        inspect_unknown(m);
}

static void inspect_unknown(struct hv_agent_monitor *m) {
        struct hv_agent *a = m->agent;

        if (!a->docker || !hv_core_is_engine_ready(a->core))
                return;
        for (size_t k = 0; k < INSPECTS_MAX; k++) {
                struct inspect *i = &m->inspects[k];
                const char *name = i->call ? NULL : hv_monitor_next_unknown(m->monitor, hv_agent_now_us());

                if (!name)
                        continue;
                i->monitor = m;
                i->container = hv_strdup(name);
                i->call = hv_docker_container_inspect(
                        a->docker, name, (struct hv_docker_then){ .fn = on_inspected, .userdata = i });
        }
}

/* ---- rounds ---- */

static const struct hv_desired *in_force(const struct hv_agent *a) {
        return hv_core_active(a->core);
}

static uint64_t interval_us(const struct hv_agent *a) {
        const struct hv_desired *d = in_force(a);
        uint64_t us = d && d->tree ? d->tree->state.resources.monitor.interval_us : 0;

        return HV_MAX(us ? us : INTERVAL_DEFAULT_US, INTERVAL_MIN_US);
}

/* The engine's root is looked at where it is: of an engine elsewhere it is no path of this machine. */
static void watch_places(struct hv_agent_monitor *m) {
        struct hv_host_sampler *host = hv_monitor_host(m->monitor);
        const struct hv_agent *a = m->agent;
        const struct hv_docker_engine *e = a->docker ? hv_docker_engine(a->docker) : NULL;
        const struct hv_desired *d = in_force(a);
        _hv_cleanup_free_ char *slice = d ? hv_slice_path(d->settings.slice) : NULL;

        hv_host_sampler_watch(host, "work", a->work_root);
        hv_host_sampler_watch(host, "engine",
                              e && *e->root_dir == '/' && access(e->root_dir, F_OK) == 0 ? e->root_dir
                                                                                         : NULL);
        hv_host_sampler_watch(host, "state",
                              a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR);
        hv_monitor_follow_slice(m->monitor, slice);
}

/* A process that is gone though its container runs is nothing that the engine tells of. */
static void tell_ooms(struct hv_agent_monitor *m) {
        struct hv_monitor_oom oom;

        while (hv_monitor_next_oom(m->monitor, &oom)) {
                const struct hv_log_fields fields = { .kind = hv_kind_name(oom.kind),
                                                      .name = oom.object,
                                                      .container = oom.container,
                                                      .reason = "OOMKilledChild" };

                hv_metrics_oom_child(hv_api_metrics(m->agent->api), oom.container, oom.n);
                hv_log_event(HV_EVENT_CONTAINER_OOM_CHILD, &fields,
                             "%s \"%s\" container %s: the kernel killed %" PRIu64
                             " of its processes for want of memory, and it runs on",
                             hv_kind_label(oom.kind), oom.object, oom.container, oom.n);
        }
}

/* With each revision that changes it, and at each resync. */
static void keep_oom_group(struct hv_agent_monitor *m) {
        const struct hv_desired *d = in_force(m->agent);
        uint64_t now_us = hv_agent_now_us();
        bool whole;

        if (!d || !d->tree)
                return;
        whole = d->tree->state.resources.cgroup.memory_oom_group;
        if (m->oom_group_us && m->oom_group == whole && now_us - m->oom_group_us < d->settings.resync_us)
                return;
        m->oom_group_us = now_us;
        m->oom_group = whole;
        hv_monitor_oom_group(m->monitor, whole);
}

static void look(struct hv_agent_monitor *m, uint64_t next_us) {
        watch_places(m);
        keep_oom_group(m);
        if (!m->agent->options->once) /* it ends before anybody asks for containers */
                follow(m);
        hv_monitor_round(m->monitor, hv_agent_now_us(), hv_agent_wall_us());
        tell_ooms(m);
        hv_agent_pressure_sampled(m->agent);
        hv_agent_gc_sampled(m->agent);
        inspect_unknown(m);
        (void) sd_event_source_set_time_relative(m->timer, next_us);
        (void) sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_agent_monitor *m = userdata;

        (void) s;
        (void) at_us;
        look(m, interval_us(m->agent));
        return 0;
}

void hv_agent_usage(void *userdata, struct hv_monitor_view *ret) {
        const struct hv_agent *a = userdata;

        if (a->monitor)
                hv_monitor_look(a->monitor->monitor, ret);
        else
                *ret = (struct hv_monitor_view){};
        ret->gpus = hv_agent_gpus_last(a);
        ret->gpu_history = hv_agent_gpus_history(a);
}

const struct hv_container_sample *hv_agent_monitor_sample(const struct hv_agent *a, const char *container) {
        return a->monitor ? hv_monitor_sample(a->monitor->monitor, container) : NULL;
}

struct hv_container_gpus_sum hv_agent_monitor_gpus(const struct hv_agent *a, const char *container) {
        return a->monitor ? hv_monitor_gpus_sum(a->monitor->monitor, container)
                          : hv_container_gpus_sum(NULL, 0);
}

struct hv_task_gpu_use hv_agent_monitor_gpu_use(void *userdata, const char *container, const char *id) {
        const struct hv_agent *a = userdata;
        struct hv_task_gpu_use ret = {};
        struct hv_gpu_use u;

        if (!a->monitor)
                return ret;
        u = hv_monitor_gpu_use(a->monitor->monitor, container, id);
        ret.memory_is_known = u.memory_peak_bytes >= 0;
        ret.memory_peak_bytes = (uint64_t) HV_MAX(u.memory_peak_bytes, 0);
        ret.use_is_known = u.use_mean_percent >= 0;
        ret.use_mean_percent = (unsigned) HV_MAX(u.use_mean_percent, 0);
        ret.use_peak_percent = (unsigned) HV_MAX(u.use_peak_percent, 0);
        return ret;
}

void hv_agent_monitor_gpus_told(struct hv_agent *a, const struct hv_gpus *gpus) {
        if (a->monitor)
                hv_monitor_gpus(a->monitor->monitor, gpus);
}

const struct hv_host_sample *hv_agent_monitor_host(const struct hv_agent *a) {
        return a->monitor ? hv_host_sampler_last(hv_monitor_host(a->monitor->monitor)) : NULL;
}

const struct hv_file_system *hv_agent_monitor_disk(const struct hv_agent *a, const char *use) {
        return a->monitor ? hv_host_sampler_file_system(hv_monitor_host(a->monitor->monitor), use) : NULL;
}

void hv_agent_monitor_look_at_disks(struct hv_agent *a) {
        if (!a->monitor)
                return;
        watch_places(a->monitor);
        hv_host_sampler_look_at_disks(hv_monitor_host(a->monitor->monitor));
}

/* ---- life ---- */

/* Three quarters of the descriptors that this process may have; the rest is for connections, ledgers and results. */
static uint64_t files_max(void) {
        struct rlimit limit;

        return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? HV_MAX(limit.rlim_cur / 4 * 3, 1u) : 1;
}

int hv_agent_monitor_init(struct hv_agent *a, struct hv_err *err) {
        const struct hv_monitor_options options = { .n_files_max = files_max() };
        struct hv_agent_monitor *m;
        int r;

        m = HV_NEW(struct hv_agent_monitor);
        m->agent = a;
        m->monitor = hv_monitor_new(&options);
        a->monitor = m;
        r = sd_event_add_time(a->event, &m->timer, CLOCK_BOOTTIME, 0, 0, on_timer, m);
        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the event loop");
        look(m, FIRST_SPAN_US);
        return 0;
}

void hv_agent_monitor_end(struct hv_agent *a) {
        struct hv_agent_monitor *m = a->monitor;

        if (!m)
                return;
        for (size_t i = 0; i < INSPECTS_MAX; i++) {
                hv_docker_call_cancel(m->inspects[i].call);
                free(m->inspects[i].container);
        }
        sd_event_source_disable_unref(m->timer);
        (void) hv_monitor_free(m->monitor);
        free(m);
        a->monitor = NULL;
}
