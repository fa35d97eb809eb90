/* http/metrics_usage.c - see metrics_usage.h. */
#include "http/metrics_usage.h"

#include <unistd.h>

#include "base/time.h"
#include "http/exposition.h"
#include "http/render_gpu.h"
#include "monitor/monitor.h"

#define TICKS_PER_S 100u /* where sysconf(3) says nothing: USER_HZ of all architectures of Debian */

/* ---- containers ---- */

struct figure {
        const char *name, *type, *help;
        unsigned known; /* enum hv_cgroup_known; 0: `has` decides */
        uint64_t (*value)(const struct hv_container_sample *s);
        bool (*has)(const struct hv_container_sample *s);
        bool is_time; /* the value is in microseconds */
};

static uint64_t cpu(const struct hv_container_sample *s) {
        return s->figures.cpu_us;
}

static uint64_t throttled(const struct hv_container_sample *s) {
        return s->figures.throttled_us;
}

static uint64_t memory(const struct hv_container_sample *s) {
        return s->figures.memory_bytes;
}

static uint64_t working_set(const struct hv_container_sample *s) {
        return hv_cgroup_working_set(&s->figures);
}

static uint64_t anonymous(const struct hv_container_sample *s) {
        return s->figures.anonymous_bytes;
}

static uint64_t peak(const struct hv_container_sample *s) {
        return s->figures.memory_peak_bytes;
}

static uint64_t limit(const struct hv_container_sample *s) {
        return s->figures.memory_limit_bytes;
}

static uint64_t oom_kills(const struct hv_container_sample *s) {
        return s->figures.n_oom_kills;
}

static uint64_t threads(const struct hv_container_sample *s) {
        return s->figures.n_pids;
}

static uint64_t bytes_read(const struct hv_container_sample *s) {
        return s->figures.read_bytes;
}

static uint64_t bytes_written(const struct hv_container_sample *s) {
        return s->figures.written_bytes;
}

static uint64_t received(const struct hv_container_sample *s) {
        return s->rx_bytes;
}

static uint64_t sent(const struct hv_container_sample *s) {
        return s->tx_bytes;
}

static uint64_t waited_for_cpu(const struct hv_container_sample *s) {
        return s->figures.cpu_pressure.some_total_us;
}

static uint64_t waited_for_memory(const struct hv_container_sample *s) {
        return s->figures.memory_pressure.some_total_us;
}

static uint64_t waited_for_io(const struct hv_container_sample *s) {
        return s->figures.io_pressure.some_total_us;
}

static uint64_t sampled(const struct hv_container_sample *s) {
        return s->wall_us;
}

static bool has_network(const struct hv_container_sample *s) {
        return s->network_is_known;
}

static bool has_pressure(const struct hv_container_sample *s) {
        return s->figures.cpu_pressure.is_known;
}

static bool has_sample(const struct hv_container_sample *s) {
        return s->wall_us > 0;
}

