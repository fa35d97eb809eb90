/* base/fd.h - file descriptors with an owner: -1 is none. */
#pragma once

#include <unistd.h>

#include "base/macros.h"

/* For _hv_cleanup_(hv_fd_closep): errno stays as it was. */
void hv_fd_closep(int *fd);

/* Moves a descriptor out of its variable: the variable is -1 afterwards. */
static inline int hv_fd_steal(int *fd) {
        int stolen = *fd;

        *fd = -1;
        return stolen;
}

/* Writes all of it, whatever signals come. -errno; -ENOSPC also where the file system takes nothing more without a reason. */
int hv_fd_write(int fd, const void *data, size_t len);
