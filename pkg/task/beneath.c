/* task/beneath.c - see beneath.h. */
#include "task/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"

#define MODE_DIR 0755
#define MODE_NEW_FILE 0600

static const char *fault_of_component(const char *name, size_t len) {
        if (len == 0)
                return "has an empty component";
        if (len == 1 && name[0] == '.')
                return "holds \".\"";
        if (len == 2 && name[0] == '.' && name[1] == '.')
                return "holds \"..\"";
        return len > HV_BENEATH_NAME_MAX ? "has a name of more than 255 bytes" : NULL;
}

static const char *fault_of_characters(const char *path, size_t len) {
        if (memchr(path, '\0', len))
                return "holds a NUL byte";
        if (!hv_utf8_is_valid(path, len, NULL))
                return "is not valid UTF-8";
        for (size_t i = 0; i < len; i++) {
                if ((unsigned char) path[i] < 0x20 || path[i] == 0x7f)
                        return "holds a control character";
                if (path[i] == '\\')
                        return "holds a backslash";
        }
        return NULL;
}

const char *hv_beneath_fault(const char *path, size_t len) {
        const char *fault;
        unsigned depth = 0;

        if (len == 0)
                return "is empty";
        if (path[0] == '/')
                return "is absolute";
        if (len > HV_BENEATH_PATH_MAX)
                return "has more than 4096 bytes";
        fault = fault_of_characters(path, len);
        for (size_t from = 0; !fault && from <= len; depth++) {
                const char *slash = memchr(path + from, '/', len - from);
                size_t to = slash ? (size_t) (slash - path) : len;

                fault = fault_of_component(path + from, to - from);
                from = to + 1;
        }
        if (fault)
                return fault;
        return depth > HV_BENEATH_DEPTH_MAX ? "is more than 64 levels deep" : NULL;
}

static int open_at(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve) {
        struct open_how how = {
                .flags = (uint64_t) (flags | O_CLOEXEC),
                .mode = flags & O_CREAT ? mode : 0,
                .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | resolve,
        };
        long fd;

        do /* -EAGAIN: somebody renames directories at this moment, and the kernel cannot be sure */
                fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
        while (fd < 0 && (errno == EAGAIN || errno == EINTR));
        return fd < 0 ? -errno : (int) fd;
}

int hv_beneath_open(int dir_fd, const char *path, int flags, mode_t mode) {
        return open_at(dir_fd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

/* `place` is an O_PATH descriptor: the very file that was looked at is opened, not its name again. */
static int open_if_regular(int place, int *ret_fd) {
        char link[32];
        struct stat st;
        int fd;

        if (fstat(place, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        (void) snprintf(link, sizeof link, "/proc/self/fd/%d", place);
        fd = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int hv_beneath_open_regular(int dir_fd, const char *path, int *ret_fd) {
        _hv_cleanup_(hv_fd_closep) int place = hv_beneath_open(dir_fd, path, O_PATH | O_NOFOLLOW, 0);

        return place < 0 ? place : open_if_regular(place, ret_fd);
}

int hv_beneath_open_host_file(const char *path, int *ret_fd) {
        _hv_cleanup_(hv_fd_closep) int place = open_at(AT_FDCWD, path, O_PATH | O_NOFOLLOW, 0, 0);

        return place < 0 ? place : open_if_regular(place, ret_fd);
}

static int make_dir(int parent_fd, const char *name, const struct hv_owner *owner) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        bool is_new;

        is_new = mkdirat(parent_fd, name, MODE_DIR) == 0;
        if (!is_new && errno != EEXIST)
                return -errno;
        fd = hv_beneath_open(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        if (is_new && (fchown(fd, owner->uid, owner->gid) < 0 || fchmod(fd, MODE_DIR) < 0))
                return -errno;
        return hv_fd_steal(&fd);
}

int hv_beneath_make_dirs(int dir_fd, const char *path, const struct hv_owner *owner, int *ret_fd) {
        _hv_cleanup_(hv_fd_closep) int at = -1;

        at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
        if (at < 0)
                return -errno;
        while (*path) {
                size_t len = strcspn(path, "/");
                _hv_cleanup_free_ char *name = hv_strndup(path, len);
                int next = make_dir(at, name, owner);

                if (next < 0)
                        return next;
                (void) close(at);
                at = next;
                path += len + (path[len] == '/');
        }
        *ret_fd = hv_fd_steal(&at);
        return 0;
}

int hv_beneath_make_file(int dir_fd, const char *path, const struct hv_owner *owner, int *ret_fd) {
        const char *slash = strrchr(path, '/');
        _hv_cleanup_free_ char *above = slash ? hv_strndup(path, (size_t) (slash - path)) : hv_strdup("");
        _hv_cleanup_(hv_fd_closep) int parent = -1, fd = -1;
        int r;

        r = hv_beneath_make_dirs(dir_fd, above, owner, &parent);
        if (r < 0)
                return r;
        fd = hv_beneath_open(parent, slash ? slash + 1 : path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                             MODE_NEW_FILE);
        if (fd < 0)
                return fd;
        if (fchown(fd, owner->uid, owner->gid) < 0)
                return -errno;
        *ret_fd = hv_fd_steal(&fd);
        return 0;
}
