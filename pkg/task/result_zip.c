/* task/result_zip.c - see package.h. */
#include "task/result_zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "task/results_internal.h"
#include "task/worker.h"

#define BLOCK_BYTES ((size_t) 64 << 10)

struct hv_result_zip {
        struct hv_job job;
        struct hv_arena *arena;
        struct hv_result_zip_options o;
        bool silent; /* freed by its owner */

        /* of the thread, while the job is with it */
        struct hv_results *results; /* NULL: there are none */
        struct archive *a;
        int out_fd;
        struct hv_sha256 sha256;
        uint64_t size_bytes;
        int error; /* of writing */
        struct hv_result_zip_made result;
        struct hv_err err;
        char block[BLOCK_BYTES];
};

/* --- on the thread --- */

static la_ssize_t take_out(struct archive *a, void *userdata, const void *data, size_t len) {
        struct hv_result_zip *p = userdata;

        p->error = hv_fd_write(p->out_fd, data, len);
        if (p->error < 0) {
                archive_set_error(a, -p->error, "%s", strerror(-p->error));
                return -1;
        }
        hv_sha256_add(&p->sha256, data, len);
        p->size_bytes += len;
        return (la_ssize_t) len;
}

static int failed(struct hv_result_zip *p) {
        const char *why = archive_error_string(p->a);

        return hv_err_set(&p->err, p->error < 0 ? p->error : -EIO, "the result cannot be packed: %s",
                          why ? why : "?");
}

static int begin_entry(struct hv_result_zip *p, const char *name, mode_t mode, uint64_t size_bytes,
                       time_t mtime) {
        struct archive_entry *e = archive_entry_new();
        int r;

        archive_entry_copy_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, mode);
        archive_entry_set_size(e, (la_int64_t) size_bytes);
        archive_entry_set_mtime(e, mtime, 0);
        r = archive_write_header(p->a, e);
        archive_entry_free(e);
        return r < ARCHIVE_WARN ? failed(p) : 0;
}

static int put(struct hv_result_zip *p, const void *data, size_t len) {
        return len > 0 && archive_write_data(p->a, data, len) != (la_ssize_t) len ? failed(p) : 0;
}

static int put_file(struct hv_result_zip *p, int fd, uint64_t left_bytes) {
        while (left_bytes > 0) {
                ssize_t n = read(fd, p->block, (size_t) HV_MIN(left_bytes, BLOCK_BYTES));
                int r;

                if (n <= 0)
                        return hv_err_errno(&p->err, n < 0 ? -errno : -EIO,
                                            "what was collected cannot be read");
                if (hv_job_is_cancelled(&p->job))
                        return hv_err_set(&p->err, -ECANCELED, "it is not wanted any more");
                r = put(p, p->block, (size_t) n);
                if (r < 0)
                        return r;
                left_bytes -= (uint64_t) n;
        }
        return 0;
}

static bool is_extra(const struct hv_result_zip *p, const char *name) {
        for (size_t i = 0; i < p->o.n_extras; i++)
                if (hv_streq(p->o.extras[i].name, name))
                        return true;
        return false;
}

static int add_collected(struct hv_result_zip *p, const struct hv_json *file) {
        _hv_cleanup_free_ char *path = hv_result_path(file);
        const char *shown = hv_json_str(file, "path"), *mode = hv_json_str(file, "mode");
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct stat st;
        int r;

        if (is_extra(p, shown))
                return 0;
        r = hv_beneath_open_regular(p->results->files_fd, path, &fd);
        if (r < 0 || fstat(fd, &st) < 0)
                return hv_err_errno(&p->err, r < 0 ? r : -errno, "%s", shown);
        r = begin_entry(p, shown, mode ? (mode_t) strtoul(mode, NULL, 8) & 0777 : 0644, (uint64_t) st.st_size,
                        st.st_mtim.tv_sec);
        return r < 0 ? r : put_file(p, fd, (uint64_t) st.st_size);
}

static int add_text(struct hv_result_zip *p, const char *name, const char *text) {
        int r = begin_entry(p, name, 0644, strlen(text), time(NULL));

        return r < 0 ? r : put(p, text, strlen(text));
}

/* A result without a log has had none. */
static int add_log(struct hv_result_zip *p, const struct hv_result_zip_extra *x) {
        struct hv_result_file log = { .fd = -1 };
        uint64_t size_bytes = strlen(x->before) + strlen(x->after);
        int r = p->results ? hv_results_open_log(p->results, &log, &p->err) : -ENOENT;

        if (r < 0 && r != -ENOENT)
                return r;
        r = begin_entry(p, x->name, 0644, size_bytes + log.size_bytes, time(NULL));
        if (r >= 0)
                r = put(p, x->before, strlen(x->before));
        if (r >= 0 && log.fd >= 0)
                r = put_file(p, log.fd, log.size_bytes);
        hv_fd_closep(&log.fd);
        return r < 0 ? r : put(p, x->after, strlen(x->after));
}

