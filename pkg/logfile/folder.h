/* logfile/folder.h - the folder that log files stand in, and what a file of it must be to be written.
 *
 * Rules    The folder is made (0750) where it is missing; the one above it must be there. Folder and files belong to this user, or the
 *          folder to root, and nobody else may write to it: else a name in it could lead anywhere. A file is opened under its very
 *          name: no link is followed, no pipe waited for, and one that has a second name is left alone.
 * Blocking The calls are short, on a local file system. A file system that does not answer makes the caller wait.
 */
#pragma once

#include "base/err.h"

/* A descriptor of the folder, or -errno. make: where it is missing. */
int hv_log_folder_open(const char *path, bool make, struct hv_err *err);
/* To append; made (0640) where it is missing. */
int hv_log_folder_append(int folder, const char *name, struct hv_err *err);
