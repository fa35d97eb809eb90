/* task/log_file.c - see log_file.h. A segment is full once it costs the cap; the files' names are of its number % 2. */
#include "task/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/quantity.h"
#include "base/vec.h"

#define FLUSH_BYTES ((size_t) 64 << 10)
#define LINE_SEARCH_BYTES ((size_t) 64 << 10)
#define RUN_MAX_BYTES 10u /* LEB128 of 64 bits */
#define MILESTONES 256u   /* of a segment */

static const char *const data_names[] = { "log.0", "log.1" };
static const char *const runs_names[] = { "log.runs.0", "log.runs.1" };

/* So much had been written of a segment when it had cost so much. */
struct milestone {
        uint64_t cost, bytes;
};

struct segment {
        uint64_t cost, bytes;
        HV_VEC(struct milestone) miles;
};

struct hv_log_file {
        int dir_fd;
        enum hv_log_form form;
        uint64_t cap_bytes, seen_bytes;
        struct segment older, newer; /* newer: the one that is written to */
        unsigned n_segments;         /* that were begun, besides the first */
        bool lost_beginning;
        int data_fd, runs_fd;
        struct hv_buf data, runs; /* not written yet */
        enum hv_log_stream stream;
        uint64_t run_bytes;      /* of the run that goes on */
        struct hv_sha256 sha256; /* of the first segment: of the log, while there is no other */
};

static void put_run(struct hv_buf *b, enum hv_log_stream stream, uint64_t bytes) {
        uint64_t value = bytes * 2 + (stream == HV_LOG_FROM_STDERR);

        if (bytes == 0)
                return;
        for (; value >= 0x80; value >>= 7)
                hv_buf_putc(b, (char) (value | 0x80));
        hv_buf_putc(b, (char) value);
}

static int write_out(int fd, struct hv_buf *b, struct hv_err *err) {
        int r = hv_fd_write(fd, hv_buf_str(b), b->len);

        hv_buf_clear(b);
        return r < 0 ? hv_err_errno(err, r, "the log cannot be written") : 0;
}

static int open_new(int dir_fd, const char *name, struct hv_err *err) {
        int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? hv_err_errno(err, -errno, "the log's file %s cannot be made", name) : fd;
}

static int open_segment(struct hv_log_file *f, struct hv_err *err) {
        f->data_fd = open_new(f->dir_fd, data_names[f->n_segments % 2], err);
        if (f->data_fd < 0)
                return f->data_fd;
        f->runs_fd = open_new(f->dir_fd, runs_names[f->n_segments % 2], err);
        return f->runs_fd < 0 ? f->runs_fd : 0;
}

static int close_segment(struct hv_log_file *f, struct hv_err *err) {
        int r;

        put_run(&f->runs, f->stream, f->run_bytes);
        f->run_bytes = 0;
        r = write_out(f->data_fd, &f->data, err);
        if (r >= 0)
                r = write_out(f->runs_fd, &f->runs, err);
        hv_fd_closep(&f->data_fd);
        hv_fd_closep(&f->runs_fd);
        return r;
}

static int next_segment(struct hv_log_file *f, struct hv_err *err) {
        struct segment dropped = f->older;
        int r = close_segment(f, err);

        f->older = f->newer;
        f->newer = (struct segment){ .miles = dropped.miles };
        hv_vec_clear(&f->newer.miles);
        f->n_segments++;
        return r < 0 ? r : open_segment(f, err);
}

