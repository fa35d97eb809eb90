/* task/log_file.h - what a container printed, kept as it is: the end of it, as much as `cap`, and which of it was stderr.
 *
 *      log             the bytes, in the order in which they came; where the beginning was dropped, first one line that says so
 *      log.idx         runs of one stream: each a LEB128 number, length * 2, plus 1 for stderr; they add up to log's size
 *
 * Model    Bytes are counted in the engine's form (log_form.h). Two segments of `cap`, written by turns: the older one is
 *          dropped when the newer is full. So the disk never holds more than twice the cap, whatever comes, and memory no
 *          more than a buffer. The kept part begins behind a newline, unless its first 64 KiB hold none. The line in front
 *          is not counted in the cap; it is stderr.
 * Mark     The line is there exactly when something is missing. What cost more than the cap is cut here; an engine that holds
 *          more than the cap before it drops anything has dropped nothing of what costs less (spec/task.h, `log_max_bytes`).
 * Thread   everything here blocks: for the worker.
 * Errors   a full disk is -ENOSPC or -EDQUOT.
 */
#pragma once

#include <stdio.h>

#include "base/err.h"
#include "base/sha256.h"
#include "task/log_form.h"

#define HV_LOG_FILE "log"
#define HV_LOG_INDEX_FILE "log.idx"

enum hv_log_stream { /* as the engine numbers them */
                     HV_LOG_FROM_STDOUT = 1,
                     HV_LOG_FROM_STDERR = 2,
};

struct hv_log_summary {
        uint64_t size_bytes; /* of the file */
        uint64_t seen_bytes; /* that came */
        bool truncated;      /* the beginning is missing */
        char sha256[HV_SHA256_HEX_SIZE];
};

struct hv_log_file;

/* In dir_fd (borrowed), where nothing of these names may be. cap_bytes 0: no cap. */
int hv_log_file_new(int dir_fd, uint64_t cap_bytes, enum hv_log_form form, struct hv_log_file **ret,
                    struct hv_err *err);
struct hv_log_file *hv_log_file_free(
        struct hv_log_file *f); /* takes NULL, gives NULL; the files stay as they are */
HV_DEFINE_CLEANUP(struct hv_log_file, hv_log_file_free);

/* A message of the engine, or a part of one. */
int hv_log_file_add(struct hv_log_file *f, enum hv_log_stream stream, const void *data, size_t len,
                    struct hv_err *err);

/* The engine is known to have dropped the beginning: what is there is marked, however short it is. */
void hv_log_file_lost_beginning(struct hv_log_file *f);

/* Makes the two files from the segments, not flushed. Nothing may be added afterwards. */
int hv_log_file_finish(struct hv_log_file *f, struct hv_log_summary *ret, struct hv_err *err);

/* The next number of log.idx; false at its end, or where it is no such file. */
bool hv_log_next_run(FILE *index, uint64_t *ret);