static const struct figure figures[] = {
        { "container_cpu_usage_seconds", "counter", "CPU time that a container took.", HV_CGROUP_CPU, cpu,
          NULL, true },
        { "container_cpu_cfs_throttled_seconds", "counter",
          "Time that it would have run in, had it no limit of CPU.", HV_CGROUP_THROTTLED, throttled, NULL,
          true },
        { "container_memory_usage_bytes", "gauge", "Memory that it uses, page cache included.",
          HV_CGROUP_MEMORY, memory, NULL, false },
        { "container_memory_working_set_bytes", "gauge",
          "Memory that it uses and that cannot be taken from it without loss.", HV_CGROUP_MEMORY, working_set,
          NULL, false },
        { "container_memory_rss", "gauge", "Memory of it that is no file's, bytes.", HV_CGROUP_MEMORY_STAT,
          anonymous, NULL, false },
        { "container_memory_max_usage_bytes", "gauge", "The most memory that it used at a time.",
          HV_CGROUP_MEMORY_PEAK, peak, NULL, false },
        { "container_spec_memory_limit_bytes", "gauge", "Memory that it may use; 0: no limit.",
          HV_CGROUP_MEMORY_LIMIT, limit, NULL, false },
        { "container_oom_events", "counter", "Processes in it that were killed because memory ran out.",
          HV_CGROUP_OOM, oom_kills, NULL, false },
        { "container_threads", "gauge", "Threads in it.", HV_CGROUP_PIDS, threads, NULL, false },
        { "container_fs_reads_bytes", "counter", "Bytes that it read from block devices.", HV_CGROUP_IO,
          bytes_read, NULL, false },
        { "container_fs_writes_bytes", "counter", "Bytes that it wrote to block devices.", HV_CGROUP_IO,
          bytes_written, NULL, false },
        { "container_network_receive_bytes", "counter", "Bytes that it received.", 0, received, has_network,
          false },
        { "container_network_transmit_bytes", "counter", "Bytes that it sent.", 0, sent, has_network, false },
        { "container_pressure_cpu_waiting_seconds", "counter", "Time in which some of it waited for a CPU.",
          0, waited_for_cpu, has_pressure, true },
        { "container_pressure_memory_waiting_seconds", "counter",
          "Time in which some of it waited for memory.", 0, waited_for_memory, has_pressure, true },
        { "container_pressure_io_waiting_seconds", "counter", "Time in which some of it waited for a disk.",
          0, waited_for_io, has_pressure, true },
        { "container_last_seen", "gauge", "When it was sampled last, seconds since the epoch.", 0, sampled,
          has_sample, true },
};

static void put_figure(struct hv_exposition *e, const struct figure *f, const struct hv_monitor_view *v) {
        _hv_cleanup_(hv_buf_done) struct hv_buf series = {};

        hv_exposition_family(e, f->name, f->type, f->help);
        hv_buf_printf(&series, "%s%s", f->name, hv_streq(f->type, "counter") ? "_total" : "");
        for (size_t i = 0; i < v->n_containers; i++) {
                const struct hv_monitor_container *c = &v->containers[i];
                const struct hv_exposition_labels l = { { "name", "kind", "object" },
                                                        { c->name, hv_kind_label(c->kind), c->object } };

                if (!c->sample.wall_us || (f->known && !(c->sample.figures.known & f->known)) ||
                    (f->has && !f->has(&c->sample)))
                        continue;
                if (f->is_time)
                        hv_exposition_us(e, hv_buf_str(&series), &l, f->value(&c->sample));
                else
                        hv_exposition_uint(e, hv_buf_str(&series), &l, f->value(&c->sample));
        }
}

/* ---- the machine ---- */

static void put_cpu(struct hv_exposition *e, const struct hv_host_sample *s) {
        long hz = sysconf(_SC_CLK_TCK);
        uint64_t per_s = hz > 0 ? (uint64_t) hz : TICKS_PER_S;

        hv_exposition_family(e, "hivelet_node_cpu_busy_seconds", "counter",
                             "Time in which the machine's CPUs worked, all of them added up.");
        hv_exposition_us(e, "hivelet_node_cpu_busy_seconds_total", NULL,
                         s->ticks.busy * (HV_USEC_PER_SEC / per_s));
        hv_exposition_family(e, "hivelet_node_cpus", "gauge", "CPUs that the agent may use.");
        hv_exposition_uint(e, "hivelet_node_cpus", NULL, s->n_cpus);
        if (s->cpu_is_known) {
                hv_exposition_family(
                        e, "hivelet_node_cpu_ratio", "gauge",
                        "Share of the machine's CPUs that worked between the last two samples, 0 to 1.");
                hv_exposition_real(e, "hivelet_node_cpu_ratio", NULL, s->cpu_percent / 100.0);
        }
        hv_exposition_family(e, "hivelet_node_load1", "gauge",
                             "Mean of threads that run or wait, over a minute.");
        hv_exposition_real(e, "hivelet_node_load1", NULL, s->load.of_1_min);
        hv_exposition_family(e, "hivelet_node_processes", "gauge", "Processes of the machine.");
        hv_exposition_uint(e, "hivelet_node_processes", NULL, s->n_processes);
}

