/* http/kept_log.h - what was kept of a task's log, as an answer: all of it or one stream, from the beginning or the last lines.
 *
 * Model    Flat memory: read while the client reads. With a number of last lines the log is read once more beforehand, to
 *          count them; its size is bounded by the task's own limit.
 */
#pragma once

#include "base/err.h"

struct hv_results;
struct hv_kept_log;

struct hv_kept_log_options {
        bool out, err;       /* which streams */
        uint64_t tail_lines; /* UINT64_MAX: all */
};

/* Takes `results` in any case. -ENOENT: there is no log. */
int hv_kept_log_new(struct hv_results *results, const struct hv_kept_log_options *o, struct hv_kept_log **ret,
                    struct hv_err *err);
struct hv_kept_log *hv_kept_log_free(struct hv_kept_log *k); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_kept_log, hv_kept_log_free);

/* 0: the end; -errno. */
ssize_t hv_kept_log_fill(struct hv_kept_log *k, char *buf, size_t cap);
