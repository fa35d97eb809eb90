/* task/disk_watch.h - one look at what running tasks take of the disk, on a worker's thread of its own: a large tree takes long.
 *
 * Counted  the workspace (task/measure.h), while it is written to: a look is right to within what is written during it.
 * Owner    options are copied. `done` comes once, on the loop, never from inside the call. hv_disk_watch_free() before that: nothing
 *          is called any more. Before hv_worker_free().
 */
#pragma once

#include "task/workspace.h"

struct hv_disk_watch;
struct hv_worker;

struct hv_disk_use {
        struct hv_attempt attempt;
        uint64_t limit_bytes;
        uint64_t bytes; /* out */
        bool is_over;   /* out: above the limit, or so deep that it cannot be measured */
};

struct hv_disk_watch_options {
        struct hv_worker *worker;
        const char *work_root;
        const struct hv_disk_use *uses;
        size_t n_uses;
        void (*done)(void *userdata, const struct hv_disk_use *uses, size_t n_uses);
        void *userdata;
};

struct hv_disk_watch *hv_disk_watch_new(const struct hv_disk_watch_options *options);
struct hv_disk_watch *hv_disk_watch_free(struct hv_disk_watch *w); /* takes NULL, gives NULL */
