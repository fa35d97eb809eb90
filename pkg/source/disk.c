/* source/disk.c - see disk.h. The neighbour of NAME is ".NAME.new": hidden, so that no listing shows it.
 */
#include "source/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NEIGHBOUR_SUFFIX ".new"
#define LOCK_WAIT_MS 1000u
#define LOCK_PAUSE_MS 10u

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static bool is_name(const char *name) {
        return !hv_str_empty(name) && name[0] != '.' && !strchr(name, '/');
}

static char *neighbour_of(const char *name) {
        return hv_asprintf(".%s" NEIGHBOUR_SUFFIX, name);
}

/* --- directories --- */

/* A state directory holds secrets: nobody else may look in, and one that others could write to is no place at
 * all. */
static int secure_dir(int fd, const char *path, struct hv_err *err) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "%s: cannot look at it", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return hv_err_set(err, -EPERM, "%s belongs to uid %u, expected root or uid %u", path,
                                  (unsigned) st.st_uid, (unsigned) geteuid());
        if (st.st_mode & 0022)
                return hv_err_set(err, -EPERM, "%s is writable by others (mode %04o), expected 0700", path,
                                  (unsigned) (st.st_mode & 07777));
        if ((st.st_mode & 0077) && fchmod(fd, 0700) < 0)
                return hv_err_errno(err, -errno, "%s: cannot set its mode to 0700", path);
        return 0;
}

static int open_dir_at(int parent_fd, const char *name, const char *path, struct hv_err *err) {
        int fd;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                int r = -errno;

                if (r == -ELOOP || r == -ENOTDIR)
                        return hv_err_set(err, -ENOTDIR, "%s is no directory (links are not followed)", path);
                return hv_err_errno(err, r, "%s: cannot open the directory", path);
        }
        return fd;
}

/* 1 made, 0 it was there. */
static int make_dir_at(int parent_fd, const char *name, const char *path, struct hv_err *err) {
        if (mkdirat(parent_fd, name, 0700) == 0)
                return 1;
        return errno == EEXIST ? 0 : hv_err_errno(err, -errno, "%s: cannot make the directory", path);
}

static void make_parents(const char *path) {
        _hv_cleanup_free_ char *copy = hv_strdup(path);

        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(copy, 0755); /* what is really missing shows when the directory itself is made */
                *slash = '/';
        }
}

int hv_disk_open(const char *path, struct hv_disk *ret, struct hv_err *err) {
        int r;

        if (hv_str_empty(path) || path[0] != '/')
                return hv_err_set(err, -EINVAL, "\"%s\" is not an absolute path", path ? path : "");
        make_parents(path);
        r = make_dir_at(AT_FDCWD, path, path, err);
        return r < 0 ? r : hv_disk_open_existing(path, ret, err);
}

int hv_disk_open_existing(const char *path, struct hv_disk *ret, struct hv_err *err) {
        _hv_cleanup_(close_fd) int fd = -1;
        int r;

        fd = open_dir_at(AT_FDCWD, path, path, err);
        if (fd < 0)
                return fd;
        r = secure_dir(fd, path, err);
        if (r < 0)
                return r;
        *ret = (struct hv_disk){ .fd = fd, .path = hv_strdup(path) };
        fd = -1;
        return 0;
}

int hv_disk_open_below(const struct hv_disk *parent, const char *name, struct hv_disk *ret,
                       struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", parent->path, name);
        _hv_cleanup_(close_fd) int fd = -1;
        int r;

        if (!is_name(name))
                return hv_err_set(err, -EINVAL, "%s: not a name for a directory", path);
        r = make_dir_at(parent->fd, name, path, err);
        if (r > 0)
                r = hv_disk_flush(parent, err);
        if (r < 0)
                return r;
        fd = open_dir_at(parent->fd, name, path, err);
        if (fd < 0)
                return fd;
        r = secure_dir(fd, path, err);
        if (r < 0)
                return r;
        *ret = (struct hv_disk){ .fd = fd, .path = HV_STEAL(path) };
        fd = -1;
        return 0;
}

void hv_disk_close(struct hv_disk *d) {
        close_fd(&d->fd);
        free(d->path);
        *d = (struct hv_disk) HV_DISK_NONE;
}

int hv_disk_lock(const struct hv_disk *d, struct hv_err *err) {
        const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000 * 1000 };

        for (unsigned waited_ms = 0;; waited_ms += LOCK_PAUSE_MS) {
                if (flock(d->fd, LOCK_EX | LOCK_NB) == 0)
                        return 0;
                if (errno != EWOULDBLOCK || waited_ms >= LOCK_WAIT_MS)
                        break;
                (void) nanosleep(&pause, NULL);
        }
        if (errno == EWOULDBLOCK)
                return hv_err_set(err, -EBUSY, "%s is in use by another hivelet", d->path);
        return hv_err_errno(err, -errno, "%s: cannot lock the directory", d->path);
}

int hv_disk_flush(const struct hv_disk *d, struct hv_err *err) {
        if (fsync(d->fd) < 0)
                return hv_err_errno(err, -errno, "%s: cannot flush the directory", d->path);
        return 0;
}

/* --- writing --- */

static int write_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                data += n;
                len -= (size_t) n;
        }
        return 0;
}

