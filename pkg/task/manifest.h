/* task/manifest.h - what a result holds, written down while it is collected: manifest.json.
 *
 *      {"version":1,"task":"prime-1","attempt":1,
 *       "files":[{"path":"results/out.txt","size":5,"mode":"0644","sha256":"..."}, ...],
 *       "leftOut":[{"path":"results/link","reason":"a symbolic link"}, ...],
 *       "leftOutTotal":1,"filesTotal":1,"bytesTotal":5,"truncated":false,
 *       "log":{"size":11,"sha256":"...","truncated":false,"seen":11},
 *       "usage":{"cpuMicroseconds":1034567,"memoryPeakBytes":54550528,"gpu":null}}
 *
 * Model    Written piece by piece, so that a million files need no memory. A path that is no valid UTF-8 is shown with
 *          U+FFFD, and `pathBase64` has it exactly. `truncated`: files are missing because of a cap. Of what was left out
 *          the first 1,000 are named, and all are counted.
 * Thread   everything here blocks: for the worker.
 */
#pragma once

#include "task/log_file.h"
#include "task/usage.h"
#include "task/workspace.h"

#define HV_MANIFEST_FILE "manifest.json"
#define HV_MANIFEST_NOTES_MAX 1000

struct hv_manifest;

struct hv_manifest_file {
        const char *path;
        uint64_t size_bytes;
        mode_t mode; /* rwx bits only */
        char sha256[HV_SHA256_HEX_SIZE];
};

struct hv_manifest_summary {
        size_t n_files, n_left_out;
        uint64_t size_bytes; /* of the files together */
        bool truncated;
        char sha256[HV_SHA256_HEX_SIZE]; /* of manifest.json */
};

int hv_manifest_new(int dir_fd, const struct hv_attempt *a, struct hv_manifest **ret, struct hv_err *err);
struct hv_manifest *hv_manifest_free(struct hv_manifest *m); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_manifest, hv_manifest_free);

int hv_manifest_add(struct hv_manifest *m, const struct hv_manifest_file *file, struct hv_err *err);
/* `by_cap`: because there was too much of it. */
void hv_manifest_leave_out(struct hv_manifest *m, const char *path, bool by_cap, const char *reason);
int hv_manifest_finish(struct hv_manifest *m, const struct hv_log_summary *log,
                       const struct hv_task_usage *usage, struct hv_manifest_summary *ret,
                       struct hv_err *err); /* not flushed */
