/* host/figures.c - see figures.h. */
#include "host/figures.h"

#include <inttypes.h>
#include <stdio.h>

#define CPU_COLUMNS 8u /* user nice system idle iowait irq softirq steal; guests are in user and nice */
#define KIB_SHIFT 10

bool hv_host_cpu_ticks(const char *proc_stat, struct hv_cpu_ticks *ret) {
        uint64_t v[CPU_COLUMNS] = {};
        struct hv_cpu_ticks t = {};

        if (sscanf(proc_stat,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64,
                   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
                return false;
        for (unsigned i = 0; i < CPU_COLUMNS; i++) {
                t.total += v[i];
                t.busy += i == 3 || i == 4 ? 0 : v[i];
        }
        *ret = t;
        return true;
}

/* The kernel's idle and iowait may go back by a tick. */
bool hv_host_cpu_percent(const struct hv_cpu_ticks *before, const struct hv_cpu_ticks *now, double *ret) {
        if (now->total <= before->total)
                return false;
        *ret = HV_MIN(100.0 * (double) (now->busy - HV_MIN(before->busy, now->busy)) /
                              (double) (now->total - before->total),
                      100.0);
        return true;
}

static bool kib(const char *text, const char *key, uint64_t *ret_bytes) {
        uint64_t v;

        if (!hv_kernel_keyed(text, key, &v) || v > UINT64_MAX >> KIB_SHIFT)
                return false;
        *ret_bytes = v << KIB_SHIFT;
        return true;
}

bool hv_host_memory(const char *proc_meminfo, struct hv_host_memory *ret) {
        struct hv_host_memory m = {};

        if (!kib(proc_meminfo, "MemTotal", &m.total_bytes) || m.total_bytes == 0 ||
            !kib(proc_meminfo, "MemAvailable", &m.available_bytes))
                return false;
        m.available_bytes = HV_MIN(m.available_bytes, m.total_bytes);
        (void) kib(proc_meminfo, "MemFree", &m.free_bytes);
        (void) kib(proc_meminfo, "Cached", &m.cached_bytes);
        (void) kib(proc_meminfo, "SwapTotal", &m.swap_total_bytes);
        (void) kib(proc_meminfo, "SwapFree", &m.swap_free_bytes);
        *ret = m;
        return true;
}

double hv_host_memory_percent(const struct hv_host_memory *m) {
        return m->total_bytes ? 100.0 * (1.0 - (double) m->available_bytes / (double) m->total_bytes) : 0;
}

bool hv_host_load(const char *proc_loadavg, struct hv_host_load *ret) {
        unsigned whole[3], hundredths[3];
        struct hv_host_load l = {};

        if (sscanf(proc_loadavg, "%5u.%2u %5u.%2u %5u.%2u %9u/%9u", &whole[0], &hundredths[0], &whole[1],
                   &hundredths[1], &whole[2], &hundredths[2], &l.n_running, &l.n_threads) != 8)
                return false;
        l.of_1_min = whole[0] + hundredths[0] / 100.0;
        l.of_5_min = whole[1] + hundredths[1] / 100.0;
        l.of_15_min = whole[2] + hundredths[2] / 100.0;
        *ret = l;
        return true;
}

/* "model name	: AMD EPYC"; on ARM there is none. */
void hv_host_cpu_model(const char *proc_cpuinfo, char ret_model[HV_CPU_MODEL_SIZE], unsigned *ret_mhz) {
        const char *model = strstr(proc_cpuinfo, "model name"), *mhz = strstr(proc_cpuinfo, "cpu MHz");

        *ret_model = '\0';
        *ret_mhz = 0;
        if (model)
                (void) sscanf(model, "model name%*[ \t]: %63[^\n]", ret_model);
        if (mhz)
                (void) sscanf(mhz, "cpu MHz%*[ \t]: %7u", ret_mhz);
}

bool hv_host_counts_interface(const char *name, const char *device_type) {
        return !hv_streq(name, "lo") && !hv_has_prefix(name, "veth") && !hv_streq(device_type, "bridge") &&
               !hv_streq(device_type, "wireguard");
}
