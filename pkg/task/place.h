/* task/place.h - one input brought to its place in a workspace. Private to the module.
 *
 * Errors   -EBADMSG: the input is wrong (refused); everything else: the machine is in the way.
 * Thread   blocks: for the worker.
 */
#pragma once

#include "task/beneath.h"

/* May a file of this name be made? -EBADMSG with the reason. */
int hv_place_check(const char *path, struct hv_err *err);

/* Of what a name collides with, or -errno as it is: what hv_beneath_make_file() says about a stranger's path. */
int hv_place_error(int error, const char *path, struct hv_err *err);

int hv_place_text(int workspace_fd, const char *path, const void *text, size_t len,
                  const struct hv_owner *owner, struct hv_err *err);

/* Moves the file `name` of from_fd (same file system) to `path`. */
int hv_place_file(int workspace_fd, const char *path, int from_fd, const char *name,
                  const struct hv_owner *owner, struct hv_err *err);
