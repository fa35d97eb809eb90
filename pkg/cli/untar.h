/* cli/untar.h - a tar that a stranger made, unpacked below a directory.
 *
 * Model    Directories, regular files, links of both kinds; each is made by task/beneath.h: libarchive opens no name of its own. The
 *          first component of all names is one (an engine names what it packs from the last component of the path on), and becomes
 *          `name`.
 * Safe     Refused: absolute names, "..", more than one beginning, a name below something that is no directory (also a link that was
 *          there, or that the archive made), hard links to what is not below, sparse files, a file where a directory is, damage. What is
 *          replaced is removed first, and never written through. Devices, fifos and sockets are left out. No file gets setuid or setgid.
 *          A file has as many bytes as its entry says, and as have come.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

struct hv_untar {
        ssize_t (*read)(void *userdata,
                        const void **ret); /* 0: the end; -errno, and the sentence is told already */
        void (*left_out)(void *userdata, const char *path, const char *why);
        void *userdata;
        int dir_fd;
        const char *name; /* NULL: the archive is a directory, whose contents go straight into dir_fd */
        bool with_owners;
};

int hv_untar(const struct hv_untar *u, struct hv_err *err);
