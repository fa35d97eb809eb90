/* task/workspace.h - the directory that a container sees as its working directory, one for each attempt.
 *
 *      <work>/<id>/<attempt>/               0700, of the agent: names in it are only the agent's
 *      <work>/<id>/<attempt>/workspace/     0770, of the container's user: mounted into the container
 *      <work>/<id>/<attempt>/workspace.withheld/    the same, while no engine is to find it: under its own name there is a
 *                                                   link that leads nowhere
 *
 * Model    Made fresh for each attempt: what a crash left of the same attempt is removed first. The engine resolves the
 *          mount as root, so the closed parents do no harm, and nobody on the host can exchange a name above it.
 *          Withheld is a matter of names and nothing else: an engine that is still to start the container finds no source
 *          for the mount and fails; a container that runs keeps the mount it has. The link is for podman, which makes the
 *          missing source of a container that it is to make (4.3; Docker makes none). Nothing is flushed: after a power cut
 *          no start is on its way any more, and whoever comes next withholds anew.
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
        int fd;         /* of workspace/, withheld or not */
        char *path;     /* absolute */
        int attempt_fd; /* of the directory above: of the agent alone, on the same file system */
};

void hv_workspace_close(struct hv_workspace *w);

/* The path that hv_workspace_make() makes, and an engine is given to mount; the caller frees. */
char *hv_workspace_path(const char *work_root, const struct hv_attempt *a);

int hv_workspace_make(const char *work_root, const struct hv_attempt *a, const struct hv_owner *owner,
                      const struct hv_job *job, struct hv_workspace *ret, struct hv_err *err);
int hv_workspace_open(const char *work_root, const struct hv_attempt *a, struct hv_workspace *ret,
                      struct hv_err *err); /* -ENOENT */

/* Both may be repeated. An empty directory that somebody made under its name meanwhile is removed; what else lies there is
 * -ENOTEMPTY. */
int hv_workspace_withhold(const char *work_root, const struct hv_attempt *a,
                          struct hv_err *err); /* 0 also when there is none: nobody can mount one now */
int hv_workspace_restore(const char *work_root, const struct hv_attempt *a,
                         struct hv_err *err); /* -ENOENT: there is none under either name */

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
