/* monitor/history.h - the last points of a series, for charts, in memory that does not grow.
 *
 * Memory   48 bytes a point: 34 KiB for the machine (720 points, an hour at the default interval), 5.6 KiB for a container (120).
 */
#pragma once

#include "base/macros.h"

struct hv_history_point {
        uint64_t wall_us;
        uint64_t memory_bytes;
        float cpu_percent; /* of the machine: of all CPUs; of a container: of one CPU, so 200 is two of them */
        float disk_percent;
        float rx_bytes_per_s, tx_bytes_per_s;
        float read_bytes_per_s, written_bytes_per_s; /* of a container, disks; below 0: not known */
        float gpu_percent; /* of a container: of one GPU; below 0: not known, as the memory */
        int32_t gpu_memory_mib;
};

struct hv_history;

struct hv_history *hv_history_new(size_t n_points);
struct hv_history *hv_history_free(struct hv_history *h); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_history, hv_history_free);

/* The oldest goes where there is no room. */
void hv_history_add(struct hv_history *h, const struct hv_history_point *point);

size_t hv_history_size(const struct hv_history *h);
/* 0 is the oldest. */
const struct hv_history_point *hv_history_at(const struct hv_history *h, size_t i);
