/* execute/host_path.c - see host_path.h. */
#include "execute/host_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "base/within.h"
#include "source/path_trust.h"

#define WAIT_US (2 * HV_USEC_PER_SEC)

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

/* glibc has no wrapper. One component at a time: the kernel refuses links, and ".." cannot lead out. */
static int open_component(int dir_fd, const char *name) {
        struct open_how how = {
                .flags = O_PATH | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        long fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof how);

        return fd < 0 ? -errno : (int) fd;
}

/* Goes one component down: *fd, *st and `at` are of the directory before, and of the entry after. */
static int step(int *fd, struct stat *st, struct hv_buf *at, const char *name, size_t len,
                struct hv_err *err) {
        _hv_cleanup_free_ char *component = hv_strndup(name, len), *dir_path = NULL;
        _hv_cleanup_(close_fd) int next = -1;
        char who[HV_PATH_TRUST_SIZE];
        struct stat next_st;

        dir_path = hv_strdup(at->len > 0 ? at->data : "/");
        hv_buf_printf(at, "/%s", component);
        if (hv_streq(component, ".."))
                return hv_err_set(err, -EINVAL, "%s: \"..\" is not allowed", at->data);
        next = open_component(*fd, component);
        if (next == -ELOOP)
                return hv_err_set(err, -ELOOP, "%s is a symbolic link; links are not followed", at->data);
        if (next < 0)
                return hv_err_errno(err, next, "%s", at->data);
        if (fstat(next, &next_st) < 0)
                return hv_err_errno(err, -errno, "%s", at->data);
        if (hv_path_is_exchangeable(st, &next_st, who))
                return hv_err_set(err, -EPERM,
                                  "%s: %s could put something else in its place (%s has mode %04o)", at->data,
                                  who, dir_path, (unsigned) (st->st_mode & 07777));
        (void) close(*fd);
        *fd = next;
        *st = next_st;
        next = -1;
        return 0;
}

struct resolved {
        int r;
        char path[PATH_MAX];
        struct hv_err err;
};

static int resolve(const char *path, char ret[PATH_MAX], struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf at = {};
        _hv_cleanup_(close_fd) int fd = -1;
        struct stat st;
        int r;

        fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "/");
        for (const char *p = path; *p;) {
                size_t len = strcspn(p, "/");

                if (len > 0 && !(len == 1 && p[0] == '.')) {
                        r = step(&fd, &st, &at, p, len, err);
                        if (r < 0)
                                return r;
                }
                p += len + (p[len] == '/');
        }
        if (at.len == 0)
                hv_buf_putc(&at, '/');
        if (snprintf(ret, PATH_MAX, "%s", at.data) >= PATH_MAX)
                return hv_err_set(err, -ENAMETOOLONG, "%.64s...: the path is too long", at.data);
        return 0;
}

/* On a thread of its own. */
static void resolve_alone(const char *path, void *result) {
        struct resolved *to = result;

        to->r = resolve(path, to->path, &to->err);
}

int hv_host_path_resolve(const char *path, char **ret, struct hv_err *err) {
        struct resolved found = {};
        int r;

        if (hv_str_empty(path) || path[0] != '/')
                return hv_err_set(err, -EINVAL, "\"%s\" is not an absolute path", path ? path : "");
        r = hv_within(WAIT_US, path, resolve_alone, &found, sizeof found);
        if (r < 0)
                return hv_err_errno(err, r, "%s: its file system does not answer", path);
        if (found.r < 0)
                return hv_err_set(err, found.r, "%s", found.err.msg);
        *ret = hv_strdup(found.path);
        return 0;
}
