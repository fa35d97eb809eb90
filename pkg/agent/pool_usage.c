/* agent/pool_usage.c - what a task of the pool takes while it runs. See pool.h.
 *
 *      asked for in a beat --> the node's own sample of its container (agent/monitor.h), where the kernel can be asked
 *                         `--> else by the engine's account: the last figures now; older than SAMPLE_EVERY_US: another sample is on
 *                              its way
 *
 * Why      the engine, too: the cgroups of one that is elsewhere, or of another user, are not to be seen here.
 * Pace     of the engine 5 s, as often as the node samples itself by default (resources.monitor.interval): one sample costs it a call,
 *          which 20.10 answers after a second, and people look at what comes of it. */
#include <stdlib.h>

#include "agent/monitor.h"
#include "agent/pool.h"
#include "base/alloc.h"
#include "base/map.h"
#include "docker/container.h"
#include "host/capacity.h"

#define SAMPLE_EVERY_US (5 * HV_USEC_PER_SEC)
#define UNKNOWN (-1.0)

struct measured {
        struct hv_docker_call *call; /* a sample is on its way; NULL: none */
        char *container;
        uint64_t nano_cpus;     /* that it may use; 0: all */
        uint64_t asked_us;      /* CLOCK_BOOTTIME: of the last sample; 0: none yet */
        uint64_t cpu_ns, at_us; /* the last sample, by the engine's clock; before it: the start */
        double cpu_percent, memory_percent;
        bool is_running; /* in the round at hand */
};

static void free_measured(void *data) {
        struct measured *m = data;

        hv_docker_call_cancel(m->call);
        free(m->container);
        free(m);
}

static void on_sample(void *userdata, struct hv_docker_result *result) {
        const struct hv_docker_usage *u = result->usage;
        struct measured *m = userdata;
        uint64_t took_ns, may_ns;

        m->call = NULL;
        if (result->outcome != HV_DOCKER_OK || u->read_us <= m->at_us || u->cpu_ns < m->cpu_ns)
                return; /* it ends just now; a clock was set back */
        took_ns = u->cpu_ns - m->cpu_ns;
        may_ns = (u->read_us - m->at_us) * 1000;
        m->cpu_percent = 100.0 * (double) took_ns / (double) may_ns;
        if (m->nano_cpus)
                m->cpu_percent /= (double) m->nano_cpus / 1e9;
        else if (u->online_cpus)
                m->cpu_percent /= u->online_cpus;
        if (u->memory_limit_bytes)
                m->memory_percent = 100.0 * (double) u->memory_bytes / (double) u->memory_limit_bytes;
        m->cpu_ns = u->cpu_ns;
        m->at_us = u->read_us;
}

/* Another attempt is another container, which begins from nothing. */
static struct measured *measured_of(struct hv_agent_pool *p, const struct hv_task_status *s) {
        struct measured *m;

        if (!p->measured)
                p->measured = hv_map_new(free_measured);
        m = hv_map_get(p->measured, s->id);
        if (m && hv_streq(m->container, s->container))
                return m;
        m = HV_NEW(struct measured);
        *m = (struct measured){ .container = hv_strdup(s->container),
                                .nano_cpus = s->booking.nano_cpus,
                                .at_us = s->started_wall_us,
                                .cpu_percent = UNKNOWN,
                                .memory_percent = UNKNOWN };
        hv_map_put(p->measured, s->id, m);
        return m;
}

static void tell_gpus(const struct hv_agent *a, const struct hv_task_status *s, struct hv_pool_task *ret) {
        struct hv_container_gpus_sum sum = hv_agent_monitor_gpus(a, s->container);

        if (sum.use_percent >= 0)
                ret->gpu_percent = (double) sum.use_percent / (double) sum.n;
        if (sum.memory_used_bytes >= 0 && sum.memory_bytes)
                ret->gpu_memory_percent = 100.0 * (double) sum.memory_used_bytes / (double) sum.memory_bytes;
}

/* False: there is none of this container. */
static bool tell_sample(const struct hv_agent *a, const struct hv_task_status *s, struct hv_pool_task *ret) {
        const struct hv_container_sample *sample = hv_agent_monitor_sample(a, s->container);
        double may_cpus = (double) s->booking.nano_cpus / 1e9;

        if (!sample)
                return false;
        if (may_cpus <= 0)
                may_cpus = hv_host_count_cpus();
        if (sample->rates_are_known)
                ret->cpu_percent = sample->cpu_percent / may_cpus;
        if (sample->figures.memory_limit_bytes)
                ret->memory_percent = 100.0 * (double) hv_cgroup_working_set(&sample->figures) /
                                      (double) sample->figures.memory_limit_bytes;
        return true;
}

void hv_agent_pool_measure(struct hv_agent_pool *p, const struct hv_task_status *s,
                           struct hv_pool_task *ret) {
        struct hv_agent *a = p->agent;
        uint64_t now_us = hv_agent_now_us();
        struct measured *m;

        ret->cpu_percent = ret->memory_percent = ret->gpu_percent = ret->gpu_memory_percent = UNKNOWN;
        if (!a->docker || !s->container || s->state != HV_TASK_RUNNING || !s->started_wall_us)
                return;
        tell_gpus(a, s, ret);
        if (tell_sample(a, s, ret))
                return;
        m = measured_of(p, s);
        m->is_running = true;
        ret->cpu_percent = m->cpu_percent;
        ret->memory_percent = m->memory_percent;
        if (m->call || (m->asked_us && now_us < m->asked_us + SAMPLE_EVERY_US))
                return;
        m->asked_us = now_us;
        m->call = hv_docker_container_stats(a->docker, m->container,
                                            (struct hv_docker_then){ .fn = on_sample, .userdata = m });
}

void hv_agent_pool_measured(struct hv_agent_pool *p) {
        struct measured *m;
        const char *id;
        size_t it = 0;

        while (p->measured && hv_map_next(p->measured, &it, &id, (void **) &m)) {
                if (m->is_running)
                        m->is_running = false;
                else
                        (void) hv_map_remove(p->measured, id);
        }
}
