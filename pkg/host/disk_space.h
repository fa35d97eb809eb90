/* host/disk_space.h - how full a file system is.
 *
 * Units    bytes. `free_bytes` is what a process without privileges may still take; what root alone may use counts as used, as
 *          df(1) has it.
 * Rules    `path` need not exist yet: the nearest directory above it counts. A file system that does not answer is waited for two
 *          seconds, once as long as it stays so (base/within.h).
 * Source   statvfs(3).
 */
#pragma once

#include "base/err.h"

struct hv_disk_space {
        uint64_t total_bytes, free_bytes;
        uint64_t file_system; /* two paths of one file system have the same */
};

int hv_disk_space_read(const char *path, struct hv_disk_space *ret, struct hv_err *err);

/* 0..100, rounded up: what is 85.1 % full is above a mark of 85 %. Nothing known: 0. */
unsigned hv_disk_space_used_percent(const struct hv_disk_space *s);
