/* task/packed.h - the bytes of an archive file, unzipped where they are compressed with gzip, counted, and their end
 * looked at. Private to the module.
 *
 * Gzip     of one part: the checksum at the end is compared with all of it (libarchive does not look at it).
 * Errors   -EBADMSG: damaged, cut, something behind its end, or more bytes than any honest data of this size has;
 *          -ECANCELED; everything else: the machine is in the way.
 */
#pragma once

#include "task/prepare.h"

struct hv_job;
struct hv_packed;

int hv_packed_open(int fd, bool is_gzip, const struct hv_task_input_limits *limits, const struct hv_job *job,
                   struct hv_packed **ret, struct hv_err *err);
struct hv_packed *hv_packed_free(struct hv_packed *p); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_packed, hv_packed_free);

/* Some more bytes, borrowed until the next call; 0: the end, which was a good one. */
ssize_t hv_packed_read(struct hv_packed *p, const void **ret, struct hv_err *err);

/* Reads up to the end: -EBADMSG when there is anything but zeros behind the first `used` bytes. */
int hv_packed_finish(struct hv_packed *p, uint64_t used, struct hv_err *err);
