/* task/copy_tree.c - see copy_tree.h. */
#include "task/copy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "task/measure.h"
#include "task/worker.h"

#define BLOCK_BYTES ((size_t) 256 << 10)

struct copying {
        const struct hv_owner *owner;
        const struct hv_job *job;
        char *block;
        struct hv_err *err;
};

static void closep(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static int fail(const struct copying *c, int error, const char *name) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_errno(c->err, error, "%s cannot be copied", hv_text_quote(name, quoted));
}

static bool is_cancelled(const struct copying *c) {
        return c->job && hv_job_is_cancelled(c->job);
}

/* One run of data, behind a hole. */
static int copy_run(const struct copying *c, int from, int to, off_t at, off_t end) {
        while (at < end) {
                ssize_t n = pread(from, c->block, (size_t) HV_MIN((off_t) BLOCK_BYTES, end - at), at);

                if (is_cancelled(c))
                        return -ECANCELED;
                if (n <= 0)
                        return n < 0 ? -errno : 0; /* it became shorter */
                if (lseek(to, at, SEEK_SET) < 0)
                        return -errno;
                n = hv_fd_write(to, c->block, (size_t) n) < 0 ? -errno : n;
                if (n < 0)
                        return (int) n;
                at += n;
        }
        return 0;
}

static int copy_data(const struct copying *c, int from, int to, off_t size) {
        off_t at = 0;
        int r = 0;

        if (ioctl(to, FICLONE, from) == 0)
                return 0;
        while (r >= 0 && at < size) {
                off_t data = lseek(from, at, SEEK_DATA), hole;

                if (data < 0 || data >= size)
                        break; /* a hole to its end */
                hole = lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                r = copy_run(c, from, to, data, HV_MIN(hole, size));
                at = hole;
        }
        return r >= 0 && ftruncate(to, size) < 0 ? -errno : r;
}

static int copy_file(const struct copying *c, int from_dir, int to_dir, const char *name) {
        _hv_cleanup_(hv_fd_closep) int from = -1, to = -1;
        struct stat st;
        int r;

        r = hv_beneath_open_regular(from_dir, name, &from);
        if (r < 0 || fstat(from, &st) < 0)
                return 0; /* something else by now */
        r = hv_beneath_make_file(to_dir, name, c->owner, &to);
        if (r >= 0)
                r = copy_data(c, from, to, st.st_size);
        if (r >= 0 && (fchmod(to, st.st_mode & 0777) < 0 ||
                       futimens(to, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0))
                r = -errno;
        return r < 0 ? fail(c, r, name) : 0;
}

static int copy_link(const struct copying *c, int from_dir, int to_dir, const char *name) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);

        if (n < 0)
                return 0;
        target[n] = '\0';
        if (symlinkat(target, to_dir, name) < 0 ||
            fchownat(to_dir, name, c->owner->uid, c->owner->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return fail(c, -errno, name);
        return 0;
}

static int copy_dir(const struct copying *c, int from, int to, unsigned depth);

static int copy_below(const struct copying *c, int from_dir, int to_dir, const char *name, mode_t mode,
                      unsigned depth) {
        _hv_cleanup_(hv_fd_closep) int from = -1, to = -1;
        int r;

        if (depth >= HV_MEASURE_DEPTH_MAX)
                return hv_err_set(c->err, -ELOOP, "it is more than %d levels deep", HV_MEASURE_DEPTH_MAX);
        from = hv_beneath_open(from_dir, name, O_RDONLY | O_DIRECTORY, 0);
        if (from < 0)
                return from == -EXDEV || from == -ENOENT || from == -ELOOP || from == -ENOTDIR
                               ? 0
                               : fail(c, from, name);
        r = hv_beneath_make_dirs(to_dir, name, c->owner, &to);
        if (r < 0)
                return fail(c, r, name);
        r = copy_dir(c, from, to, depth + 1);
        if (r >= 0 && fchmod(to, mode & 0777) < 0)
                r = fail(c, -errno, name);
        return r;
}

static int copy_entry(const struct copying *c, int from, int to, const char *name, unsigned depth) {
        struct stat st;

        if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        switch (st.st_mode & S_IFMT) {
        case S_IFREG:
                return copy_file(c, from, to, name);
        case S_IFLNK:
                return copy_link(c, from, to, name);
        case S_IFDIR:
                return copy_below(c, from, to, name, st.st_mode, depth);
        default:
                return 0;
        }
}

static int copy_dir(const struct copying *c, int from, int to, unsigned depth) {
        _hv_cleanup_(closep) DIR *d = NULL;
        int copy = fcntl(from, F_DUPFD_CLOEXEC, 0), r = 0;
        struct dirent *entry;

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d) {
                r = -errno;
                hv_fd_closep(&copy);
                return fail(c, r, ".");
        }
        rewinddir(d);
        while (r >= 0 && (entry = readdir(d))) {
                if (is_cancelled(c))
                        return hv_err_set(c->err, -ECANCELED, "the copy was cancelled");
                if (!hv_streq(entry->d_name, ".") && !hv_streq(entry->d_name, ".."))
                        r = copy_entry(c, from, to, entry->d_name, depth);
        }
        return r;
}

int hv_copy_tree(int from_fd, int to_fd, const struct hv_owner *owner, const struct hv_job *job,
                 struct hv_err *err) {
        _hv_cleanup_free_ char *block = hv_malloc(BLOCK_BYTES);
        const struct copying c = { .owner = owner, .job = job, .block = block, .err = err };

        return copy_dir(&c, from_fd, to_fd, 0);
}