int hv_log_file_new(int dir_fd, uint64_t cap_bytes, enum hv_log_form form, struct hv_log_file **ret,
                    struct hv_err *err) {
        _hv_cleanup_(hv_log_file_freep) struct hv_log_file *f = HV_NEW(struct hv_log_file);
        int r;

        f->dir_fd = dir_fd;
        f->form = form;
        f->cap_bytes = cap_bytes ? cap_bytes : UINT64_MAX;
        f->data_fd = f->runs_fd = -1;
        f->stream = HV_LOG_FROM_STDOUT;
        hv_sha256_init(&f->sha256);
        r = open_segment(f, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(f);
        return 0;
}

struct hv_log_file *hv_log_file_free(struct hv_log_file *f) {
        if (!f)
                return NULL;
        hv_fd_closep(&f->data_fd);
        hv_fd_closep(&f->runs_fd);
        hv_buf_done(&f->data);
        hv_buf_done(&f->runs);
        hv_vec_done(&f->older.miles);
        hv_vec_done(&f->newer.miles);
        free(f);
        return NULL;
}

static void count(struct hv_log_file *f, const void *data, size_t len) {
        struct segment *s = &f->newer;
        uint64_t last = s->miles.n ? s->miles.v[s->miles.n - 1].cost : 0;

        if (s->cost - last >= f->cap_bytes / MILESTONES && s->cost > last)
                hv_vec_push(&s->miles, ((struct milestone){ s->cost, s->bytes }));
        s->cost += hv_log_form_cost(f->form, data, len);
        s->bytes += len;
        f->seen_bytes += len;
}

int hv_log_file_add(struct hv_log_file *f, enum hv_log_stream stream, const void *data, size_t len,
                    struct hv_err *err) {
        int r = 0;

        if (len == 0)
                return 0;
        if (f->newer.cost >= f->cap_bytes)
                r = next_segment(f, err);
        if (r < 0)
                return r;
        if (stream != f->stream) {
                put_run(&f->runs, f->stream, f->run_bytes);
                f->run_bytes = 0;
                f->stream = stream;
        }
        f->run_bytes += len;
        count(f, data, len);
        if (f->n_segments == 0)
                hv_sha256_add(&f->sha256, data, len);
        hv_buf_add(&f->data, data, len);
        if (f->data.len >= FLUSH_BYTES)
                r = write_out(f->data_fd, &f->data, err);
        if (r >= 0 && f->runs.len >= FLUSH_BYTES)
                r = write_out(f->runs_fd, &f->runs, err);
        return r;
}

void hv_log_file_lost_beginning(struct hv_log_file *f) {
        f->lost_beginning = true;
}

/* --- the end --- */

/* Puts the files together: the end of the older segment, then the newer one. */
struct joining {
        struct hv_log_file *f;
        int data_fd, runs_fd;
        struct hv_buf runs;
        enum hv_log_stream stream; /* of the run that goes on, which may go on in the next segment */
        uint64_t run_bytes;
        struct hv_sha256 sha256;
        uint64_t size_bytes;
};

static void go_on(struct joining *j, enum hv_log_stream stream, uint64_t bytes) {
        if (bytes > 0 && stream != j->stream) {
                put_run(&j->runs, j->stream, j->run_bytes);
                j->stream = stream;
                j->run_bytes = 0;
        }
        j->run_bytes += bytes;
}

static int put(struct joining *j, const void *data, size_t len, struct hv_err *err) {
        int r = hv_fd_write(j->data_fd, data, len);

        hv_sha256_add(&j->sha256, data, len);
        j->size_bytes += len;
        return r < 0 ? hv_err_errno(err, r, "the log cannot be written") : 0;
}

static int put_file(struct joining *j, int from_fd, uint64_t skip, struct hv_err *err) {
        _hv_cleanup_free_ char *block = hv_malloc(FLUSH_BYTES);
        ssize_t n;
        int r = 0;

        while (r >= 0 && (n = pread(from_fd, block, FLUSH_BYTES, (off_t) skip)) > 0) {
                r = put(j, block, (size_t) n, err);
                skip += (uint64_t) n;
        }
        return r >= 0 && n < 0 ? hv_err_errno(err, -errno, "the log cannot be read back") : r;
}

bool hv_log_next_run(FILE *runs, uint64_t *ret) {
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 7 * RUN_MAX_BYTES; shift += 7) {
                int c = getc_unlocked(runs);

                if (c == EOF)
                        return false;
                value |= (uint64_t) (c & 0x7f) << shift;
                if (!(c & 0x80)) {
                        *ret = value;
                        return true;
                }
        }
        return false;
}

