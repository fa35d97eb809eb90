/* task/tree.h - removing a directory with everything in it, when a stranger filled it.
 *
 * Model    By descriptor and name only (openat2, unlinkat): a link is removed and never followed, what is mounted below
 *          is neither entered nor removed. Trees of any depth need 32 descriptors: what lies deeper is first moved up.
 * Errors   goes on after a failure and reports the first one and how many there were: -EXDEV a mount, -EPERM also what
 *          is immutable (chattr +i), -ECANCELED.
 * Source   CVE-2026-6959 for what goes wrong when an agent trusts what it finds in a task's directory.
 */
#pragma once

#include "base/err.h"

struct hv_job;

/* Removes `name` (one component) of dir_fd, whatever it is. 1 removed, 0 it was not there. `path` is for messages, `job`
 * (may be NULL) says when to stop. */
int hv_tree_remove(int dir_fd, const char *name, const char *path, const struct hv_job *job,
                   struct hv_err *err);
