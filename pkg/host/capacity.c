/* host/capacity.c - see capacity.h. */
#include "host/capacity.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "host/pressure.h"

#define NANO UINT64_C(1000000000)

unsigned hv_host_count_cpus(void) {
        cpu_set_t set;
        long n;

        if (sched_getaffinity(0, sizeof set, &set) == 0)
                return (unsigned) CPU_COUNT(&set);
        n = sysconf(_SC_NPROCESSORS_ONLN); /* more than a cpu_set_t holds */
        return n > 0 ? (unsigned) n : 1;
}

static uint64_t read_setting(const char *path) {
        unsigned long long n = 0;
        FILE *f = fopen(path, "re");

        if (f && fscanf(f, "%llu", &n) != 1)
                n = 0;
        if (f)
                (void) fclose(f);
        return n;
}

uint64_t hv_capacity_threads(void) {
        uint64_t ids = read_setting("/proc/sys/kernel/pid_max");
        uint64_t threads = read_setting("/proc/sys/kernel/threads-max");

        return ids && threads ? HV_MIN(ids, threads) : 0;
}

int hv_capacity_read(const char *dir, struct hv_capacity *ret, struct hv_err *err) {
        struct hv_capacity c = { .nano_cpus = hv_host_count_cpus() * NANO };
        struct sysinfo memory;
        uint64_t free_bytes;
        int r;

        if (sysinfo(&memory) < 0)
                return hv_err_errno(err, -errno, "cannot tell the size of the memory");
        c.memory_bytes = (uint64_t) memory.totalram * memory.mem_unit;
        r = hv_pressure_disk(dir, &c.disk_bytes, &free_bytes, err);
        if (r < 0)
                return r;
        *ret = c;
        return 0;
}
