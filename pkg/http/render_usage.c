/* http/render_usage.c - see render_usage.h. */
#include "http/render_usage.h"

#include "base/time.h"
#include "http/render.h"
#include "http/render_gpu.h"
#include "json/write.h"

#define GIB 1073741824.0

static void put_known(struct hv_json_writer *w, const char *key, bool is_known, double value) {
        if (is_known)
                hv_json_put_real(w, key, value);
        else
                hv_json_put_null(w, key);
}

static void put_bytes(struct hv_json_writer *w, const char *key, bool is_known, uint64_t value) {
        if (is_known)
                hv_json_put_uint(w, key, value);
        else
                hv_json_put_null(w, key);
}

static double part(uint64_t used, uint64_t whole) {
        return whole ? 100.0 * (double) used / (double) whole : 0;
}

static void put_pressure(struct hv_json_writer *w, const char *key, const struct hv_pressure *p) {
        if (!p->is_known) {
                hv_json_put_null(w, key);
                return;
        }
        hv_json_begin_object(w, key);
        hv_json_put_real(w, "some", p->some_percent);
        hv_json_put_real(w, "full", p->full_percent);
        hv_json_put_real(w, "someSeconds", (double) p->some_total_us / 1e6);
        hv_json_put_real(w, "fullSeconds", (double) p->full_total_us / 1e6);
        hv_json_end(w);
}

static void put_pressures(struct hv_json_writer *w, const struct hv_pressure *cpu,
                          const struct hv_pressure *memory, const struct hv_pressure *io) {
        hv_json_begin_object(w, "pressure");
        put_pressure(w, "cpu", cpu);
        put_pressure(w, "memory", memory);
        put_pressure(w, "io", io);
        hv_json_end(w);
}

static void put_history(struct hv_json_writer *w, const struct hv_history *h, bool is_host, bool has_gpus) {
        hv_json_begin_array(w, "history");
        for (size_t i = 0; i < hv_history_size(h); i++) {
                const struct hv_history_point *p = hv_history_at(h, i);

                hv_json_begin_object(w, NULL);
                hv_render_time(w, "at", p->wall_us);
                hv_json_put_real(w, "cpuPercent", (double) p->cpu_percent);
                hv_json_put_uint(w, "memory", p->memory_bytes);
                if (is_host)
                        hv_json_put_real(w, "diskPercent", (double) p->disk_percent);
                hv_json_put_real(w, "receivedPerSecond", (double) p->rx_bytes_per_s);
                hv_json_put_real(w, "sentPerSecond", (double) p->tx_bytes_per_s);
                if (!is_host) {
                        put_known(w, "readPerSecond", p->read_bytes_per_s >= 0, (double) p->read_bytes_per_s);
                        put_known(w, "writtenPerSecond", p->written_bytes_per_s >= 0,
                                  (double) p->written_bytes_per_s);
                }
                if (has_gpus) {
                        put_known(w, "gpuPercent", p->gpu_percent >= 0, (double) p->gpu_percent);
                        put_bytes(w, "gpuMemory", p->gpu_memory_mib >= 0,
                                  (uint64_t) HV_MAX(p->gpu_memory_mib, 0) << 20);
                }
                hv_json_end(w);
        }
        hv_json_end(w);
}

/* ---- the machine ---- */

static void put_cpu(struct hv_json_writer *w, const struct hv_host_sample *s) {
        hv_json_begin_object(w, "cpu");
        put_known(w, "percent", s->cpu_is_known, s->cpu_percent);
        hv_json_put_uint(w, "count", s->n_cpus);
        hv_json_put_str(w, "model", *s->cpu_model ? s->cpu_model : NULL);
        put_known(w, "frequencyMHz", s->cpu_mhz > 0, s->cpu_mhz);
        hv_json_end(w);
        hv_json_begin_object(w, "load");
        hv_json_put_real(w, "1m", s->load.of_1_min);
        hv_json_put_real(w, "5m", s->load.of_5_min);
        hv_json_put_real(w, "15m", s->load.of_15_min);
        hv_json_end(w);
}

static void put_memory(struct hv_json_writer *w, const struct hv_host_memory *m) {
        hv_json_begin_object(w, "memory");
        hv_json_put_uint(w, "total", m->total_bytes);
        hv_json_put_uint(w, "available", m->available_bytes);
        hv_json_put_uint(w, "used", m->total_bytes - m->available_bytes);
        hv_json_put_real(w, "percent", part(m->total_bytes - m->available_bytes, m->total_bytes));
        hv_json_put_uint(w, "cached", m->cached_bytes);
        hv_json_put_uint(w, "swapTotal", m->swap_total_bytes);
        hv_json_put_uint(w, "swapFree", m->swap_free_bytes);
        hv_json_end(w);
}

