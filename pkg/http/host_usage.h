/* http/host_usage.h - how busy the machine is, from /proc: what the documented /api/status and /api/resources tell.
 *
 * Model    CPU use is between two looks: the one before and this one, at least a second apart; the first look tells the mean
 *          since the machine started.
 */
#pragma once

#include "base/macros.h"

struct hv_host_usage {
        double cpu_percent, memory_percent;
        uint64_t memory_total_bytes, memory_free_bytes; /* free: what programs can still have */
        uint64_t disk_total_bytes, disk_free_bytes;     /* of the file system of a path; 0: not known */

        /* the look before */
        uint64_t busy, total, at_us;
};

/* `u` is kept between looks, zeroed before the first. path may be NULL. */
void hv_host_usage_look(struct hv_host_usage *u, const char *path, uint64_t now_us);
