/* task/python_packages.h - installed Python packages: one directory for each set of them, shared by all tasks that want the same.
 *
 *      <root>/<key>/              complete, read-only for tasks; its time of change is when a task last wanted it
 *      <root>/build-<id>.<k>/     is being made for attempt k of a task, by a container of the task's own user:
 *             requirements.txt, packages/ (what is installed), tmp/
 *      <root>/gone-<key>/         is being removed
 *
 * Model    The key names what went in: the image (its id: another Python, another set of files), the requirements in normal
 *          form, the index, and the wheels by name, size and time. So what is there under a key is what would be made again,
 *          but for an index that has newer versions meanwhile. A set is complete or absent: it is flushed, then renamed.
 *          Who uses a set has a link to it beside its workspace (task/workspace.h): as long as one is there it stays.
 * Limits   10 GiB and 200,000 entries for one set.
 * Errors   -EBADMSG: what was installed, or the folder of wheels, is wrong, and would be again; all else: the machine.
 * Thread   everything here blocks: for the worker.
 */
#pragma once

#include "base/sha256.h"
#include "spec/task.h"
#include "task/workspace.h"

struct hv_job;

#define HV_PACKAGES_MAX_BYTES (UINT64_C(10) << 30)
#define HV_PACKAGES_MAX_ENTRIES 200000u

#define HV_PACKAGES_FILE "requirements.txt" /* names below a build directory */
#define HV_PACKAGES_TARGET "packages"
#define HV_PACKAGES_TEMP "tmp"

int hv_packages_key(const char *image_id, const struct hv_task_packages *packages,
                    char ret[HV_SHA256_HEX_SIZE], struct hv_err *err);

/* 1: it is there, and linked beside the attempt's workspace; 0: it must be made. */
int hv_packages_use(const char *root, const char *key, const char *work_root, const struct hv_attempt *a,
                    struct hv_err *err);

/* A fresh build directory. The caller frees *ret_path. */
int hv_packages_begin(const char *root, const struct hv_attempt *a, const struct hv_owner *owner,
                      const char *requirements, const struct hv_job *job, char **ret_path,
                      struct hv_err *err);

/* -EBADMSG: a build directory holds more than a set may, by now. What vanishes meanwhile is not counted. */
int hv_packages_check_size(const char *root, const struct hv_attempt *a, const struct hv_job *job,
                           struct hv_err *err);

/* The container has ended: what it installed becomes the agent's own, and is kept under its key. */
int hv_packages_commit(const char *root, const struct hv_attempt *a, const char *key,
                       const struct hv_job *job, struct hv_err *err);

/* Removes build directories that are not `under_way` (names such as "build-<id>.<k>"), and sets that no attempt is linked to and
 * none wanted for keep_us (0: for ever). With an unreadable work directory nothing is known, and no set goes. */
int hv_packages_sweep(const char *root, const char *work_root, const struct hv_strv *under_way,
                      uint64_t keep_us, const struct hv_job *job, struct hv_err *err);

/* "build-<id>.<k>"; the caller frees. */
char *hv_packages_build_name(const struct hv_attempt *a);
