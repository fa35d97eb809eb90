/* cgroup/figures.c - see figures.h. */
#include "cgroup/figures.h"

#include "base/alloc.h"

#define NSEC_PER_USEC 1000u
#define NO_LIMIT (UINT64_C(1) << 62) /* version 1 says the largest multiple of a page; version 2 "max" */

static bool found(struct hv_cgroup_figures *f, enum hv_cgroup_known what, bool is_found) {
        if (is_found)
                f->known |= what;
        return is_found;
}

/* ---- CPU ---- */

static bool cpu_v1(const char *text, struct hv_cgroup_figures *f) {
        uint64_t ns;

        if (!hv_kernel_number(text, &ns))
                return false;
        f->cpu_us = ns / NSEC_PER_USEC;
        return found(f, HV_CGROUP_CPU, true);
}

static bool throttled_v1(const char *text, struct hv_cgroup_figures *f) {
        uint64_t ns;

        if (!hv_kernel_keyed(text, "throttled_time", &ns))
                return false;
        f->throttled_us = ns / NSEC_PER_USEC;
        return found(f, HV_CGROUP_THROTTLED, true);
}

static bool cpu_v2(const char *text, struct hv_cgroup_figures *f) {
        (void) found(f, HV_CGROUP_THROTTLED, hv_kernel_keyed(text, "throttled_usec", &f->throttled_us));
        return found(f, HV_CGROUP_CPU, hv_kernel_keyed(text, "usage_usec", &f->cpu_us));
}

/* ---- memory ---- */

static bool memory(const char *text, struct hv_cgroup_figures *f) {
        return found(f, HV_CGROUP_MEMORY, hv_kernel_number(text, &f->memory_bytes));
}

static bool peak(const char *text, struct hv_cgroup_figures *f) {
        return found(f, HV_CGROUP_MEMORY_PEAK, hv_kernel_number(text, &f->memory_peak_bytes));
}

static bool take_limit(struct hv_cgroup_figures *f, uint64_t bytes) {
        f->memory_limit_bytes = bytes >= NO_LIMIT ? 0 : bytes;
        return found(f, HV_CGROUP_MEMORY_LIMIT, true);
}

static bool limit_v2(const char *text, struct hv_cgroup_figures *f) {
        uint64_t bytes;

        return hv_kernel_number(text, &bytes) && take_limit(f, bytes);
}

static bool memory_stat_v1(const char *text, struct hv_cgroup_figures *f) {
        uint64_t bytes;

        if (hv_kernel_keyed(text, "hierarchical_memory_limit", &bytes))
                (void) take_limit(f, bytes);
        return found(f, HV_CGROUP_MEMORY_STAT,
                     hv_kernel_keyed(text, "total_inactive_file", &f->inactive_file_bytes) &&
                             hv_kernel_keyed(text, "total_rss", &f->anonymous_bytes));
}

static bool memory_stat_v2(const char *text, struct hv_cgroup_figures *f) {
        return found(f, HV_CGROUP_MEMORY_STAT,
                     hv_kernel_keyed(text, "inactive_file", &f->inactive_file_bytes) &&
                             hv_kernel_keyed(text, "anon", &f->anonymous_bytes));
}

/* memory.oom_control of version 1 (Linux 4.13), memory.events of version 2. */
static bool oom(const char *text, struct hv_cgroup_figures *f) {
        return found(f, HV_CGROUP_OOM, hv_kernel_keyed(text, "oom_kill", &f->n_oom_kills));
}

uint64_t hv_cgroup_working_set(const struct hv_cgroup_figures *f) {
        return f->memory_bytes - HV_MIN(f->memory_bytes, f->inactive_file_bytes);
}

/* ---- processes and devices ---- */

static bool pids(const char *text, struct hv_cgroup_figures *f) {
        return found(f, HV_CGROUP_PIDS, hv_kernel_number(text, &f->n_pids));
}

