/* host/pressure.c - see pressure.h. */
#include "host/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

int hv_pressure_memory(const char *path, unsigned *ret_centi, struct hv_err *err) {
        const char *file = path ? path : "/proc/pressure/memory";
        _hv_cleanup_(hv_fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
        char text[256] = "";
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        unsigned whole, part;

        /* Without psi=1 where that is off: EOPNOTSUPP. */
        if (n < 0)
                return hv_err_errno(err, errno == ENOENT ? -EOPNOTSUPP : -errno, "cannot read %s", file);
        if (sscanf(text, "some avg10=%u.%2u", &whole, &part) != 2 || whole > 100)
                return hv_err_set(err, -EBADMSG, "%s does not begin with \"some avg10=\"", file);
        *ret_centi = whole * 100 + part;
        return 0;
}

int hv_pressure_disk(const char *dir, uint64_t *ret_bytes, uint64_t *ret_free_bytes, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_strdup(dir);
        struct statvfs fs;

        while (statvfs(path, &fs) < 0) {
                char *slash = strrchr(path, '/');

                if (errno != ENOENT || !slash)
                        return hv_err_errno(err, -errno, "cannot tell the size of the disk of %s", dir);
                slash[slash == path] = '\0';
        }
        *ret_bytes = (uint64_t) fs.f_blocks * fs.f_frsize;
        *ret_free_bytes = (uint64_t) fs.f_bavail * fs.f_frsize;
        return 0;
}
