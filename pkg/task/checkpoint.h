/* task/checkpoint.h - what a task that stopped in the middle left for its next attempt.
 *
 *      <work>/<id>/<k>/workspace/<path>    attempt k ended with its checkpoint's exit code
 *                  | hv_checkpoint_keep()  with its result: copied, flushed, renamed
 *      <work>/<id>/checkpoint.<k>/         complete, or not there
 *                  | hv_checkpoint_give()  with the inputs of a later attempt: copied
 *      <work>/<id>/<n>/workspace/<path>
 *
 * Model    Each attempt finds what the last attempt that stopped at a checkpoint left, and nothing of one that failed: what a crash
 *          left half written never becomes a checkpoint. The kept copy stays until a newer one is there or the task has ended.
 *          Which files, and what of links: task/copy_tree.h.
 * Thread   blocks: for the worker.
 */
#pragma once

#include "task/workspace.h"

/* 1 kept (also by an earlier call), 0 there is no such folder. -ELOOP: it cannot be kept at all; other errors may pass. */
int hv_checkpoint_keep(const char *work_root, const struct hv_attempt *a, const char *path,
                       const struct hv_owner *owner, const struct hv_job *job, struct hv_err *err);

/* Into the workspace of attempt a, in place of what is there under `path`. 1 given, 0 there is none. */
int hv_checkpoint_give(const char *work_root, const struct hv_attempt *a, const char *path,
                       const struct hv_owner *owner, int workspace_fd, const struct hv_job *job,
                       struct hv_err *err);