int hv_disk_prepare(const struct hv_disk *d, const char *name, const void *data, size_t len,
                    struct hv_err *err) {
        _hv_cleanup_free_ char *neighbour = neighbour_of(name);
        _hv_cleanup_(close_fd) int fd = -1;
        int r;

        if (!is_name(name))
                return hv_err_set(err, -EINVAL, "%s/%s: not a name for a file", d->path, name);
        /* A neighbour of an earlier crash may be anything: it is never written through. */
        (void) unlinkat(d->fd, neighbour, 0);
        fd = openat(d->fd, neighbour, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return hv_err_errno(err, -errno, "%s/%s: cannot write", d->path, name);
        r = write_all(fd, data, len);
        if (r >= 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0))
                r = -errno;
        if (r >= 0) {
                int to_close = fd;

                fd = -1;
                r = close(to_close) < 0 ? -errno : 0; /* quota of some file systems shows here only */
        }
        if (r < 0) {
                (void) unlinkat(d->fd, neighbour, 0);
                return hv_err_errno(err, r, "%s/%s: cannot write", d->path, name);
        }
        return 0;
}

int hv_disk_commit(const struct hv_disk *d, const char *name, struct hv_err *err) {
        _hv_cleanup_free_ char *neighbour = neighbour_of(name);

        if (renameat(d->fd, neighbour, d->fd, name) < 0)
                return hv_err_errno(err, -errno, "%s/%s: cannot put it in place", d->path, name);
        return 0;
}

void hv_disk_abandon(const struct hv_disk *d, const char *name) {
        _hv_cleanup_free_ char *neighbour = neighbour_of(name);

        (void) unlinkat(d->fd, neighbour, 0);
}

int hv_disk_replace(const struct hv_disk *d, const char *name, const void *data, size_t len,
                    struct hv_err *err) {
        int r;

        r = hv_disk_prepare(d, name, data, len, err);
        if (r < 0)
                return r;
        r = hv_disk_commit(d, name, err);
        if (r < 0) {
                hv_disk_abandon(d, name);
                return r;
        }
        return hv_disk_flush(d, err);
}

int hv_disk_rename(const struct hv_disk *d, const char *from, const char *to, struct hv_err *err) {
        if (!is_name(from) || !is_name(to))
                return hv_err_set(err, -EINVAL, "%s/%s: not a name for a file", d->path,
                                  is_name(from) ? to : from);
        if (renameat(d->fd, from, d->fd, to) < 0)
                return hv_err_errno(err, -errno, "%s/%s: cannot rename it to %s", d->path, from, to);
        return hv_disk_flush(d, err);
}

int hv_disk_remove(const struct hv_disk *d, const char *name, struct hv_err *err) {
        int r;

        if (!is_name(name))
                return hv_err_set(err, -EINVAL, "%s/%s: not a name for a file", d->path, name);
        if (unlinkat(d->fd, name, 0) < 0) {
                if (errno == ENOENT)
                        return 0;
                return hv_err_errno(err, -errno, "%s/%s: cannot remove", d->path, name);
        }
        r = hv_disk_flush(d, err);
        return r < 0 ? r : 1;
}

/* --- reading --- */

int hv_disk_read(const struct hv_disk *d, const char *name, size_t max, struct hv_buf *ret,
                 struct hv_err *err) {
        _hv_cleanup_(close_fd) int fd = -1;
        struct stat st;
        char block[8192];

        hv_buf_clear(ret);
        fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return hv_err_errno(err, -errno, "%s/%s: cannot open", d->path, name);
        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "%s/%s: cannot look at it", d->path, name);
        if (!S_ISREG(st.st_mode))
                return hv_err_set(err, -EINVAL, "%s/%s is no regular file", d->path, name);
        for (;;) {
                ssize_t n = read(fd, block, sizeof block);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return hv_err_errno(err, -errno, "%s/%s: cannot read", d->path, name);
                if (n == 0)
                        return 0;
                if (ret->len + (size_t) n > max)
                        return hv_err_set(err, -EFBIG, "%s/%s is larger than %zu bytes", d->path, name, max);
                hv_buf_add(ret, block, (size_t) n);
        }
}

/* --- listing --- */

static int by_name(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static DIR *dir_open(const struct hv_disk *d) {
        int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir && fd >= 0)
                (void) close(fd);
        return dir;
}

int hv_disk_list(const struct hv_disk *d, const char *suffix, struct hv_disk_names *ret, struct hv_err *err) {
        struct hv_disk_names names = {};
        DIR *dir = dir_open(d);
        struct dirent *e;

        if (!dir)
                return hv_err_errno(err, -errno, "%s: cannot list", d->path);
        while ((errno = 0, e = readdir(dir))) {
                size_t len = strlen(e->d_name), cut = strlen(suffix);

                if (e->d_name[0] == '.' || len <= cut || !hv_streq(e->d_name + len - cut, suffix))
                        continue;
                hv_vec_push(&names, hv_strndup(e->d_name, len - cut));
        }
        if (errno != 0) {
                int r = hv_err_errno(err, -errno, "%s: cannot list", d->path);

                (void) closedir(dir);
                hv_disk_names_done(&names);
                return r;
        }
        (void) closedir(dir);
        if (names.n > 0)
                qsort(names.v, names.n, sizeof *names.v, by_name);
        *ret = names;
        return 0;
}

void hv_disk_names_done(struct hv_disk_names *n) {
        for (size_t i = 0; i < n->n; i++)
                free(n->v[i]);
        hv_vec_done(n);
}

void hv_disk_clean(const struct hv_disk *d) {
        DIR *dir = dir_open(d);
        struct dirent *e;

        if (!dir)
                return;
        while ((e = readdir(dir))) {
                size_t len = strlen(e->d_name), cut = strlen(NEIGHBOUR_SUFFIX);

                if (e->d_name[0] == '.' && len > cut + 1 && hv_streq(e->d_name + len - cut, NEIGHBOUR_SUFFIX))
                        (void) unlinkat(d->fd, e->d_name, 0);
        }
        (void) closedir(dir);
}
