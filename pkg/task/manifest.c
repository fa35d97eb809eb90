/* task/manifest.c - see manifest.h. */
#include "task/manifest.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/vec.h"
#include "json/write.h"

#define FLUSH_BYTES ((size_t) 64 << 10)

struct note {
        char *path;
        const char *reason; /* static */
};

struct hv_manifest {
        int fd;
        struct hv_buf buf;
        struct hv_json_writer w;
        struct hv_sha256 sha256;
        struct hv_manifest_summary sum;
        HV_VEC(struct note) notes;
};

static int write_out(struct hv_manifest *m, struct hv_err *err) {
        int r = hv_fd_write(m->fd, hv_buf_str(&m->buf), m->buf.len);

        hv_sha256_add(&m->sha256, hv_buf_str(&m->buf), m->buf.len);
        hv_buf_clear(&m->buf);
        return r < 0 ? hv_err_errno(err, r, HV_MANIFEST_FILE " cannot be written") : 0;
}

int hv_manifest_new(int dir_fd, const struct hv_attempt *a, struct hv_manifest **ret, struct hv_err *err) {
        int fd = openat(dir_fd, HV_MANIFEST_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct hv_manifest *m;

        if (fd < 0)
                return hv_err_errno(err, -errno, HV_MANIFEST_FILE " cannot be made");
        m = HV_NEW(struct hv_manifest);
        m->fd = fd;
        m->w.buf = &m->buf;
        hv_sha256_init(&m->sha256);
        hv_json_begin_object(&m->w, NULL);
        hv_json_put_int(&m->w, "version", 1);
        hv_json_put_str(&m->w, "task", a->id);
        hv_json_put_uint(&m->w, "attempt", a->attempt);
        hv_json_begin_array(&m->w, "files");
        *ret = m;
        return 0;
}

struct hv_manifest *hv_manifest_free(struct hv_manifest *m) {
        if (!m)
                return NULL;
        hv_fd_closep(&m->fd);
        hv_buf_done(&m->buf);
        for (size_t i = 0; i < m->notes.n; i++)
                free(m->notes.v[i].path);
        hv_vec_done(&m->notes);
        free(m);
        return NULL;
}

static void put_path(struct hv_json_writer *w, const char *path) {
        size_t len = strlen(path);
        _hv_cleanup_free_ char *text = NULL;

        hv_json_put_strn(w, "path", path, len);
        if (hv_utf8_is_valid(path, len, NULL))
                return;
        text = hv_malloc(HV_BASE64_SIZE(len));
        hv_base64_encode(path, len, text);
        hv_json_put_str(w, "pathBase64", text);
}

int hv_manifest_add(struct hv_manifest *m, const struct hv_manifest_file *file, struct hv_err *err) {
        hv_json_begin_object(&m->w, NULL);
        put_path(&m->w, file->path);
        hv_json_put_uint(&m->w, "size", file->size_bytes);
        hv_json_put_printf(&m->w, "mode", "%04o", (unsigned) (file->mode & 0777));
        hv_json_put_str(&m->w, "sha256", file->sha256);
        hv_json_end(&m->w);
        m->sum.n_files++;
        m->sum.size_bytes += file->size_bytes;
        return m->buf.len >= FLUSH_BYTES ? write_out(m, err) : 0;
}

void hv_manifest_leave_out(struct hv_manifest *m, const char *path, bool by_cap, const char *reason) {
        m->sum.n_left_out++;
        m->sum.truncated = m->sum.truncated || by_cap;
        if (m->notes.n < HV_MANIFEST_NOTES_MAX)
                hv_vec_push(&m->notes, ((struct note){ .path = hv_strdup(path), .reason = reason }));
}

static void put_notes(struct hv_manifest *m) {
        hv_json_begin_array(&m->w, "leftOut");
        for (size_t i = 0; i < m->notes.n; i++) {
                hv_json_begin_object(&m->w, NULL);
                put_path(&m->w, m->notes.v[i].path);
                hv_json_put_str(&m->w, "reason", m->notes.v[i].reason);
                hv_json_end(&m->w);
        }
        hv_json_end(&m->w);
}

static void put_log(struct hv_json_writer *w, const struct hv_log_summary *log) {
        hv_json_begin_object(w, "log");
        hv_json_put_uint(w, "size", log->size_bytes);
        hv_json_put_str(w, "sha256", log->sha256);
        hv_json_put_bool(w, "truncated", log->truncated);
        hv_json_put_uint(w, "seen", log->seen_bytes);
        hv_json_end(w);
}

static void put_known(struct hv_json_writer *w, const char *key, uint64_t value) {
        if (value)
                hv_json_put_uint(w, key, value);
        else
                hv_json_put_null(w, key);
}

static void put_usage(struct hv_json_writer *w, const struct hv_task_usage *usage) {
        hv_json_begin_object(w, "usage");
        put_known(w, "cpuMicroseconds", usage->cpu_us);
        put_known(w, "memoryPeakBytes", usage->memory_peak_bytes);
        hv_task_put_gpu_use(w, &usage->gpu);
        hv_json_end(w);
}

int hv_manifest_finish(struct hv_manifest *m, const struct hv_log_summary *log,
                       const struct hv_task_usage *usage, struct hv_manifest_summary *ret,
                       struct hv_err *err) {
        int r;

        hv_json_end(&m->w);
        put_notes(m);
        hv_json_put_uint(&m->w, "leftOutTotal", m->sum.n_left_out);
        hv_json_put_uint(&m->w, "filesTotal", m->sum.n_files);
        hv_json_put_uint(&m->w, "bytesTotal", m->sum.size_bytes);
        hv_json_put_bool(&m->w, "truncated", m->sum.truncated);
        put_log(&m->w, log);
        put_usage(&m->w, usage);
        hv_json_end(&m->w);
        hv_buf_putc(&m->buf, '\n');
        r = write_out(m, err);
        if (r < 0)
                return r;
        hv_sha256_finish_hex(&m->sha256, m->sum.sha256);
        *ret = m->sum;
        return 0;
}