static void put_disks(struct hv_json_writer *w, const struct hv_host_sample *s) {
        hv_json_begin_array(w, "disks");
        for (size_t i = 0; i < s->n_file_systems; i++) {
                const struct hv_file_system *f = &s->file_systems[i];

                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "use", f->use);
                hv_json_put_str(w, "path", f->path);
                hv_json_put_uint(w, "total", f->total_bytes);
                hv_json_put_uint(w, "available", f->available_bytes);
                hv_json_put_real(
                        w, "percent",
                        part(f->total_bytes - HV_MIN(f->available_bytes, f->total_bytes), f->total_bytes));
                hv_json_put_uint(w, "files", f->n_files);
                hv_json_put_uint(w, "filesFree", f->n_files_free);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_traffic(struct hv_json_writer *w, uint64_t rx_bytes, uint64_t tx_bytes, bool rates_are_known,
                        double rx_per_s, double tx_per_s) {
        hv_json_put_uint(w, "received", rx_bytes);
        hv_json_put_uint(w, "sent", tx_bytes);
        put_known(w, "receivedPerSecond", rates_are_known, rx_per_s);
        put_known(w, "sentPerSecond", rates_are_known, tx_per_s);
}

static void put_network(struct hv_json_writer *w, const struct hv_host_sample *s) {
        hv_json_begin_object(w, "network");
        put_traffic(w, s->rx_bytes, s->tx_bytes, s->rates_are_known, s->rx_bytes_per_s, s->tx_bytes_per_s);
        hv_json_begin_array(w, "interfaces");
        for (size_t i = 0; i < s->n_interfaces; i++) {
                const struct hv_interface_rate *r = &s->interfaces[i];

                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", r->counters.name);
                hv_json_put_bool(w, "counted", r->is_counted);
                put_traffic(w, r->counters.rx_bytes, r->counters.tx_bytes, s->rates_are_known,
                            r->rx_bytes_per_s, r->tx_bytes_per_s);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_json_end(w);
}

void hv_render_host_usage(struct hv_json_writer *w, const char *key, const struct hv_host_sample *s,
                          const struct hv_history *history) {
        if (!s) {
                hv_json_put_null(w, key);
                return;
        }
        hv_json_begin_object(w, key);
        hv_render_time(w, "sampledAt", s->wall_us);
        put_cpu(w, s);
        hv_json_put_uint(w, "processes", s->n_processes);
        hv_json_put_uint(w, "threads", s->load.n_threads);
        put_memory(w, &s->memory);
        put_pressures(w, &s->cpu_pressure, &s->memory_pressure, &s->io_pressure);
        put_disks(w, s);
        put_network(w, s);
        put_known(w, "temperatureCelsius", s->temperature_is_known, s->temperature_celsius);
        if (history)
                put_history(w, history, true, false);
        hv_json_end(w);
}

/* ---- containers ---- */

static void put_figures(struct hv_json_writer *w, const struct hv_container_sample *s) {
        const struct hv_cgroup_figures *f = &s->figures;
        bool has_io_rates = s->rates_are_known && (f->known & HV_CGROUP_IO);
        bool has_limit = (f->known & HV_CGROUP_MEMORY_LIMIT) && f->memory_limit_bytes > 0;

        hv_json_begin_object(w, "cpu");
        put_known(w, "percent", s->rates_are_known, s->cpu_percent);
        put_known(w, "seconds", f->known & HV_CGROUP_CPU, (double) f->cpu_us / 1e6);
        put_known(w, "throttledSeconds", f->known & HV_CGROUP_THROTTLED, (double) f->throttled_us / 1e6);
        hv_json_end(w);
        hv_json_begin_object(w, "memory");
        put_bytes(w, "workingSet", f->known & HV_CGROUP_MEMORY, hv_cgroup_working_set(f));
        put_bytes(w, "usage", f->known & HV_CGROUP_MEMORY, f->memory_bytes);
        put_bytes(w, "anonymous", f->known & HV_CGROUP_MEMORY_STAT, f->anonymous_bytes);
        put_bytes(w, "peak", f->known & HV_CGROUP_MEMORY_PEAK, f->memory_peak_bytes);
        put_bytes(w, "limit", has_limit, f->memory_limit_bytes);
        put_known(w, "percent", has_limit, part(hv_cgroup_working_set(f), f->memory_limit_bytes));
        put_bytes(w, "oomKills", f->known & HV_CGROUP_OOM, f->n_oom_kills);
        hv_json_end(w);
        put_bytes(w, "threads", f->known & HV_CGROUP_PIDS, f->n_pids);
        hv_json_begin_object(w, "io");
        put_bytes(w, "read", f->known & HV_CGROUP_IO, f->read_bytes);
        put_bytes(w, "written", f->known & HV_CGROUP_IO, f->written_bytes);
        put_known(w, "readPerSecond", has_io_rates, s->read_bytes_per_s);
        put_known(w, "writtenPerSecond", has_io_rates, s->written_bytes_per_s);
        hv_json_end(w);
        put_pressures(w, &f->cpu_pressure, &f->memory_pressure, &f->io_pressure);
}

static const char *number_word(enum hv_kind kind) {
        return kind == HV_KIND_TASK ? "attempt" : "replica";
}

void hv_render_container_usage(struct hv_json_writer *w, const struct hv_monitor_container *c,
                               bool with_history) {
        const struct hv_container_sample *s = &c->sample;

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "container", c->name);
        hv_json_put_str(w, "kind", hv_kind_name(c->kind));
        hv_json_put_str(w, "name", c->object);
        hv_json_put_uint(w, number_word(c->kind), c->number);
        hv_render_time(w, "sampledAt", s->wall_us);
        put_figures(w, s);
        if (s->network_is_known) {
                hv_json_begin_object(w, "network");
                put_traffic(w, s->rx_bytes, s->tx_bytes, s->rates_are_known, s->rx_bytes_per_s,
                            s->tx_bytes_per_s);
                hv_json_end(w);
        } else
                hv_json_put_null(w, "network");
        hv_render_container_gpus(w, "gpus", c->gpus, c->n_gpus);
        if (with_history)
                put_history(w, c->history, false, c->n_gpus > 0);
        hv_json_end(w);
}

void hv_render_usage(struct hv_json_writer *w, const struct hv_monitor_view *v, bool with_history) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", "Usage");
        hv_json_put_uint(w, "generation", v->generation);
        hv_render_host_usage(w, "host", v->host, with_history ? v->history : NULL);
        if (v->slice) {
                hv_json_begin_object(w, "hivelet");
                put_figures(w, v->slice);
                hv_json_end(w);
        } else
                hv_json_put_null(w, "hivelet");
        hv_render_gpu_usage(w, "gpus", v->gpus, with_history ? v->gpu_history : NULL);
        hv_json_begin_array(w, "containers");
        for (size_t i = 0; i < v->n_containers; i++)
                hv_render_container_usage(w, &v->containers[i], with_history);
        hv_json_end(w);
        hv_json_end(w);
}

