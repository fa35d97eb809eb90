/* task/kept.c - see kept.h. */
#include "task/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "task/beneath.h"
#include "task/log_file.h"
#include "task/tree.h"
#include "json/json.h"
#include "json/write.h"

#define DRAFT_NAME HV_KEPT_FILE ".tmp"
#define FILES "files"
#define FILES_GOING "files.tmp"
#define MAX_BYTES 4096u

int hv_kept_write(int dir_fd, const struct hv_kept *k, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd =
                openat(dir_fd, DRAFT_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_json_writer w = { .buf = &text };
        int r;

        if (fd < 0)
                return hv_err_errno(err, -errno, HV_KEPT_FILE " cannot be made");
        hv_json_begin_object(&w, NULL);
        hv_json_put_uint(&w, "outputsSeconds", k->outputs_us / HV_USEC_PER_SEC);
        if (*k->removed)
                hv_json_put_str(&w, "removed", k->removed);
        hv_json_end(&w);
        hv_buf_putc(&text, '\n');
        r = hv_fd_write(fd, text.data, text.len);
        if (r >= 0 && (fsync(fd) < 0 || renameat(dir_fd, DRAFT_NAME, dir_fd, HV_KEPT_FILE) < 0))
                r = -errno;
        return r < 0 ? hv_err_errno(err, r, HV_KEPT_FILE " cannot be written") : 0;
}

bool hv_kept_read(int dir_fd, struct hv_kept *ret) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        const char *removed;
        char text[MAX_BYTES];
        ssize_t n;

        if (hv_beneath_open_regular(dir_fd, HV_KEPT_FILE, &fd) < 0)
                return false;
        n = pread(fd, text, sizeof text, 0);
        if (n <= 0 || hv_json_parse(text, (size_t) n, sizeof text, &j, NULL) < 0)
                return false;
        removed = hv_json_str(j, "removed");
        *ret = (struct hv_kept){ .outputs_us = (uint64_t) HV_MAX(hv_json_int(j, "outputsSeconds", 0), 0) *
                                               HV_USEC_PER_SEC };
        (void) snprintf(ret->removed, sizeof ret->removed, "%s", removed ? removed : "");
        return true;
}

int hv_kept_remove(int dir_fd, const struct hv_kept *k, bool log, const struct hv_job *job,
                   struct hv_err *err) {
        int r;

        r = hv_kept_write(dir_fd, k, err);
        if (r >= 0 && fsync(dir_fd) < 0)
                r = hv_err_errno(err, -errno, HV_KEPT_FILE " cannot be flushed");
        if (r >= 0)
                r = hv_tree_remove(dir_fd, FILES_GOING, FILES_GOING, job, err);
        if (r >= 0 && renameat(dir_fd, FILES, dir_fd, FILES_GOING) < 0 && errno != ENOENT)
                r = hv_err_errno(err, -errno, "the collected files cannot be put aside");
        if (r >= 0)
                r = hv_tree_remove(dir_fd, FILES_GOING, FILES_GOING, job, err);
        if (r >= 0 && log) {
                (void) unlinkat(dir_fd, HV_LOG_INDEX_FILE, 0);
                (void) unlinkat(dir_fd, HV_LOG_FILE, 0);
        }
        return HV_MIN(r, 0);
}
