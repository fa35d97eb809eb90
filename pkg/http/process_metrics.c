#include "http/process_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

/* Start in clock ticks since boot: field 22; the name before it may hold spaces and parentheses. */
static uint64_t started_since_boot_us(void) {
        char line[1024], *p;
        unsigned long long ticks = 0;
        FILE *f = fopen("/proc/self/stat", "re");
        long hz = sysconf(_SC_CLK_TCK);

        if (!f)
                return 0;
        if (fgets(line, sizeof line, f) && (p = strrchr(line, ')')))
                (void) sscanf(
                        p + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                        &ticks);
        (void) fclose(f);
        return hz > 0 ? ticks * HV_USEC_PER_SEC / (unsigned long long) hz : 0;
}

static void read_memory(struct hv_process_metrics *ret) {
        unsigned long long size = 0, resident = 0;
        uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE);
        FILE *f = fopen("/proc/self/statm", "re");

        if (!f)
                return;
        if (fscanf(f, "%llu %llu", &size, &resident) == 2) {
                ret->virtual_bytes = size * page;
                ret->resident_bytes = resident * page;
        }
        (void) fclose(f);
}

static uint64_t count_fds(void) {
        DIR *d = opendir("/proc/self/fd");
        uint64_t n = 0;

        if (!d)
                return 0;
        while (readdir(d))
                n++;
        (void) closedir(d);
        return n > 3 ? n - 3 : 0; /* "." and "..", and the directory itself */
}

static uint64_t clock_us(clockid_t clock) {
        struct timespec t;

        if (clock_gettime(clock, &t) < 0)
                return 0;
        return (uint64_t) t.tv_sec * HV_USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

void hv_process_metrics_read(struct hv_process_metrics *ret) {
        static uint64_t started_wall_us; /* asked once: two clocks read one after the other wobble */
        struct rlimit limit;

        if (!started_wall_us) {
                uint64_t since_boot_us = started_since_boot_us();

                if (since_boot_us)
                        started_wall_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME) + since_boot_us;
        }

        *ret = (struct hv_process_metrics){
                .cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID),
                .n_open_fds = count_fds(),
                .started_wall_us = started_wall_us,
        };
        read_memory(ret);
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
                ret->max_fds = limit.rlim_cur;
}
