/* task/workspace.c - see workspace.h. */
#include "task/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/folder.h"
#include "task/tree.h"

#define MODE_WORKSPACE 0770
#define NAME "workspace"
#define WITHHELD "workspace.withheld"

void hv_workspace_close(struct hv_workspace *w) {
        hv_fd_closep(&w->fd);
        hv_fd_closep(&w->attempt_fd);
        free(HV_STEAL(w->path));
}

char *hv_workspace_path(const char *work_root, const struct hv_attempt *a) {
        return hv_asprintf("%s/%s/%u/" NAME, work_root, a->id, a->attempt);
}

static char *attempt_path(const char *work_root, const struct hv_attempt *a) {
        return hv_asprintf("%s/%s/%u", work_root, a->id, a->attempt);
}

/* Removes what is there of this attempt. */
static int clear(int task_fd, const struct hv_attempt *a, const char *path, const struct hv_job *job,
                 struct hv_err *err) {
        char number[16];

        (void) snprintf(number, sizeof number, "%u", a->attempt);
        return hv_tree_remove(task_fd, number, path, job, err);
}

int hv_workspace_make(const char *work_root, const struct hv_attempt *a, const struct hv_owner *owner,
                      const struct hv_job *job, struct hv_workspace *ret, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int task_fd = -1, attempt_fd = -1, fd = -1;
        _hv_cleanup_free_ char *path = NULL;
        char number[16];
        int r;

        r = hv_folder_check(a, err);
        if (r < 0)
                return r;
        path = attempt_path(work_root, a);
        r = hv_folder_of_task(work_root, a->id, true, &task_fd, err);
        if (r < 0)
                return r;
        r = clear(task_fd, a, path, job, err);
        if (r < 0)
                return r;
        (void) snprintf(number, sizeof number, "%u", a->attempt);
        r = hv_folder_make(task_fd, number, work_root, &attempt_fd, err);
        if (r < 0)
                return r;
        r = hv_folder_make(attempt_fd, NAME, path, &fd, err);
        if (r < 0)
                return r;
        if (fchown(fd, owner->uid, owner->gid) < 0 || fchmod(fd, MODE_WORKSPACE) < 0)
                return hv_err_errno(err, -errno, "%s/" NAME " cannot be given to %u:%u", path,
                                    (unsigned) owner->uid, (unsigned) owner->gid);
        *ret = (struct hv_workspace){ .fd = hv_fd_steal(&fd),
                                      .attempt_fd = hv_fd_steal(&attempt_fd),
                                      .path = hv_workspace_path(work_root, a) };
        return 0;
}

/* <work>/<id>/<attempt>; -ENOENT. */
static int open_attempt(const char *work_root, const struct hv_attempt *a, int *ret_fd, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int task_fd = -1;
        char number[16];
        int r;

        r = hv_folder_check(a, err);
        if (r < 0)
                return r;
        r = hv_folder_of_task(work_root, a->id, false, &task_fd, err);
        if (r < 0)
                return r;
        (void) snprintf(number, sizeof number, "%u", a->attempt);
        r = hv_beneath_open(task_fd, number, O_RDONLY | O_DIRECTORY, 0);
        if (r < 0)
                return hv_err_errno(err, r, "%s/%s/%s", work_root, a->id, number);
        *ret_fd = r;
        return 0;
}

