/* logfile/logfile.h - a log in files: lines are appended to NAME, and what is full becomes NAME.1.
 *
 *      hv_logfile_write() --> is NAME still the one that is open? --> has it room? --> one write(2) with O_APPEND
 *                                    | no: opened anew                  | no: shifted (rotated.h), opened anew
 *
 * Model    A line is written whole or not at all: what a full disk took of it is cut off again. A file or a folder that somebody moved
 *          away is noticed with the next line, which goes to a new one. Nothing is synced: the kernel writes when it likes.
 * Limits   By size of one file, by number of files, by the size of all of them, by the age of the one that is written. The oldest go when
 *          one is full; what is too many for other reasons is left to garbage collection (agent/log_files.c).
 */
#pragma once

#include "base/err.h"

struct hv_logfile;

struct hv_logfile_limits {
        uint64_t file_bytes;  /* one that would grow past it is full */
        unsigned files;       /* with the one that is written; 0: any */
        uint64_t total_bytes; /* likewise; 0: any */
        uint64_t age_us;      /* after so long it is full, too; 0: never */
};

struct hv_logfile *hv_logfile_new(const char *folder, const char *name,
                                  const struct hv_logfile_limits *limits);
struct hv_logfile *hv_logfile_free(struct hv_logfile *f); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_logfile, hv_logfile_free);

void hv_logfile_set_limits(struct hv_logfile *f, const struct hv_logfile_limits *limits);
const struct hv_logfile_limits *hv_logfile_get_limits(const struct hv_logfile *f);

/* Opens it, and makes folder and file where they are missing. 0 also when it is open. */
int hv_logfile_open(struct hv_logfile *f, struct hv_err *err);
/* Lines, each with its end. now_us: realtime. On an error none of them is in the file. */
int hv_logfile_write(struct hv_logfile *f, uint64_t now_us, const char *lines, size_t len,
                     struct hv_err *err);
