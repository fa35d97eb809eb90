/* task/checkpoint.c - see checkpoint.h. */
#include "task/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/copy_tree.h"
#include "task/folder.h"
#include "task/place.h"
#include "task/tree.h"

#define NAME_SIZE 40u

static void name_of(unsigned attempt, char ret[NAME_SIZE]) {
        (void) snprintf(ret, NAME_SIZE, "checkpoint.%u", attempt);
}

static bool is_kept(int task_fd, unsigned attempt) {
        char name[NAME_SIZE];

        name_of(attempt, name);
        return faccessat(task_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of an attempt before this one; 0: none. */
static unsigned newest(int task_fd, unsigned before) {
        while (before-- > 1)
                if (is_kept(task_fd, before))
                        return before;
        return 0;
}

/* To a name of its own, whole and on the disk before it gets its right one. */
static int copy_aside(int task_fd, int from_fd, const char *name, const struct hv_owner *owner,
                      const struct hv_job *job, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int to = -1;
        char draft[NAME_SIZE + 8];
        int r;

        (void) snprintf(draft, sizeof draft, "%s.tmp", name);
        r = hv_tree_remove(task_fd, draft, draft, job, err);
        if (r >= 0)
                r = hv_folder_make(task_fd, draft, name, &to, err);
        if (r >= 0)
                r = hv_copy_tree(from_fd, to, owner, job, err);
        if (r >= 0 && (syncfs(to) < 0 || renameat(task_fd, draft, task_fd, name) < 0 || fsync(task_fd) < 0))
                r = hv_err_errno(err, -errno, "it cannot be put in place");
        if (r < 0)
                (void) hv_tree_remove(task_fd, draft, draft, NULL, NULL);
        return r;
}

int hv_checkpoint_keep(const char *work_root, const struct hv_attempt *a, const char *path,
                       const struct hv_owner *owner, const struct hv_job *job, struct hv_err *err) {
        _hv_cleanup_(hv_workspace_close) struct hv_workspace workspace = HV_WORKSPACE_NONE;
        _hv_cleanup_(hv_fd_closep) int task_fd = -1, from = -1;
        char name[NAME_SIZE];
        unsigned older;
        int r;

        r = hv_folder_check(a, err);
        if (r >= 0)
                r = hv_folder_of_task(work_root, a->id, false, &task_fd, err);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (is_kept(task_fd, a->attempt))
                return 1;
        r = hv_workspace_open(work_root, a, &workspace, err);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        from = hv_beneath_open(workspace.fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (from < 0)
                return from == -ENOENT || from == -ENOTDIR
                               ? 0
                               : hv_err_errno(err, from == -EXDEV ? -ELOOP : from, "checkpoint %s", path);
        name_of(a->attempt, name);
        r = copy_aside(task_fd, from, name, owner, job, err);
        if (r < 0)
                return hv_err_prefix(err, r, "checkpoint %s", path);
        while ((older = newest(task_fd, a->attempt)) > 0) {
                name_of(older, name);
                if (hv_tree_remove(task_fd, name, name, job, NULL) < 0)
                        break;
        }
        return 1;
}

/* Removes what the inputs made there: they are where it began, not where it stopped. */
static int make_room(int workspace_fd, const char *path, const struct hv_owner *owner,
                     const struct hv_job *job, struct hv_err *err) {
        const char *slash = strrchr(path, '/');
        _hv_cleanup_free_ char *above = slash ? hv_strndup(path, (size_t) (slash - path)) : hv_strdup("");
        _hv_cleanup_(hv_fd_closep) int parent = -1;
        int r;

        r = hv_beneath_make_dirs(workspace_fd, above, owner, &parent);
        if (r < 0)
                return hv_place_error(r, path, err);
        r = hv_tree_remove(parent, slash ? slash + 1 : path, path, job, err);
        return HV_MIN(r, 0);
}

int hv_checkpoint_give(const char *work_root, const struct hv_attempt *a, const char *path,
                       const struct hv_owner *owner, int workspace_fd, const struct hv_job *job,
                       struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int task_fd = -1, from = -1, to = -1;
        char name[NAME_SIZE];
        unsigned attempt;
        int r;

        r = hv_folder_check(a, err);
        if (r >= 0)
                r = hv_folder_of_task(work_root, a->id, false, &task_fd, err);
        if (r < 0)
                return r;
        attempt = newest(task_fd, a->attempt);
        if (attempt == 0)
                return 0;
        name_of(attempt, name);
        from = hv_beneath_open(task_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (from < 0)
                return hv_err_errno(err, from, "the checkpoint of attempt %u", attempt);
        r = make_room(workspace_fd, path, owner, job, err);
        if (r >= 0) {
                r = hv_beneath_make_dirs(workspace_fd, path, owner, &to);
                if (r < 0)
                        (void) hv_place_error(r, path, err);
        }
        if (r >= 0)
                r = hv_copy_tree(from, to, owner, job, err);
        return r < 0 ? hv_err_prefix(err, r, "the checkpoint of attempt %u", attempt) : 1;
}