/* ---- the documented older shapes ---- */

void hv_render_legacy_containers(struct hv_json_writer *w, const char *key, const struct hv_monitor_view *v) {
        hv_json_begin_object(w, key);
        for (size_t i = 0; i < v->n_containers; i++) {
                const struct hv_container_sample *s = &v->containers[i].sample;
                uint64_t used = hv_cgroup_working_set(&s->figures), limit = s->figures.memory_limit_bytes;

                if (!s->wall_us)
                        continue;
                if (limit == 0 && v->host) /* as the engine tells it: the machine's */
                        limit = v->host->memory.total_bytes;
                hv_json_begin_object(w, v->containers[i].name);
                hv_json_put_real(w, "cpu_percent", s->cpu_percent);
                hv_json_put_uint(w, "memory_usage", used);
                hv_json_put_uint(w, "memory_limit", limit);
                hv_json_put_real(w, "memory_percent", part(used, limit));
                hv_json_put_uint(w, "network_rx", s->rx_bytes);
                hv_json_put_uint(w, "network_tx", s->tx_bytes);
                hv_render_time(w, "timestamp", s->wall_us);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_render_legacy_system(struct hv_json_writer *w, const char *key, const struct hv_host_sample *s) {
        if (!s) {
                hv_json_put_null(w, key);
                return;
        }
        hv_json_begin_object(w, key);
        hv_render_time(w, "timestamp", s->wall_us);
        put_known(w, "cpu_percent", s->cpu_is_known, s->cpu_percent);
        hv_json_put_uint(w, "cpu_count", s->n_cpus);
        hv_json_put_uint(w, "cpu_frequency", s->cpu_mhz);
        hv_json_put_real(w, "memory_total", (double) s->memory.total_bytes / GIB);
        hv_json_put_real(w, "memory_available", (double) s->memory.available_bytes / GIB);
        hv_json_put_real(w, "memory_percent",
                         part(s->memory.total_bytes - s->memory.available_bytes, s->memory.total_bytes));
        hv_json_put_real(w, "disk_percent", hv_host_disk_percent(s, NULL));
        hv_json_put_uint(w, "network_rx", s->rx_bytes);
        hv_json_put_uint(w, "network_tx", s->tx_bytes);
        hv_json_put_uint(w, "process_count", s->n_processes);
        hv_json_begin_array(w, "load_average");
        hv_json_put_real(w, NULL, s->load.of_1_min);
        hv_json_put_real(w, NULL, s->load.of_5_min);
        hv_json_put_real(w, NULL, s->load.of_15_min);
        hv_json_end(w);
        hv_json_end(w);
}
