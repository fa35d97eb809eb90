/* task/measure.h - how much of a disk a directory takes, when a stranger filled it.
 *
 * Model    What is allocated (st_blocks), not what files pretend to be; of a file with several names each has its share. Links are
 *          not followed, what is mounted below is not counted. A file without a name (deleted, and still open) is not seen.
 *          Deeper than HV_MEASURE_DEPTH_MAX nothing is counted, and told.
 * Thread   blocks: for a worker. What vanishes meanwhile is left out.
 */
#pragma once

#include "base/err.h"

#define HV_MEASURE_DEPTH_MAX 128

struct hv_job;

struct hv_measured {
        uint64_t bytes, n_entries;
        bool is_too_deep;
};

/* Below fd, which is not counted itself. `job` (may be NULL) says when to stop: -ECANCELED. Adds to *sum. */
int hv_measure_tree(int fd, const struct hv_job *job, struct hv_measured *sum);
