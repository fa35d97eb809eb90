/* task/store.c - see store.h. */
#include "task/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/folder.h"
#include "task/tree.h"

/* Up to here each file is flushed by itself; above, the whole file system once is cheaper. */
#define FLUSH_EACH_MAX 16u

static void closep(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static void name_draft(struct hv_store_draft *d, const struct hv_attempt *a) {
        (void) snprintf(d->name, sizeof d->name, "%u", a->attempt);
        (void) snprintf(d->draft_name, sizeof d->draft_name, "%u.tmp", a->attempt);
}

void hv_store_close(struct hv_store_draft *d) {
        if (d->fd >= 0) {
                hv_fd_closep(&d->fd);
                (void) hv_tree_remove(d->task_fd, d->draft_name, d->draft_name, NULL, NULL);
        }
        hv_fd_closep(&d->task_fd);
        free(HV_STEAL(d->path));
}

int hv_store_begin(const char *results_root, const struct hv_attempt *a, const struct hv_job *job,
                   struct hv_store_draft *ret, struct hv_err *err) {
        _hv_cleanup_(hv_store_close) struct hv_store_draft d = HV_STORE_DRAFT_NONE;
        _hv_cleanup_(hv_fd_closep) int root_fd = -1;
        int r;

        r = hv_folder_check(a, err);
        if (r < 0)
                return r;
        name_draft(&d, a);
        d.path = hv_asprintf("%s/%s/%u", results_root, a->id, a->attempt);
        r = hv_folder_root(results_root, &root_fd, err);
        if (r >= 0)
                r = hv_folder_make(root_fd, a->id, results_root, &d.task_fd, err);
        if (r >= 0 && fsync(root_fd) < 0)
                r = hv_err_errno(err, -errno, "%s cannot be flushed", results_root);
        if (r >= 0)
                r = hv_tree_remove(d.task_fd, d.draft_name, d.path, job, err);
        if (r >= 0)
                r = hv_folder_make(d.task_fd, d.draft_name, d.path, &d.fd, err);
        if (r < 0)
                return r;
        *ret = d;
        d = (struct hv_store_draft) HV_STORE_DRAFT_NONE;
        return 0;
}

/* --- flushing --- */

/* Flushes what is below fd, until *left files and directories were; then it says so with -E2BIG. */
static int flush_tree(int fd, unsigned *left) {
        _hv_cleanup_(closep) DIR *d = NULL;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), r = 0;
        struct dirent *entry;

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d)
                return -errno;
        rewinddir(d);
        while (r >= 0 && (entry = readdir(d))) {
                _hv_cleanup_(hv_fd_closep) int below = -1;

                if (hv_streq(entry->d_name, ".") || hv_streq(entry->d_name, ".."))
                        continue;
                if ((*left)-- == 0)
                        return -E2BIG;
                below = openat(fd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
                if (below < 0)
                        return -errno;
                if (entry->d_type == DT_DIR)
                        r = flush_tree(below, left);
                else
                        r = fsync(below) < 0 ? -errno : 0;
        }
        return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

static int flush(int fd) {
        unsigned left = FLUSH_EACH_MAX;
        int r = flush_tree(fd, &left);

        if (r == -E2BIG)
                r = syncfs(fd) < 0 ? -errno : 0;
        return r;
}

int hv_store_commit(struct hv_store_draft *d, struct hv_err *err) {
        bool is_exchange = false;
        int r;

        r = flush(d->fd);
        if (r < 0)
                return hv_err_errno(err, r, "%s cannot be flushed", d->path);
        r = renameat2(d->task_fd, d->draft_name, d->task_fd, d->name, RENAME_NOREPLACE);
        if (r < 0 && errno == EEXIST) {
                is_exchange = true;
                r = renameat2(d->task_fd, d->draft_name, d->task_fd, d->name, RENAME_EXCHANGE);
        }
        if (r < 0 || fsync(d->task_fd) < 0)
                return hv_err_errno(err, -errno, "%s cannot be put in place", d->path);
        if (is_exchange) /* what fails here is removed by the next hv_store_begin() */
                (void) hv_tree_remove(d->task_fd, d->draft_name, d->path, NULL, NULL);
        hv_fd_closep(&d->fd);
        return 0;
}

int hv_store_remove(const char *results_root, const struct hv_attempt *a, const struct hv_job *job,
                    struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1, task_fd = -1;
        struct hv_store_draft d = HV_STORE_DRAFT_NONE;
        int removed, r;

        r = hv_folder_check(a, err);
        if (r < 0)
                return r;
        name_draft(&d, a);
        r = hv_folder_root(results_root, &root_fd, err);
        if (r < 0)
                return r;
        task_fd = hv_beneath_open(root_fd, a->id, O_RDONLY | O_DIRECTORY, 0);
        if (task_fd < 0)
                return task_fd == -ENOENT ? 0 : hv_err_errno(err, task_fd, "%s/%s", results_root, a->id);
        /* Not complete any more in one step; what a crash leaves of it is an unfinished one. */
        r = hv_tree_remove(task_fd, d.draft_name, a->id, job, err);
        if (r < 0)
                return r;
        removed = r;
        if (renameat(task_fd, d.name, task_fd, d.draft_name) == 0) {
                removed = 1;
                r = hv_tree_remove(task_fd, d.draft_name, a->id, job, err);
        } else if (errno != ENOENT)
                r = hv_err_errno(err, -errno, "%s/%s/%s cannot be removed", results_root, a->id, d.name);
        if (r < 0)
                return r;
        (void) fsync(task_fd);
        (void) unlinkat(root_fd, a->id, AT_REMOVEDIR); /* fails, and may, while other attempts are there */
        return removed;
}
