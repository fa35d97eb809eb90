/* logfile/rotated.h - one log over several files of a folder: NAME is written, NAME.1 was before it, NAME.2 before that.
 *
 * Model    A file counts by its very name (no leading zero), when it is a regular one of this user's; whatever else stands in the
 *          folder is never touched, not even where it stands in the way.
 * Crash    Each step of a shift is one rename(2): whenever it ends, every line is in one file, and the next shift closes the gap.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#define HV_ROTATED_MAX 999u

struct hv_rotated_file {
        unsigned number;            /* from 1, the newest */
        uint64_t bytes, written_us; /* realtime, of its last line */
};
struct hv_rotated_files {
        struct hv_rotated_file *v; /* by number */
        size_t n, cap;
};

#define HV_ROTATED_NAME_SIZE 64
/* "hivelet.log.3"; 0: the one that is written. */
void hv_rotated_name(const char *log, unsigned number, char ret[HV_ROTATED_NAME_SIZE]);

/* Those that are full; end with hv_rotated_files_done(). What cannot be listed is empty. */
void hv_rotated_list(int folder, const char *log, struct hv_rotated_files *ret);
void hv_rotated_files_done(struct hv_rotated_files *files);

/* NAME becomes NAME.1. On an error it is where it was. */
int hv_rotated_shift(int folder, const char *log, struct hv_err *err);
int hv_rotated_remove(int folder, const char *log, unsigned number,
                      struct hv_err *err); /* 0 also when it is gone */
