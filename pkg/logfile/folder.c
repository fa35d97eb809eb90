#include "logfile/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"

#define FOLDER_MODE 0750
#define FILE_MODE 0640

static int open_folder(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* The umask is for what the agent keeps to itself; these are read by whoever reads logs. */
static int make_folder(const char *path, struct hv_err *err) {
        int fd;

        if (mkdir(path, FOLDER_MODE) < 0)
                return hv_err_errno(err, -errno, "the folder %s cannot be made", path);
        fd = open_folder(path);
        if (fd < 0)
                return hv_err_errno(err, fd, "the folder %s cannot be opened", path);
        (void) fchmod(fd, FOLDER_MODE);
        return fd;
}

int hv_log_folder_open(const char *path, bool make, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open_folder(path);
        struct stat st;

        if (fd == -ENOENT && make)
                fd = make_folder(path, err);
        else if (fd < 0)
                return hv_err_errno(err, fd, "the folder %s cannot be opened", path);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "the folder %s cannot be looked at", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return hv_err_set(
                        err, -EPERM,
                        "the folder %s belongs to uid %u: who owns it could lead the files elsewhere; "
                        "expected a folder of uid %u",
                        path, (unsigned) st.st_uid, (unsigned) geteuid());
        if (st.st_mode & (S_IWGRP | S_IWOTH))
                return hv_err_set(err, -EPERM,
                                  "others may write to the folder %s (mode %04o), and so lead the files "
                                  "elsewhere; take that from them: chmod go-w %s",
                                  path, (unsigned) st.st_mode & 07777u, path);
        return hv_fd_steal(&fd);
}

/* A file whose last line has no end was cut by the end of the machine: the next one is not to be glued to it. */
static int end_last_line(int fd, off_t size) {
        char last = '\n';

        if (size > 0 && pread(fd, &last, 1, size - 1) < 0)
                return -errno;
        return last == '\n' ? 0 : hv_fd_write(fd, "\n", 1);
}

int hv_log_folder_append(int folder, const char *name, struct hv_err *err) {
        const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        _hv_cleanup_(hv_fd_closep) int fd = openat(folder, name, flags);
        struct stat st;
        int r;

        if (fd < 0 && errno == ENOENT) {
                fd = openat(folder, name, flags | O_CREAT | O_EXCL, FILE_MODE);
                if (fd >= 0)
                        (void) fchmod(fd, FILE_MODE);
        }
        if (fd < 0)
                return hv_err_errno(err, -errno, "%s cannot be opened", name);
        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "%s cannot be looked at", name);
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
                return hv_err_set(err, -EPERM, "%s is there and is no log of this agent's; move it away",
                                  name);
        r = end_last_line(fd, st.st_size);
        if (r < 0)
                return hv_err_errno(err, r, "%s cannot be written", name);
        return hv_fd_steal(&fd);
}
