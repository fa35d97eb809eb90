#include "http/kept_log.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/results.h"

#define COUNT_BYTES 65536u

struct hv_kept_log {
        struct hv_results *results;
        struct hv_kept_log_options options;
        struct hv_log_reader *one; /* one stream; NULL: all, from `fd` */
        int fd;
        uint64_t skip_lines;
};

static void close_log(struct hv_kept_log *k) {
        k->one = hv_log_reader_free(k->one);
        hv_fd_closep(&k->fd);
        k->fd = -1;
}

static int open_log(struct hv_kept_log *k, struct hv_err *err) {
        struct hv_result_file file = { .fd = -1 };
        int r;

        close_log(k);
        if (k->options.out != k->options.err)
                return hv_log_reader_new(k->results, k->options.out ? HV_LOG_FROM_STDOUT : HV_LOG_FROM_STDERR,
                                         &k->one, err);
        r = hv_results_open_log(k->results, &file, err);
        k->fd = file.fd;
        return r;
}

static ssize_t read_some(struct hv_kept_log *k, char *buf, size_t cap) {
        ssize_t n;

        if (k->one)
                return hv_log_reader_fill(k->one, buf, cap, NULL);
        n = read(k->fd, buf, cap);
        return n < 0 ? -errno : n;
}

/* How many lines come before the last ones. */
static int count(struct hv_kept_log *k, uint64_t *ret_skip) {
        _hv_cleanup_free_ char *buf = hv_malloc(COUNT_BYTES);
        bool open = false; /* the last line has no end */
        uint64_t lines = 0;
        ssize_t n;

        while ((n = read_some(k, buf, COUNT_BYTES)) > 0) {
                for (const char *p = buf, *end = buf + n; (p = memchr(p, '\n', (size_t) (end - p))); p++)
                        lines++;
                open = buf[n - 1] != '\n';
        }
        lines += open;
        *ret_skip = lines > k->options.tail_lines ? lines - k->options.tail_lines : 0;
        return (int) n;
}

int hv_kept_log_new(struct hv_results *results, const struct hv_kept_log_options *o, struct hv_kept_log **ret,
                    struct hv_err *err) {
        _hv_cleanup_(hv_kept_log_freep) struct hv_kept_log *k = HV_NEW(struct hv_kept_log);
        uint64_t skip = 0;
        int r;

        *k = (struct hv_kept_log){ .results = results, .options = *o, .fd = -1 };
        r = open_log(k, err);
        if (r < 0)
                return r;
        if (o->tail_lines != UINT64_MAX) {
                r = count(k, &skip);
                if (r < 0)
                        return hv_err_errno(err, r, "the log cannot be read");
                r = open_log(k, err);
                if (r < 0)
                        return r;
                k->skip_lines = skip;
        }
        *ret = HV_STEAL(k);
        return 0;
}

struct hv_kept_log *hv_kept_log_free(struct hv_kept_log *k) {
        if (!k)
                return NULL;
        close_log(k);
        hv_results_free(k->results);
        free(k);
        return NULL;
}

ssize_t hv_kept_log_fill(struct hv_kept_log *k, char *buf, size_t cap) {
        for (;;) {
                ssize_t n = read_some(k, buf, cap);
                char *from = buf;

                if (n <= 0 || k->skip_lines == 0)
                        return n;
                while (k->skip_lines > 0 && from < buf + n) {
                        char *end = memchr(from, '\n', (size_t) (buf + n - from));

                        k->skip_lines -= end != NULL;
                        from = end ? end + 1 : buf + n;
                }
                if (from == buf + n)
                        continue;
                memmove(buf, from, (size_t) (buf + n - from));
                return buf + n - from;
        }
}
