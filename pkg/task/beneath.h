/* task/beneath.h - names that a stranger chose, opened without leaving a directory.
 *
 * Model    A directory is held open; everything is reached from there with openat2(): no symbolic or magic link, no
 *          "..", no other file system on the way. What is swapped while we look changes nothing: the kernel walks, once.
 * Errors   0 or a descriptor, or -errno: -ELOOP a link, -EXDEV a mount or a way out, -ENOENT, -EEXIST, ...
 * Source   openat2(2); CVE-2021-25741 and CVE-2022-24683 for what goes wrong without.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

struct hv_owner {
        uid_t uid;
        gid_t gid;
};

#define HV_BENEATH_NAME_MAX 255
#define HV_BENEATH_PATH_MAX 4096
#define HV_BENEATH_DEPTH_MAX 64

/* NULL, or what is wrong with a path that is to be made: it must be relative, of normal form (no empty, "." or ".."
 * component), valid UTF-8 without control characters and backslashes, and within the limits above. One sentence part,
 * such as "holds \"..\"". */
const char *hv_beneath_fault(const char *path, size_t len);

int hv_beneath_open(int dir_fd, const char *path, int flags, mode_t mode);

/* Opens a regular file for reading, whatever else may be under its name: looks before it opens, so that no device is
 * touched and no fifo waited for. -EINVAL: not a regular file. */
int hv_beneath_open_regular(int dir_fd, const char *path, int *ret_fd);

/* The same for an absolute path of the host: no link on the way; other file systems may be. */
int hv_beneath_open_host_file(const char *path, int *ret_fd);

/* Makes the directories of `path` that are missing (0755, owner) and gives the last one; "" is dir_fd itself. */
int hv_beneath_make_dirs(int dir_fd, const char *path, const struct hv_owner *owner, int *ret_fd);

/* Makes a file that was not there (mode 0600, owner) and the directories above it. */
int hv_beneath_make_file(int dir_fd, const char *path, const struct hv_owner *owner, int *ret_fd);
