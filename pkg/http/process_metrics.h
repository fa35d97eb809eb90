/* http/process_metrics.h - what the kernel says about this process, under the names that all exporters use.
 *
 * Source   proc(5): /proc/self/stat, statm, fd; /proc/stat (btime). What cannot be read is 0.
 */
#pragma once

#include "base/time.h"

struct hv_process_metrics {
        uint64_t cpu_us, resident_bytes, virtual_bytes, started_wall_us;
        uint64_t n_open_fds, max_fds;
};

void hv_process_metrics_read(struct hv_process_metrics *ret);
