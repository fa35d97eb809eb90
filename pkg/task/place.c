/* task/place.c - see place.h. */
#include "task/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"

#define MODE_FILE 0644

int hv_place_check(const char *path, struct hv_err *err) {
        const char *fault = hv_beneath_fault(path, strlen(path));
        char quoted[HV_TEXT_QUOTE_SIZE];

        return fault ? hv_err_set(err, -EBADMSG, "%s %s", hv_text_quote(path, quoted), fault) : 0;
}

int hv_place_error(int error, const char *path, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        (void) hv_text_quote(path, quoted);
        switch (error) {
        case -EEXIST:
        case -EISDIR:
                return hv_err_set(err, -EBADMSG, "%s is there already", quoted);
        case -ENOTDIR:
                return hv_err_set(err, -EBADMSG, "%s lies below a file", quoted);
        case -ELOOP:
        case -EXDEV:
                return hv_err_set(err, -EBADMSG, "%s leads out of the workspace", quoted);
        case -ENAMETOOLONG:
                return hv_err_set(err, -EBADMSG, "%s is too long for the file system", quoted);
        default:
                return hv_err_errno(err, error, "%s cannot be made", quoted);
        }
}

int hv_place_text(int workspace_fd, const char *path, const void *text, size_t len,
                  const struct hv_owner *owner, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        int r;

        r = hv_place_check(path, err);
        if (r < 0)
                return r;
        r = hv_beneath_make_file(workspace_fd, path, owner, &fd);
        if (r < 0)
                return hv_place_error(r, path, err);
        r = hv_fd_write(fd, text, len);
        if (r >= 0 && fchmod(fd, MODE_FILE) < 0)
                r = -errno;
        return r < 0 ? hv_err_errno(err, r, "%s cannot be written", path) : 0;
}

static int give_to(int from_fd, const char *name, const struct hv_owner *owner) {
        _hv_cleanup_(hv_fd_closep) int fd = hv_beneath_open(from_fd, name, O_WRONLY, 0);

        if (fd < 0)
                return fd;
        return fchown(fd, owner->uid, owner->gid) < 0 || fchmod(fd, MODE_FILE) < 0 ? -errno : 0;
}

int hv_place_file(int workspace_fd, const char *path, int from_fd, const char *name,
                  const struct hv_owner *owner, struct hv_err *err) {
        const char *slash = strrchr(path, '/');
        _hv_cleanup_free_ char *above = slash ? hv_strndup(path, (size_t) (slash - path)) : hv_strdup("");
        _hv_cleanup_(hv_fd_closep) int parent = -1;
        int r;

        r = hv_place_check(path, err);
        if (r < 0)
                return r;
        r = hv_beneath_make_dirs(workspace_fd, above, owner, &parent);
        if (r >= 0)
                r = give_to(from_fd, name, owner);
        if (r >= 0 && renameat2(from_fd, name, parent, slash ? slash + 1 : path, RENAME_NOREPLACE) < 0)
                r = -errno;
        return r < 0 ? hv_place_error(r, path, err) : 0;
}
