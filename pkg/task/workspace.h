/* task/workspace.h - the directory that a container sees as its working directory, one for each attempt.
 *
 *      <work>/<id>/<attempt>/               0700, of the agent: names in it are only the agent's
 *      <work>/<id>/<attempt>/workspace/     0770, of the container's user: mounted into the container
 *
 * Model    Made fresh for each attempt: what a crash left of the same attempt is removed first. The engine resolves the
 *          mount as root, so the closed parents do no harm, and nobody on the host can exchange a name above it.
 * Thread   everything here blocks: for the worker (task/worker.h).
 * Errors   a full disk is -ENOSPC or -EDQUOT.
 */
#pragma once

#include "task/beneath.h"

struct hv_job;

/* One attempt of one task. What is no id by hv_task_id_is_valid() never becomes a path: -EINVAL. */
struct hv_attempt {
        const char *id;
        unsigned attempt; /* 1.. */
};

#define HV_WORKSPACE_NONE \
        { .fd = -1, .attempt_fd = -1 }

struct hv_workspace {
        int fd;         /* of workspace/ */
        char *path;     /* absolute: what is given to the engine to be mounted */
        int attempt_fd; /* of the directory above: of the agent alone, on the same file system */
};

void hv_workspace_close(struct hv_workspace *w);

/* The path that hv_workspace_make() makes; the caller frees. */
char *hv_workspace_path(const char *work_root, const struct hv_attempt *a);

int hv_workspace_make(const char *work_root, const struct hv_attempt *a, const struct hv_owner *owner,
                      const struct hv_job *job, struct hv_workspace *ret, struct hv_err *err);
int hv_workspace_open(const char *work_root, const struct hv_attempt *a, struct hv_workspace *ret,
                      struct hv_err *err); /* -ENOENT */

/* Where the Python packages of the attempt are: <work>/<id>/<attempt>/packages is a link of the agent's to them. The caller
 * frees. -ENOENT: none were prepared. */
int hv_workspace_packages(const char *work_root, const struct hv_attempt *a, char **ret, struct hv_err *err);
int hv_workspace_link_packages(const char *work_root, const struct hv_attempt *a, const char *path,
                               struct hv_err *err);

/* Removes <work>/<id>/<attempt>, and <work>/<id> with the last one. 1 removed, 0 it was not there. */
int hv_workspace_remove(const char *work_root, const struct hv_attempt *a, const struct hv_job *job,
                        struct hv_err *err);

/* Removes <work>/<id>, whatever attempts are there. 1 removed, 0 it was not there. */
int hv_workspace_remove_all(const char *work_root, const char *id, const struct hv_job *job,
                            struct hv_err *err);

/* Are there any of this task? An error reads as yes. Does not block. */
bool hv_workspace_any(const char *work_root, const char *id);
