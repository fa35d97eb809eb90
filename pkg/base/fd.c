/* base/fd.c - see fd.h. */
#include "base/fd.h"

#include <errno.h>

void hv_fd_closep(int *fd) {
        int saved = errno;

        if (*fd >= 0)
                (void) close(*fd);
        *fd = -1;
        errno = saved;
}

int hv_fd_write(int fd, const void *data, size_t len) {
        const char *p = data;

        while (len > 0) {
                ssize_t n = write(fd, p, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -ENOSPC;
                p += n;
                len -= (size_t) n;
        }
        return 0;
}
