#include "http/host_usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/time.h"

#define CPU_COLUMNS 8u /* user nice system idle iowait irq softirq steal; guests are in user and nice */

static void look_at_cpu(struct hv_host_usage *u, uint64_t now_us) {
        uint64_t v[CPU_COLUMNS] = {}, busy = 0, total = 0;
        FILE *f = fopen("/proc/stat", "re");

        if (!f)
                return;
        if (fscanf(f,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64,
                   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) >= 4) {
                for (unsigned i = 0; i < CPU_COLUMNS; i++) {
                        total += v[i];
                        busy += i == 3 || i == 4 ? 0 : v[i];
                }
        }
        (void) fclose(f);
        if (total <= u->total || (u->at_us && now_us < u->at_us + HV_USEC_PER_SEC))
                return;
        u->cpu_percent = 100.0 * (double) (busy - HV_MIN(u->busy, busy)) / (double) (total - u->total);
        u->busy = busy;
        u->total = total;
        u->at_us = now_us;
}

static void look_at_memory(struct hv_host_usage *u) {
        FILE *f = fopen("/proc/meminfo", "re");
        char line[128];
        uint64_t kib;

        if (!f)
                return;
        while (fgets(line, sizeof line, f)) {
                if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1)
                        u->memory_total_bytes = kib << 10;
                if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
                        u->memory_free_bytes = kib << 10;
        }
        (void) fclose(f);
        if (u->memory_total_bytes)
                u->memory_percent =
                        100.0 * (1.0 - (double) u->memory_free_bytes / (double) u->memory_total_bytes);
}

void hv_host_usage_look(struct hv_host_usage *u, const char *path, uint64_t now_us) {
        struct statvfs disk;

        look_at_cpu(u, now_us);
        look_at_memory(u);
        u->disk_total_bytes = u->disk_free_bytes = 0;
        if (path && statvfs(path, &disk) == 0) {
                u->disk_total_bytes = (uint64_t) disk.f_blocks * disk.f_frsize;
                u->disk_free_bytes = (uint64_t) disk.f_bavail * disk.f_frsize;
        }
}