static int fill(struct hv_result_zip *p) {
        const struct hv_json *files = p->results ? hv_json_get(p->results->manifest, "files") : NULL;
        int r = 0;

        for (size_t i = 0; files && i < hv_json_size(files) && r >= 0; i++)
                r = add_collected(p, hv_json_at(files, i));
        for (size_t i = 0; i < p->o.n_extras && r >= 0; i++)
                r = p->o.extras[i].text ? add_text(p, p->o.extras[i].name, p->o.extras[i].text)
                                        : add_log(p, &p->o.extras[i]);
        if (r >= 0 && archive_write_close(p->a) != ARCHIVE_OK)
                r = failed(p);
        return r < 0 ? r : 0;
}

static int make(struct hv_result_zip *p) {
        int r = 0;

        if (p->o.attempt.attempt > 0)
                r = hv_results_open(p->o.results_root, &p->o.attempt, &p->results, &p->err);
        if (r < 0)
                return r;
        p->out_fd = open(p->o.results_root, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (p->out_fd < 0)
                return hv_err_errno(&p->err, -errno, "no file can be made in %s", p->o.results_root);
        p->a = archive_write_new();
        if (!p->a)
                hv_out_of_memory(sizeof *p);
        (void) archive_write_set_format_zip(p->a);
        (void) archive_write_set_bytes_per_block(p->a, 0);
        if (archive_write_open(p->a, p, NULL, take_out, NULL) != ARCHIVE_OK)
                return failed(p);
        r = fill(p);
        if (r >= 0 && lseek(p->out_fd, 0, SEEK_SET) < 0)
                r = hv_err_errno(&p->err, -errno, "the packed result");
        return r;
}

static void run(struct hv_job *job) {
        struct hv_result_zip *p = (struct hv_result_zip *) job;
        locale_t utf8 =
                newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0); /* names are bytes: nothing is converted */
        locale_t before = utf8 ? uselocale(utf8) : (locale_t) 0;

        hv_sha256_init(&p->sha256);
        p->result.error = make(p);
        if (p->a)
                (void) archive_write_free(p->a);
        if (p->result.error == 0) {
                p->result.size_bytes = p->size_bytes;
                hv_sha256_finish_hex(&p->sha256, p->result.sha256);
        }
        if (utf8) {
                (void) uselocale(before);
                freelocale(utf8);
        }
}

/* --- on the loop --- */

static void done(struct hv_job *job) {
        struct hv_result_zip *p = (struct hv_result_zip *) job;
        bool tells = !p->silent && !job->dropped;

        if (tells) {
                p->result.message = p->result.error < 0 ? p->err.msg : "";
                p->result.fd = p->result.error < 0 ? -1 : hv_fd_steal(&p->out_fd);
                p->o.done(p->o.userdata, &p->result);
        }
        hv_fd_closep(&p->out_fd);
        (void) hv_results_free(p->results);
        (void) hv_arena_free(p->arena);
        free(p);
}

struct hv_result_zip *hv_result_zip_new(const struct hv_result_zip_options *options) {
        struct hv_result_zip *p = HV_NEW(struct hv_result_zip);
        struct hv_result_zip_extra *extras;

        p->arena = hv_arena_new();
        p->o = *options;
        p->o.results_root = hv_arena_strdup(p->arena, options->results_root);
        p->o.attempt.id = hv_arena_strdup(p->arena, options->attempt.id);
        extras = HV_ARENA_NEW_N(p->arena, struct hv_result_zip_extra, options->n_extras + 1);
        for (size_t i = 0; i < options->n_extras; i++)
                extras[i] = (struct hv_result_zip_extra){
                        .name = hv_arena_strdup(p->arena, options->extras[i].name),
                        .text = hv_arena_strdup(p->arena, options->extras[i].text),
                        .before = hv_arena_strdup(p->arena,
                                                  options->extras[i].before ? options->extras[i].before : ""),
                        .after = hv_arena_strdup(p->arena,
                                                 options->extras[i].after ? options->extras[i].after : ""),
                };
        p->o.extras = extras;
        p->out_fd = -1;
        p->job.run = run;
        p->job.done = done;
        hv_worker_add(p->o.worker, &p->job);
        return p;
}

struct hv_result_zip *hv_result_zip_free(struct hv_result_zip *p) {
        if (!p)
                return NULL;
        p->silent = true;
        hv_job_cancel(&p->job);
        return NULL;
}