static void put_memory(struct hv_exposition *e, const struct hv_host_memory *m) {
        static const char name[] = "hivelet_node_memory_bytes";

        hv_exposition_family(e, name, "gauge", "Memory of the machine.");
        hv_exposition_uint(e, name, &(struct hv_exposition_labels){ { "state" }, { "total" } },
                           m->total_bytes);
        hv_exposition_uint(e, name, &(struct hv_exposition_labels){ { "state" }, { "available" } },
                           m->available_bytes);
}

static void put_disks(struct hv_exposition *e, const struct hv_host_sample *s) {
        static const char name[] = "hivelet_node_filesystem_bytes";

        hv_exposition_family(e, name, "gauge", "File systems that the node writes to, by their use.");
        for (size_t i = 0; i < s->n_file_systems; i++) {
                const struct hv_file_system *f = &s->file_systems[i];

                hv_exposition_uint(e, name,
                                   &(struct hv_exposition_labels){ { "use", "state" }, { f->use, "total" } },
                                   f->total_bytes);
                hv_exposition_uint(
                        e, name,
                        &(struct hv_exposition_labels){ { "use", "state" }, { f->use, "available" } },
                        f->available_bytes);
        }
}

static void put_network(struct hv_exposition *e, const struct hv_host_sample *s) {
        hv_exposition_family(
                e, "hivelet_node_network_receive_bytes", "counter",
                "Bytes that the machine received, without those of containers among each other.");
        hv_exposition_uint(e, "hivelet_node_network_receive_bytes_total", NULL, s->rx_bytes);
        hv_exposition_family(e, "hivelet_node_network_transmit_bytes", "counter",
                             "Bytes that the machine sent.");
        hv_exposition_uint(e, "hivelet_node_network_transmit_bytes_total", NULL, s->tx_bytes);
}

static void put_pressure(struct hv_exposition *e, const struct hv_host_sample *s) {
        static const char name[] = "hivelet_node_pressure_waiting_seconds_total";
        const struct {
                const char *resource;
                const struct hv_pressure *pressure;
        } all[] = { { "cpu", &s->cpu_pressure },
                    { "memory", &s->memory_pressure },
                    { "io", &s->io_pressure } };

        hv_exposition_family(e, "hivelet_node_pressure_waiting_seconds", "counter",
                             "Time in which some work waited for a resource.");
        for (size_t i = 0; i < HV_ARRAY_SIZE(all); i++)
                if (all[i].pressure->is_known)
                        hv_exposition_us(
                                e, name,
                                &(struct hv_exposition_labels){ { "resource" }, { all[i].resource } },
                                all[i].pressure->some_total_us);
        if (!s->temperature_is_known)
                return;
        hv_exposition_family(e, "hivelet_node_temperature_celsius", "gauge",
                             "The hottest zone of the machine.");
        hv_exposition_real(e, "hivelet_node_temperature_celsius", NULL, s->temperature_celsius);
}

void hv_metrics_usage(struct hv_exposition *e, const struct hv_monitor_view *usage) {
        const struct hv_host_sample *host = usage ? usage->host : NULL;

        if (usage)
                hv_metrics_gpus(e, usage->gpus);
        if (!host)
                return;
        put_cpu(e, host);
        put_memory(e, &host->memory);
        put_disks(e, host);
        put_network(e, host);
        put_pressure(e, host);
        hv_exposition_family(e, "hivelet_node_sampled_timestamp_seconds", "gauge",
                             "When the machine was sampled last.");
        hv_exposition_us(e, "hivelet_node_sampled_timestamp_seconds", NULL, host->wall_us);
        for (size_t i = 0; i < HV_ARRAY_SIZE(figures); i++)
                put_figure(e, &figures[i], usage);
        hv_metrics_container_gpus(e, usage);
}
