/* task/results_stream.c - all files of a result as one tar or zip, made while it is read. See results.h. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/fd.h"
#include "task/results_internal.h"

#define BLOCK_BYTES ((size_t) 64 << 10)

struct hv_result_stream {
        struct archive *a;
        locale_t utf8; /* names are bytes: nothing is to be converted */
        struct hv_json *manifest;
        int files_fd, fd; /* fd: of the file that is being written; -1: none */
        size_t next;      /* of the manifest's files */
        uint64_t left_bytes;
        struct hv_buf out;
        size_t given; /* of out */
        bool is_zip, ended, is_dropped;
        char block[BLOCK_BYTES];
};

char *hv_result_path(const struct hv_json *file) {
        const char *text = hv_json_str(file, "path"), *encoded = hv_json_str(file, "pathBase64");
        size_t len;
        char *path;

        if (!encoded)
                return hv_strdup(text ? text : "");
        path = hv_calloc(1, strlen(encoded) + 3);
        return hv_base64_decode(encoded, strlen(encoded), path, &len) ? path : (free(path), hv_strdup(""));
}

static la_ssize_t take_out(struct archive *a, void *userdata, const void *data, size_t len) {
        struct hv_result_stream *s = userdata;

        (void) a;
        if (!s->is_dropped)
                hv_buf_add(&s->out, data, len);
        return (la_ssize_t) len;
}

int hv_result_stream_new(const struct hv_results *r, enum hv_result_format format,
                         struct hv_result_stream **ret, struct hv_err *err) {
        struct hv_result_stream *s;

        if (*r->kept.removed)
                return hv_err_set(err, -ENOENT, "the files are not there any more: %s", r->kept.removed);
        s = HV_NEW(struct hv_result_stream);
        s->fd = -1;
        s->is_zip = format == HV_RESULT_ZIP;
        s->manifest = hv_json_ref(r->manifest);
        s->files_fd = fcntl(r->files_fd, F_DUPFD_CLOEXEC, 0);
        s->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
        s->a = archive_write_new();
        if (!s->a)
                hv_out_of_memory(sizeof *s);
        if (format == HV_RESULT_ZIP) {
                (void) archive_write_set_format_zip(s->a);
                (void) archive_write_set_options(s->a, "compression-level=1"); /* it is the loop's time */
        } else
                (void) archive_write_set_format_gnutar(s->a);
        (void) archive_write_set_bytes_per_block(s->a, 0);
        if (s->files_fd < 0 || !s->utf8 || archive_write_open(s->a, s, NULL, take_out, NULL) != ARCHIVE_OK) {
                (void) hv_result_stream_free(s);
                return hv_err_set(err, -EIO, "%s cannot be packed", r->path);
        }
        *ret = s;
        return 0;
}

struct hv_result_stream *hv_result_stream_free(struct hv_result_stream *s) {
        if (!s)
                return NULL;
        /* Freeing writes the end, to nowhere. After archive_write_fail() it would not, but leak the compressor. */
        s->is_dropped = true;
        (void) archive_write_free(s->a);
        hv_fd_closep(&s->fd);
        hv_fd_closep(&s->files_fd);
        (void) hv_json_free(s->manifest);
        hv_buf_done(&s->out);
        if (s->utf8)
                freelocale(s->utf8);
        free(s);
        return NULL;
}

static int pack_failed(struct hv_result_stream *s, struct hv_err *err) {
        const char *why = archive_error_string(s->a);

        return hv_err_set(err, -EIO, "the result cannot be packed: %s", why ? why : "?");
}

static int begin_file(struct hv_result_stream *s, const struct hv_json *file, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_result_path(file);
        const char *mode = hv_json_str(file, "mode");
        struct archive_entry *e;
        struct stat st;
        int r;

        r = hv_beneath_open_regular(s->files_fd, path, &s->fd);
        if (r < 0 || fstat(s->fd, &st) < 0)
                return hv_err_errno(err, r < 0 ? r : -errno, "%s", path);
        s->left_bytes = (uint64_t) st.st_size;
        e = archive_entry_new();
        /* A zip's names are UTF-8: there what is none is shown as in the manifest. */
        archive_entry_copy_pathname(e, s->is_zip ? hv_json_str(file, "path") : path);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, mode ? (mode_t) strtoul(mode, NULL, 8) & 0777 : 0644);
        archive_entry_set_size(e, st.st_size);
        archive_entry_set_mtime(e, st.st_mtim.tv_sec, 0);
        r = archive_write_header(s->a, e);
        archive_entry_free(e);
        return r < ARCHIVE_WARN ? pack_failed(s, err) : 0;
}

static int more_of_file(struct hv_result_stream *s, struct hv_err *err) {
        ssize_t n = read(s->fd, s->block, (size_t) HV_MIN(s->left_bytes, BLOCK_BYTES));

        if (n < 0)
                return hv_err_errno(err, -errno, "a collected file cannot be read");
        if (n > 0 && archive_write_data(s->a, s->block, (size_t) n) != n)
                return pack_failed(s, err);
        s->left_bytes -= (uint64_t) n;
        if (n == 0 && s->left_bytes > 0)
                return hv_err_set(err, -EIO, "a collected file became shorter");
        if (s->left_bytes == 0)
                hv_fd_closep(&s->fd);
        return 0;
}

static int step(struct hv_result_stream *s, struct hv_err *err) {
        const struct hv_json *file = hv_json_at(hv_json_get(s->manifest, "files"), s->next);

        if (s->fd >= 0)
                return more_of_file(s, err);
        if (file) {
                s->next++;
                return begin_file(s, file, err);
        }
        s->ended = true;
        return archive_write_close(s->a) == ARCHIVE_OK ? 0 : pack_failed(s, err);
}

ssize_t hv_result_stream_fill(struct hv_result_stream *s, void *buf, size_t cap, struct hv_err *err) {
        locale_t before = uselocale(s->utf8);
        size_t n;
        int r = 0;

        if (s->given == s->out.len) {
                hv_buf_clear(&s->out);
                s->given = 0;
        }
        while (r >= 0 && s->out.len - s->given < cap && !s->ended)
                r = step(s, err);
        (void) uselocale(before);
        if (r < 0)
                return r;
        n = HV_MIN(cap, s->out.len - s->given);
        if (n > 0)
                memcpy(buf, s->out.data + s->given, n);
        s->given += n;
        return (ssize_t) n;
}
