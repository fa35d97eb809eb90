/* task/tree.c - see tree.h. */
#include "task/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"
#include "task/beneath.h"
#include "task/worker.h"

#define DEPTH_MAX 32

struct removal {
        int top_fd; /* the directory that is being removed */
        const struct hv_job *job;
        unsigned n_moved;        /* names given to what was moved up */
        unsigned n_failed;       /* entries that stay */
        int error;               /* of the first of them */
        char name[NAME_MAX + 1]; /* of the first of them */
        bool again;              /* something was moved up and waits in the top directory */
};

static void closep(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static void fail(struct removal *t, const char *name, int error) {
        if (t->n_failed++ > 0)
                return;
        t->error = error;
        (void) snprintf(t->name, sizeof t->name, "%s", name);
}

/* A directory that its owner shut off: for root without CAP_DAC_OVERRIDE. */
static int open_shut(int parent_fd, const char *name) {
        _hv_cleanup_(hv_fd_closep) int place = -1;
        char link[32];

        place = hv_beneath_open(parent_fd, name, O_PATH | O_DIRECTORY, 0);
        if (place < 0)
                return place;
        (void) snprintf(link, sizeof link, "/proc/self/fd/%d", place);
        if (chmod(link, 0700) < 0)
                return -errno;
        return hv_beneath_open(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

static int open_dir(int parent_fd, const char *name) {
        int fd = hv_beneath_open(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);

        return fd == -EACCES ? open_shut(parent_fd, name) : fd;
}

/* To a free name in the top directory, where the walk comes by again. */
static int move_up(struct removal *t, int parent_fd, const char *name) {
        char up[32];

        do {
                (void) snprintf(up, sizeof up, ".hivelet-%u", t->n_moved++);
                if (renameat2(parent_fd, name, t->top_fd, up, RENAME_NOREPLACE) == 0) {
                        t->again = true;
                        return 0;
                }
        } while (errno == EEXIST);
        return -errno;
}

static void empty_dir(struct removal *t, int fd, unsigned depth);

static void remove_dir(struct removal *t, int parent_fd, const char *name, unsigned depth) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        unsigned failed_before = t->n_failed;
        int r;

        if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return;
        fd = open_dir(parent_fd, name); /* refuses what is mounted, with EXDEV */
        if (fd < 0) {
                if (fd != -ENOENT)
                        fail(t, name, fd);
                return;
        }
        if (depth >= DEPTH_MAX) {
                r = move_up(t, parent_fd, name);
                if (r < 0)
                        fail(t, name, r);
                return;
        }
        empty_dir(t, fd, depth + 1);
        if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && t->n_failed == failed_before)
                fail(t, name, -errno);
}

static void remove_entry(struct removal *t, int parent_fd, const char *name, unsigned depth) {
        if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
                return;
        if (errno == EISDIR || errno == EPERM) { /* POSIX says EPERM for a directory, Linux EISDIR */
                struct stat st;
                int e = -errno;

                if (e == -EISDIR ||
                    (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)))
                        remove_dir(t, parent_fd, name, depth);
                else
                        fail(t, name, e);
                return;
        }
        fail(t, name, -errno);
}

static void empty_dir(struct removal *t, int fd, unsigned depth) {
        _hv_cleanup_(closep) DIR *d = NULL;
        struct dirent *entry;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d) {
                fail(t, ".", -errno);
                return;
        }
        rewinddir(d);
        while ((entry = readdir(d))) {
                if (t->job && hv_job_is_cancelled(t->job))
                        return;
                if (!hv_streq(entry->d_name, ".") && !hv_streq(entry->d_name, ".."))
                        remove_entry(t, fd, entry->d_name, depth);
        }
}

static const char *hint(int error) {
        switch (error) {
        case -EXDEV:
                return " (something is mounted there: it is left alone)";
        case -EPERM:
                return " (immutable? see lsattr)";
        default:
                return "";
        }
}

static int report(const struct removal *t, const char *path, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        (void) hv_err_set(err, t->error, "%s: %u %s could not be removed, first %s: %s%s", path, t->n_failed,
                          t->n_failed == 1 ? "entry" : "entries", hv_text_quote(t->name, quoted),
                          strerror(-t->error), hint(t->error));
        return t->error;
}

int hv_tree_remove(int dir_fd, const char *name, const char *path, const struct hv_job *job,
                   struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int top = -1;
        struct removal t = { .job = job };

        if (unlinkat(dir_fd, name, 0) == 0)
                return 1;
        if (errno == ENOENT)
                return 0;
        top = open_dir(dir_fd, name);
        if (top < 0)
                return hv_err_errno(err, top, "%s cannot be opened to be removed%s", path, hint(top));
        t.top_fd = top;
        do {
                t.again = false;
                t.n_failed = 0;
                empty_dir(&t, top, 0);
                if (job && hv_job_is_cancelled(job))
                        return hv_err_set(err, -ECANCELED, "%s: its removal was cancelled", path);
        } while (t.again);
        if (t.n_failed > 0)
                return report(&t, path, err);
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return hv_err_errno(err, -errno, "%s cannot be removed", path);
        return 1;
}