/* Beside one that is withheld, whatever has its name is somebody else's. */
int hv_workspace_open(const char *work_root, const struct hv_attempt *a, struct hv_workspace *ret,
                      struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int attempt_fd = -1;
        const char *name = WITHHELD;
        int r;

        r = open_attempt(work_root, a, &attempt_fd, err);
        if (r < 0)
                return r;
        r = hv_beneath_open(attempt_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (r == -ENOENT) {
                name = NAME;
                r = hv_beneath_open(attempt_fd, name, O_RDONLY | O_DIRECTORY, 0);
        }
        if (r < 0)
                return hv_err_errno(err, r, "%s/%s/%u/%s", work_root, a->id, a->attempt, name);
        *ret = (struct hv_workspace){
                .fd = r,
                .attempt_fd = hv_fd_steal(&attempt_fd),
                .path = hv_asprintf("%s/%s/%u/%s", work_root, a->id, a->attempt, name),
        };
        return 0;
}

/* ---- withheld ---- */

/* Leads nowhere, now and ever. */
#define BAR "/proc/nowhere"

static char type_at(int dir_fd, const char *name) {
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? '-' : '?';
        return S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : '?';
}

/* The bar, or an empty directory that an engine made in its place. */
static int clear_name(int attempt_fd) {
        if (unlinkat(attempt_fd, NAME, type_at(attempt_fd, NAME) == 'd' ? AT_REMOVEDIR : 0) < 0 &&
            errno != ENOENT)
                return -errno;
        return 0;
}

static int withhold(int attempt_fd) {
        int r = 0;

        if (type_at(attempt_fd, NAME) == 'l')
                return 0;
        if (renameat2(attempt_fd, NAME, attempt_fd, WITHHELD, RENAME_NOREPLACE) < 0 && errno != ENOENT)
                r = errno == EEXIST ? clear_name(attempt_fd) : -errno;
        if (r >= 0 && symlinkat(BAR, attempt_fd, NAME) < 0)
                r = -errno; /* somebody was faster: the next try clears that away */
        return r;
}

static int restore(int attempt_fd) {
        int r;

        if (type_at(attempt_fd, WITHHELD) == '-')
                return type_at(attempt_fd, NAME) == 'd' ? 0 : -ENOENT;
        r = clear_name(attempt_fd);
        if (r >= 0 && renameat2(attempt_fd, WITHHELD, attempt_fd, NAME, RENAME_NOREPLACE) < 0)
                r = -errno;
        return r;
}

/* An attempt without a directory gets one: else an engine that makes missing sources would make it, with a workspace. */
int hv_workspace_withhold(const char *work_root, const struct hv_attempt *a, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int task_fd = -1, fd = -1;
        _hv_cleanup_free_ char *path = NULL;
        char number[16];
        int r;

        r = hv_folder_check(a, err);
        if (r < 0)
                return r;
        path = attempt_path(work_root, a);
        r = hv_folder_of_task(work_root, a->id, true, &task_fd, err);
        if (r < 0)
                return r;
        (void) snprintf(number, sizeof number, "%u", a->attempt);
        r = hv_folder_make(task_fd, number, path, &fd, err);
        if (r < 0)
                return r;
        r = withhold(fd);
        return r < 0 ? hv_err_errno(err, r, "%s/" NAME " cannot be withheld from the engine", path) : 0;
}

int hv_workspace_restore(const char *work_root, const struct hv_attempt *a, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        _hv_cleanup_free_ char *path = NULL;
        int r;

        r = open_attempt(work_root, a, &fd, err);
        if (r < 0)
                return r;
        path = attempt_path(work_root, a);
        r = restore(fd);
        return r < 0 ? hv_err_errno(err, r, "%s/" NAME " cannot be given back to the engine", path) : 0;
}

#define PACKAGES "packages"

int hv_workspace_packages(const char *work_root, const struct hv_attempt *a, char **ret, struct hv_err *err) {
        _hv_cleanup_(hv_workspace_close) struct hv_workspace w = HV_WORKSPACE_NONE;
        char path[PATH_MAX];
        ssize_t n;
        int r;

        r = hv_workspace_open(work_root, a, &w, err);
        if (r < 0)
                return r;
        n = readlinkat(w.attempt_fd, PACKAGES, path, sizeof path - 1);
        if (n < 0)
                return hv_err_errno(err, -errno, "%s: no packages were prepared", w.path);
        path[n] = '\0';
        *ret = hv_strdup(path);
        return 0;
}

int hv_workspace_link_packages(const char *work_root, const struct hv_attempt *a, const char *path,
                               struct hv_err *err) {
        _hv_cleanup_(hv_workspace_close) struct hv_workspace w = HV_WORKSPACE_NONE;
        int r;

        r = hv_workspace_open(work_root, a, &w, err);
        if (r < 0)
                return r;
        (void) unlinkat(w.attempt_fd, PACKAGES, 0); /* of a try that was cut short */
        if (symlinkat(path, w.attempt_fd, PACKAGES) < 0)
                return hv_err_errno(err, -errno, "%s: packages cannot be linked", w.path);
        return 0;
}

int hv_workspace_remove(const char *work_root, const struct hv_attempt *a, const struct hv_job *job,
                        struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1, task_fd = -1;
        _hv_cleanup_free_ char *path = NULL;
        int r;

        r = hv_folder_check(a, err);
        if (r < 0)
                return r;
        path = attempt_path(work_root, a);
        r = hv_folder_root(work_root, &root_fd, err);
        if (r < 0)
                return r;
        task_fd = hv_beneath_open(root_fd, a->id, O_RDONLY | O_DIRECTORY, 0);
        if (task_fd < 0)
                return task_fd == -ENOENT ? 0 : hv_err_errno(err, task_fd, "%s", path);
        r = clear(task_fd, a, path, job, err);
        if (r >= 0)
                (void) unlinkat(root_fd, a->id,
                                AT_REMOVEDIR); /* fails, and may, while other attempts are there */
        return r;
}

int hv_workspace_remove_all(const char *work_root, const char *id, const struct hv_job *job,
                            struct hv_err *err) {
        const struct hv_attempt first = { .id = id, .attempt = 1 };
        _hv_cleanup_(hv_fd_closep) int root_fd = -1;
        _hv_cleanup_free_ char *path = NULL;
        int r;

        r = hv_folder_check(&first, err);
        if (r < 0)
                return r;
        path = hv_asprintf("%s/%s", work_root, id);
        r = hv_folder_root(work_root, &root_fd, err);
        return r < 0 ? r : hv_tree_remove(root_fd, id, path, job, err);
}

bool hv_workspace_any(const char *work_root, const char *id) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", work_root, id);
        struct stat st;

        return lstat(path, &st) == 0 || errno != ENOENT;
}
