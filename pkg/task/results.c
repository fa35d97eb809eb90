/* task/results.c - see results.h. */
#include "task/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "task/folder.h"
#include "task/manifest.h"
#include "task/measure.h"
#include "task/results_internal.h"

#define MANIFEST_MAX_BYTES ((size_t) 256 << 20)

static int read_manifest(int fd, const char *path, struct hv_json **ret, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_fd_closep) int file = -1;
        char block[16384];
        ssize_t n;
        int r;

        r = hv_beneath_open_regular(fd, HV_MANIFEST_FILE, &file);
        if (r < 0)
                return hv_err_errno(err, r, "%s/" HV_MANIFEST_FILE, path);
        while ((n = read(file, block, sizeof block)) > 0 && text.len <= MANIFEST_MAX_BYTES)
                hv_buf_add(&text, block, (size_t) n);
        if (n < 0)
                return hv_err_errno(err, -errno, "%s/" HV_MANIFEST_FILE, path);
        r = hv_json_parse(hv_buf_str(&text), text.len, MANIFEST_MAX_BYTES, ret, err);
        return r < 0 ? hv_err_prefix(err, r, "%s/" HV_MANIFEST_FILE, path) : 0;
}

int hv_results_open(const char *results_root, const struct hv_attempt *a, struct hv_results **ret,
                    struct hv_err *err) {
        _hv_cleanup_(hv_results_freep) struct hv_results *r = NULL;
        _hv_cleanup_(hv_fd_closep) int task_fd = -1;
        char number[16];
        int e;

        e = hv_folder_check(a, err);
        if (e >= 0)
                e = hv_folder_of_task(results_root, a->id, false, &task_fd, err);
        if (e < 0)
                return e;
        r = HV_NEW(struct hv_results);
        r->files_fd = -1;
        r->path = hv_asprintf("%s/%s/%u", results_root, a->id, a->attempt);
        (void) snprintf(number, sizeof number, "%u", a->attempt);
        r->fd = hv_beneath_open(task_fd, number, O_RDONLY | O_DIRECTORY, 0);
        if (r->fd < 0)
                return hv_err_errno(err, r->fd, "%s", r->path);
        (void) hv_kept_read(r->fd, &r->kept);
        if (!*r->kept.removed) {
                r->files_fd = hv_beneath_open(r->fd, "files", O_RDONLY | O_DIRECTORY, 0);
                if (r->files_fd < 0)
                        return hv_err_errno(err, r->files_fd, "%s", r->path);
        }
        e = read_manifest(r->fd, r->path, &r->manifest, err);
        if (e < 0)
                return e;
        *ret = HV_STEAL(r);
        return 0;
}

struct hv_results *hv_results_free(struct hv_results *r) {
        if (!r)
                return NULL;
        hv_fd_closep(&r->fd);
        hv_fd_closep(&r->files_fd);
        (void) hv_json_free(r->manifest);
        free(r->path);
        free(r);
        return NULL;
}

const char *hv_results_removed(const struct hv_results *r) {
        return *r->kept.removed ? r->kept.removed : NULL;
}

const struct hv_json *hv_results_manifest(const struct hv_results *r) {
        return r->manifest;
}

static int open_regular(int dir_fd, const char *path, struct hv_result_file *ret, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct stat st;
        int r, fd;

        if (hv_str_empty(path) || path[0] == '/')
                return hv_err_set(err, -EINVAL, "%s is no path of a collected file",
                                  hv_text_quote(path ? path : "", quoted));
        r = hv_beneath_open_regular(dir_fd, path, &fd);
        if (r == -EISDIR || r == -ENOTDIR || r == -ELOOP || r == -EXDEV || r == -EINVAL || r == -ENAMETOOLONG)
                r = -ENOENT; /* whatever it is, it was not collected */
        if (r < 0)
                return hv_err_errno(err, r, "%s", hv_text_quote(path, quoted));
        if (fstat(fd, &st) < 0) {
                r = -errno;
                (void) close(fd);
                return hv_err_errno(err, r, "%s", hv_text_quote(path, quoted));
        }
        *ret = (struct hv_result_file){ .fd = fd, .size_bytes = (uint64_t) st.st_size };
        return 0;
}

static void put_sha256(const struct hv_json *file, struct hv_result_file *ret) {
        const char *hex = hv_json_str(file, "sha256");

        (void) snprintf(ret->sha256, sizeof ret->sha256, "%s", hex ? hex : "");
}

int hv_results_open_file(const struct hv_results *r, const char *path, struct hv_result_file *ret,
                         struct hv_err *err) {
        const struct hv_json *files = hv_json_get(r->manifest, "files");
        _hv_cleanup_free_ char *exact = NULL;
        int e;

        if (*r->kept.removed)
                return hv_err_set(err, -ENOENT, "the files are not there any more: %s", r->kept.removed);
        e = open_regular(r->files_fd, path, ret, err);
        for (size_t i = 0; e >= 0 && i < hv_json_size(files); i++) {
                exact = hv_result_path(hv_json_at(files, i));
                if (hv_streq(exact, path)) {
                        put_sha256(hv_json_at(files, i), ret);
                        return 0;
                }
                free(HV_STEAL(exact));
        }
        return e;
}

int hv_results_open_log(const struct hv_results *r, struct hv_result_file *ret, struct hv_err *err) {
        int e = open_regular(r->fd, HV_LOG_FILE, ret, err);

        if (e >= 0)
                put_sha256(hv_json_get(r->manifest, "log"), ret);
        return e;
}

/* --- how much --- */

int hv_results_usage(const char *results_root, const struct hv_job *job, uint64_t *ret_bytes,
                     struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct hv_measured sum = {};
        int r;

        r = hv_folder_root(results_root, &fd, err);
        if (r < 0)
                return r;
        r = hv_measure_tree(fd, job, &sum);
        if (r < 0)
                return hv_err_errno(err, r, "%s cannot be measured", results_root);
        *ret_bytes = sum.bytes;
        return 0;
}