/* "8:0 Read 4096\n", each device of its own. No line: nothing was read or written. */
static bool io_v1(const char *text, struct hv_cgroup_figures *f) {
        static const char read_word[] = " Read", written_word[] = " Write";
        uint64_t read_bytes = 0, written_bytes = 0, bytes;

        for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                const char *word = memchr(line, ' ', (size_t) (end - line));

                if (word && hv_has_prefix(word, read_word) && hv_kernel_keyed(word, read_word, &bytes))
                        read_bytes += bytes;
                if (word && hv_has_prefix(word, written_word) && hv_kernel_keyed(word, written_word, &bytes))
                        written_bytes += bytes;
        }
        f->read_bytes = read_bytes;
        f->written_bytes = written_bytes;
        return found(f, HV_CGROUP_IO, true);
}

static uint64_t assigned(const char *line, const char *end, const char *key) {
        const char *at = strstr(line, key);
        uint64_t v = 0;

        if (!at || at > end)
                return 0;
        for (at += strlen(key); *at >= '0' && *at <= '9'; at++)
                v = v * 10 + (uint64_t) (*at - '0'); /* unsigned: a device that lies wraps */
        return v;
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n" */
static bool io_v2(const char *text, struct hv_cgroup_figures *f) {
        f->read_bytes = f->written_bytes = 0;
        for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                f->read_bytes += assigned(line, end, " rbytes=");
                f->written_bytes += assigned(line, end, " wbytes=");
        }
        return found(f, HV_CGROUP_IO, true);
}

static bool cpu_pressure(const char *text, struct hv_cgroup_figures *f) {
        return hv_kernel_pressure(text, &f->cpu_pressure);
}

static bool memory_pressure(const char *text, struct hv_cgroup_figures *f) {
        return hv_kernel_pressure(text, &f->memory_pressure);
}

static bool io_pressure(const char *text, struct hv_cgroup_figures *f) {
        return hv_kernel_pressure(text, &f->io_pressure);
}

static const struct hv_cgroup_file files[] = {
        { "cpuacct", "cpuacct.usage", false, 1, cpu_v1 },
        { "cpu", "cpu.stat", false, 2, throttled_v1 },
        { "memory", "memory.usage_in_bytes", false, 1, memory },
        { "memory", "memory.stat", false, 1, memory_stat_v1 },
        { "memory", "memory.max_usage_in_bytes", false, 2, peak },
        { "memory", "memory.oom_control", false, 2, oom },
        { "pids", "pids.current", false, 1, pids },
        { "blkio", "blkio.throttle.io_service_bytes_recursive", false, 1, io_v1 },
        { "cpu", "cpu.stat", true, 1, cpu_v2 },
        { "memory", "memory.current", true, 1, memory },
        { "memory", "memory.stat", true, 1, memory_stat_v2 },
        { "memory", "memory.peak", true, 2, peak },
        { "memory", "memory.max", true, 2, limit_v2 },
        { "memory", "memory.events", true, 2, oom },
        { "pids", "pids.current", true, 1, pids },
        { "io", "io.stat", true, 1, io_v2 },
        { "pressure", "cpu.pressure", true, 4, cpu_pressure },
        { "pressure", "memory.pressure", true, 4, memory_pressure },
        { "pressure", "io.pressure", true, 4, io_pressure },
};

const struct hv_cgroup_file *hv_cgroup_file_at(size_t i) {
        return i < HV_ARRAY_SIZE(files) ? &files[i] : NULL;
}

/* ---- whose cgroup ---- */

static bool names(const char *list, const char *end, const char *controller) {
        size_t n = strlen(controller);

        if (list == end)
                return n == 0;
        for (const char *word = list; word < end;) {
                size_t len = strcspn(word, ",:");

                if (len == n && n > 0 && strncmp(word, controller, n) == 0)
                        return true;
                word += len + 1;
        }
        return false;
}

static char *cut_behind(const char *path, size_t len, const char *id) {
        _hv_cleanup_free_ char *whole = hv_strndup(path, len);
        char *at = id ? strstr(whole, id) : NULL;

        if (id && (!*id || !at))
                return NULL;
        if (at)
                at[strcspn(at, "/")] = '\0';
        return HV_STEAL(whole);
}

char *hv_cgroup_path_of_process(const char *text, const char *controller, const char *id) {
        for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                const char *list = memchr(line, ':', (size_t) (end - line)), *path;

                if (!list)
                        continue;
                list++;
                path = memchr(list, ':', (size_t) (end - list));
                if (!path || path[1] != '/' || !names(list, path, controller))
                        continue;
                return cut_behind(path + 1, (size_t) (end - path - 1), id);
        }
        return NULL;
}
