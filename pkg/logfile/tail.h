/* logfile/tail.h - the last lines of a log, over all its files: of the one that is written, and of those before it. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* At most so many whole lines and bytes, oldest first; added to `ret`. -ENOENT: there is no such log. */
int hv_logfile_tail(const char *folder, const char *name, size_t max_lines, size_t max_bytes,
                    struct hv_buf *ret, struct hv_err *err);