static int put_runs(struct joining *j, const char *name, uint64_t skip, struct hv_err *err) {
        int fd = openat(j->f->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = 0;
        FILE *runs = fd < 0 ? NULL : fdopen(fd, "r");
        uint64_t value;

        if (!runs)
                return hv_err_errno(err, -errno, "the log's file %s cannot be read back", name);
        while (r >= 0 && hv_log_next_run(runs, &value)) {
                uint64_t bytes = value / 2, dropped = HV_MIN(bytes, skip);

                skip -= dropped;
                go_on(j, value % 2 ? HV_LOG_FROM_STDERR : HV_LOG_FROM_STDOUT, bytes - dropped);
                if (j->runs.len >= FLUSH_BYTES)
                        r = write_out(j->runs_fd, &j->runs, err);
        }
        (void) fclose(runs);
        return r;
}

/* How much of the older segment must go so that what is left costs no more than the cap. A byte costs at least one: from
 * the last milestone on that is enough. */
static uint64_t to_drop(const struct hv_log_file *f) {
        const struct segment *s = &f->older;
        uint64_t all = s->cost + f->newer.cost, much = all > f->cap_bytes ? all - f->cap_bytes : 0;
        struct milestone from = {};

        for (size_t i = 0; i < s->miles.n && s->miles.v[i].cost <= much; i++)
                from = s->miles.v[i];
        return HV_MIN(from.bytes + (much - from.cost), s->bytes);
}

/* The two segments as one text: where in it the kept part begins. What must go is `at`; a newline shortly behind it is
 * better. */
static uint64_t find_cut(const int fds[2], uint64_t older_bytes, uint64_t at) {
        _hv_cleanup_free_ char *block = hv_malloc(LINE_SEARCH_BYTES);
        ssize_t n = pread(fds[0], block, LINE_SEARCH_BYTES, (off_t) at);
        const char *newline;

        n = HV_MAX(n, 0);
        if ((size_t) n < LINE_SEARCH_BYTES && at + (uint64_t) n == older_bytes) {
                ssize_t more = pread(fds[1], block + n, LINE_SEARCH_BYTES - (size_t) n, 0);

                n += HV_MAX(more, 0);
        }
        newline = memchr(block, '\n', (size_t) n);
        return newline ? at + (uint64_t) (newline - block) + 1 : at;
}

static int put_notice(struct joining *j, struct hv_err *err) {
        char cap[HV_QUANTITY_SIZE], line[128];
        int n;

        hv_quantity_format_bytes(j->f->cap_bytes, cap);
        n = snprintf(line, sizeof line,
                     "[hivelet] the log was longer than %s in the engine's files: its beginning is missing\n",
                     cap);
        put_run(&j->runs, HV_LOG_FROM_STDERR, (uint64_t) n);
        return put(j, line, (size_t) n, err);
}

static int join(struct joining *j, const int fds[2], struct hv_err *err) {
        struct hv_log_file *f = j->f;
        uint64_t drop = to_drop(f), cut = drop ? find_cut(fds, f->older.bytes, drop) : 0;
        uint64_t skip_older = HV_MIN(cut, f->older.bytes), skip_newer = cut - skip_older;
        int r;

        r = put_notice(j, err);
        if (r >= 0)
                r = put_file(j, fds[0], skip_older, err);
        if (r >= 0)
                r = put_file(j, fds[1], skip_newer, err);
        if (r >= 0)
                r = put_runs(j, runs_names[(f->n_segments + 1) % 2], skip_older, err);
        if (r >= 0)
                r = put_runs(j, runs_names[f->n_segments % 2], skip_newer, err);
        put_run(&j->runs, j->stream, j->run_bytes);
        return r >= 0 ? write_out(j->runs_fd, &j->runs, err) : r;
}

static int open_both(const struct hv_log_file *f, int fds[2], struct hv_err *err) {
        for (unsigned i = 0; i < 2; i++) {
                fds[i] = openat(f->dir_fd, data_names[(f->n_segments + 1 + i) % 2],
                                O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
                if (fds[i] < 0)
                        return hv_err_errno(err, -errno, "the log cannot be read back");
        }
        return 0;
}

static int rename_only_segment(struct hv_log_file *f, struct hv_err *err) {
        if (renameat(f->dir_fd, data_names[0], f->dir_fd, HV_LOG_FILE) < 0 ||
            renameat(f->dir_fd, runs_names[0], f->dir_fd, HV_LOG_INDEX_FILE) < 0)
                return hv_err_errno(err, -errno, "the log cannot be put in place");
        return 0;
}

static int join_segments(struct hv_log_file *f, struct hv_log_summary *ret, struct hv_err *err) {
        struct joining j = { .f = f, .data_fd = -1, .runs_fd = -1, .stream = HV_LOG_FROM_STDERR };
        int fds[2] = { -1, -1 }, r;

        hv_sha256_init(&j.sha256);
        r = open_both(f, fds, err);
        if (r >= 0)
                r = j.data_fd = open_new(f->dir_fd, HV_LOG_FILE, err);
        if (r >= 0)
                r = j.runs_fd = open_new(f->dir_fd, HV_LOG_INDEX_FILE, err);
        if (r >= 0)
                r = join(&j, fds, err);
        hv_fd_closep(&fds[0]);
        hv_fd_closep(&fds[1]);
        hv_fd_closep(&j.data_fd);
        hv_fd_closep(&j.runs_fd);
        hv_buf_done(&j.runs);
        for (unsigned i = 0; i < 2; i++) {
                (void) unlinkat(f->dir_fd, data_names[i], 0);
                (void) unlinkat(f->dir_fd, runs_names[i], 0);
        }
        ret->size_bytes = j.size_bytes;
        hv_sha256_finish_hex(&j.sha256, ret->sha256);
        return r;
}

int hv_log_file_finish(struct hv_log_file *f, struct hv_log_summary *ret, struct hv_err *err) {
        struct hv_log_summary summary = { .seen_bytes = f->seen_bytes };
        int r = 0;

        /* What is dropped is always of the older one, the newer is kept whole. */
        if (f->newer.cost > f->cap_bytes || (f->lost_beginning && f->n_segments == 0))
                r = next_segment(f, err);
        if (r >= 0)
                r = close_segment(f, err);
        if (r < 0)
                return r;
        summary.truncated = f->n_segments > 0;
        if (summary.truncated)
                r = join_segments(f, &summary, err);
        else {
                summary.size_bytes = f->seen_bytes;
                hv_sha256_finish_hex(&f->sha256, summary.sha256);
                r = rename_only_segment(f, err);
        }
        if (r >= 0)
                *ret = summary;
        return r;
}
