/* host/pressure.h - how much of the time something waits for memory; how much of a disk is free.
 *
 * Units    hundredths of a percent; bytes.
 * Source   Linux Documentation/accounting/psi.rst; statvfs(3).
 */
#pragma once

#include "base/err.h"

/* "some", of the last 10 s. -EOPNOTSUPP: this kernel does not count it. `path` NULL: /proc/pressure/memory. */
int hv_pressure_memory(const char *path, unsigned *ret_centi, struct hv_err *err);

/* Of the file system that `dir` is on; it need not exist yet: the nearest directory above it counts. Free is what others than root can have. Waits for its disk: not for the loop's thread. */
int hv_pressure_disk(const char *dir, uint64_t *ret_bytes, uint64_t *ret_free_bytes, struct hv_err *err);
