/* task/folder.h - the agent's own directories: ROOT/<id>/<attempt>. Private to the module.
 *
 * Model    A root (the work directory, the results, the temporary files) is made with its parents when it is missing; what
 *          lies below is reached from its descriptor, one name at a time, 0700.
 */
#pragma once

#include "task/workspace.h"

int hv_folder_root(const char *path, int *ret_fd, struct hv_err *err); /* opens, making it */
int hv_folder_of_task(const char *root, const char *id, bool make, int *ret_fd,
                      struct hv_err *err); /* ROOT/<id>; -ENOENT */
int hv_folder_make(int dir_fd, const char *name, const char *path, int *ret_fd,
                   struct hv_err *err);                              /* and opens; may be there */
int hv_folder_check(const struct hv_attempt *a, struct hv_err *err); /* -EINVAL: no such id or attempt */
/* Is this a full disk? */
bool hv_folder_is_full(int error);
