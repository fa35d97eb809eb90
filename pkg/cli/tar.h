/* cli/tar.h - files of this machine as a tar.
 *
 * Model    Directories, regular files, symbolic links, with modes and times. What is below is opened without following a link. Devices,
 *          fifos and sockets are left out. A file that shrinks while it is read is an error; of one that grows so much is taken as it had.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

struct hv_tar {
        int (*write)(void *userdata, const void *data, size_t len); /* -errno: it is over */
        void (*left_out)(void *userdata, const char *path, const char *why);
        void *userdata;
        const char *path; /* what is packed */
        const char *
                name; /* what it is called in the archive; NULL: it is a directory, and its contents are packed */
        bool with_owners; /* otherwise all is root's */
};

int hv_tar(const struct hv_tar *t, struct hv_err *err);
