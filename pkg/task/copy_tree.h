/* task/copy_tree.h - a directory that a stranger filled, copied with everything that can be copied.
 *
 * Model    By descriptor and name only: nothing is followed, what is mounted below is left out. Regular files (holes stay holes, and a
 *          file system that can shares the blocks), directories, and symbolic links as they are written; fifos, sockets and devices
 *          are left out. Permissions are kept (rwx) and times of files; everything belongs to `owner`.
 * Errors   -ELOOP more than HV_MEASURE_DEPTH_MAX levels; -ECANCELED; a full disk is -ENOSPC or -EDQUOT.
 * Thread   blocks: for a worker.
 */
#pragma once

#include "task/beneath.h"

struct hv_job;

/* What is in from_fd into to_fd, an empty directory. */
int hv_copy_tree(int from_fd, int to_fd, const struct hv_owner *owner, const struct hv_job *job,
                 struct hv_err *err);
