/* task/folder.c - see folder.h. */
#include "task/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "spec/task.h"

int hv_folder_check(const struct hv_attempt *a, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (!a->id || !hv_task_id_is_valid(a->id))
                return hv_err_set(
                        err, -EINVAL,
                        "%s is no id of a task (a letter or digit, then up to 63 of A-Z a-z 0-9 _ . -)",
                        hv_text_quote(a->id ? a->id : "", quoted));
        if (a->attempt == 0)
                return hv_err_set(err, -EINVAL, "task %s: attempts are counted from 1", a->id);
        return 0;
}

bool hv_folder_is_full(int error) {
        return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static void make_parents(const char *path) {
        _hv_cleanup_free_ char *copy = hv_strdup(path);

        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(copy, 0755); /* what is really missing shows when the directory itself is made */
                *slash = '/';
        }
}

int hv_folder_root(const char *path, int *ret_fd, struct hv_err *err) {
        int fd;

        if (hv_str_empty(path) || path[0] != '/')
                return hv_err_set(err, -EINVAL, "\"%s\" is not an absolute path", path ? path : "");
        make_parents(path);
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return hv_err_errno(err, -errno, "%s cannot be made", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return hv_err_errno(err, -errno, "%s cannot be opened as a directory", path);
        *ret_fd = fd;
        return 0;
}

int hv_folder_make(int dir_fd, const char *name, const char *path, int *ret_fd, struct hv_err *err) {
        int fd;

        if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
                return hv_err_errno(err, -errno, "%s/%s cannot be made", path, name);
        fd = hv_beneath_open(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return hv_err_errno(err, fd, "%s/%s cannot be opened as a directory", path, name);
        *ret_fd = fd;
        return 0;
}

int hv_folder_of_task(const char *root, const char *id, bool make, int *ret_fd, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1;
        int r;

        r = hv_folder_root(root, &root_fd, err);
        if (r < 0)
                return r;
        if (make)
                return hv_folder_make(root_fd, id, root, ret_fd, err);
        r = hv_beneath_open(root_fd, id, O_RDONLY | O_DIRECTORY, 0);
        if (r < 0)
                return hv_err_errno(err, r, "%s/%s", root, id);
        *ret_fd = r;
        return 0;
}
