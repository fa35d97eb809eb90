/* task/results.h - what the store holds of an attempt, for those who show it or give it away.
 *
 *      hv_results_open() -> manifest . one file . the log, or one stream of it . everything as tar or zip
 *
 * Model    A result never changes once it is there; it may be removed while it is read: what is open stays readable. Paths come
 *          from strangers: they are opened below files/ and nowhere else, without a link on the way.
 * Thread   each call reads a bounded piece of local files: good for the loop. hv_results_usage() walks everything: for the
 *          worker.
 * Errors   -ENOENT: no such result, or no such file in it; -EINVAL: no path.
 */
#pragma once

#include <sys/types.h>

#include "base/sha256.h"
#include "task/log_file.h"
#include "task/workspace.h"

struct hv_job;
struct hv_json;
struct hv_results;

int hv_results_open(const char *results_root, const struct hv_attempt *a, struct hv_results **ret,
                    struct hv_err *err);
struct hv_results *hv_results_free(struct hv_results *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_results, hv_results_free);

const struct hv_json *hv_results_manifest(const struct hv_results *r); /* manifest.json, see manifest.h */

/* Why its files are not there any more; NULL: they are. */
const char *hv_results_removed(const struct hv_results *r);

struct hv_result_file {
        int fd; /* the caller closes it */
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE];
};

/* `path` as in the manifest, such as "results/out.txt". */
int hv_results_open_file(const struct hv_results *r, const char *path, struct hv_result_file *ret,
                         struct hv_err *err);
int hv_results_open_log(const struct hv_results *r, struct hv_result_file *ret, struct hv_err *err);

/* --- in pieces, with flat memory: 0 is the end --- */

enum hv_result_format {
        HV_RESULT_TAR,
        HV_RESULT_ZIP,
};

struct hv_result_stream;

/* The collected files under their paths, with the permissions that they had (rwx). Lives on without `r`. */
int hv_result_stream_new(const struct hv_results *r, enum hv_result_format format,
                         struct hv_result_stream **ret, struct hv_err *err);
ssize_t hv_result_stream_fill(struct hv_result_stream *s, void *buf, size_t cap, struct hv_err *err);
struct hv_result_stream *hv_result_stream_free(struct hv_result_stream *s); /* takes NULL, gives NULL */

struct hv_log_reader;

/* Only what went to this stream. */
int hv_log_reader_new(const struct hv_results *r, enum hv_log_stream stream, struct hv_log_reader **ret,
                      struct hv_err *err);
ssize_t hv_log_reader_fill(struct hv_log_reader *l, void *buf, size_t cap, struct hv_err *err);
struct hv_log_reader *hv_log_reader_free(struct hv_log_reader *l); /* takes NULL, gives NULL */

/* Bytes on disk of all results. */
int hv_results_usage(const char *results_root, const struct hv_job *job, uint64_t *ret_bytes,
                     struct hv_err *err);
