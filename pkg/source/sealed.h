/* source/sealed.h - a file that shows whether it is whole: the last line is the SHA-256 of all before it.
 *
 * Why      rename makes a file old or new as long as the disk keeps its word; a disk that does not, an
 *          editor, or a copy that stopped half way is found out here.
 */
#pragma once

#include "source/disk.h"

/* Adds the line to `content` and replaces the file. */
int hv_sealed_write(const struct hv_disk *d, const char *name, struct hv_buf *content, struct hv_err *err);

/* The content without the line. -EBADMSG: damaged, truncated or edited. */
int hv_sealed_read(const struct hv_disk *d, const char *name, size_t max, struct hv_buf *ret,
                   struct hv_err *err);
